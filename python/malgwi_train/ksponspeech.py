"""
KsponSpeech (Bang et al. 2020, Applied Sciences 10(19), 6936; AI Hub) as it comes: folders of 1,000 utterances,
`KsponSpeech_01/KsponSpeech_0001/KsponSpeech_000001.pcm` (16 kHz, 16-bit little-endian, no header) with a `.txt` of
the same name in cp949, and the evaluation sets in `KsponSpeech_eval/` with their transcripts in `KsponSpeech_scripts/*.trn`.

Its speakers are not labelled: the folder stands for one, which is good enough to keep babble apart from the speaker.
"""

import re
from collections.abc import Iterator
from pathlib import Path

CORPUS = "ksponspeech"
LICENCE = "AI Hub terms of use"
# The corpus's own split: dev.trn lists the 2,545 utterances after these.
LAST_TRAINING = 620_000

_NUMBER = re.compile(r"KsponSpeech_(E?\d+)$")
# (spelling)/(pronunciation); transcribers sometimes left blanks around the stroke.
_DUAL = re.compile(r"\(([^()]*)\)\s*/\s*\(([^()]*)\)")
# Breath, noise, laughter, overlap, and what nobody understood.
_MARKER = re.compile(r"(?<![A-Za-z])[bnlou]/")
_UNINTELLIGIBLE = re.compile(r"(?<![A-Za-z])u/")
_PERCENT = re.compile(r"(?<=[가-힣])\s*%")


def transcript(raw: str, spelling: bool = False) -> str:
    """
    A transcript without its marks: markers go, fillers (`아/`), fragments (`모+`) and unclear words (`그*`) stay as
    words. Of dual transcripts the pronunciation is kept, as in KoSpeech's phonetic mode: it says how numbers and
    letters were read, which spelling leaves open.
    """
    text = _DUAL.sub(lambda match: match.group(1 if spelling else 2), raw)
    text = _PERCENT.sub(" 퍼센트", _MARKER.sub(" ", text))
    return " ".join(re.sub(r"[/+*()]", " ", text).split())


def is_complete(raw: str) -> bool:
    """Whether every word was understood: what is spoken but not written would teach a model to leave words out."""
    return not _UNINTELLIGIBLE.search(raw)


def read_text(path: Path) -> str:
    """Text in cp949 (the corpus) or UTF-8 (its scripts, and copies that someone converted)."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp949", errors="replace")


def is_here(folder: Path) -> bool:
    """Whether a folder holds the corpus."""
    return any(folder.glob("KsponSpeech_0[1-5]")) or any(folder.glob("*/KsponSpeech_0[1-5]"))


def entries(folder: Path, spelling: bool = False) -> Iterator[dict]:
    """Utterances in the corpus's order; folders may stand one level deeper, as the archives unpack them."""
    parts = sorted([*folder.glob("KsponSpeech_0[1-5]"), *folder.glob("*/KsponSpeech_0[1-5]")], key=lambda p: p.name)
    for part in parts:
        for group in sorted(part.iterdir()):
            for text in sorted(group.glob("*.txt")):
                entry = _entry(folder, text.with_suffix(".pcm"), read_text(text), group.name, spelling)
                if entry:
                    yield entry
    for script in sorted([*folder.glob("**/KsponSpeech_scripts/eval_*.trn")]):
        audio = next(iter(sorted(folder.glob(f"**/{script.stem}"))), None)
        for line in read_text(script).splitlines() if audio else ():
            name, _, raw = line.partition(" :: ")
            entry = _entry(folder, audio / Path(name).name, raw, script.stem, spelling)
            if entry:
                yield entry


def _entry(folder: Path, audio: Path, raw: str, group: str, spelling: bool) -> dict | None:
    number = _NUMBER.search(audio.stem)
    if not number or not raw.strip() or not audio.exists():
        return None
    of_evaluation = number.group(1).startswith("E")
    split = "test" if of_evaluation else "train" if int(number.group(1)) <= LAST_TRAINING else "dev"
    if split == "train" and not is_complete(raw):
        return None
    return {
        "id": audio.stem, "audio": str(audio.relative_to(folder)), "text": transcript(raw, spelling), "speaker": group,
        "corpus": f"{CORPUS}-{group}" if of_evaluation else CORPUS, "split": split, "license": LICENCE,
    }
