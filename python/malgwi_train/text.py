"""Transcript normalisation (`malgwi-train-1`): Hangul syllables and single spaces only."""

import re
import unicodedata

from .numerals import read_numbers

NORMALIZER = "malgwi-train-1"

LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트"
).split()))
WORDS = {"TED": "테드", "TEDX": "테드엑스", "OK": "오케이"}
SYMBOLS = {"℃": "도", "㎞": "킬로미터", "㎏": "킬로그램", "㎝": "센티미터", "&": " 앤 ", "+": " 플러스 "}

_LATIN = re.compile(r"[A-Z]+")
_FOREIGN = re.compile(r"[^가-힣]+")
_LOOSE_JAMO = re.compile(r"[ㄱ-ㆎᄀ-ᇿ]")


def _spell(match: re.Match[str]) -> str:
    word = match.group()
    return WORDS.get(word) or "".join(LETTERS[c] for c in word)


def normalize(text: str) -> str:
    """Numbers and Latin letters read out, everything that is not a Hangul syllable dropped."""
    text = unicodedata.normalize("NFC", text).upper()
    for symbol, reading in SYMBOLS.items():
        text = text.replace(symbol, reading)
    text = read_numbers(text)
    text = _LATIN.sub(_spell, text)
    return _FOREIGN.sub(" ", text).strip()


def is_spoken(text: str) -> bool:
    """Whether a written sentence can be read aloud as it stands (no loose jamo, no foreign words)."""
    return not (_LOOSE_JAMO.search(text) or re.search(r"[A-Za-z]{4,}|[一-鿿぀-ヿ]|http|\d{5,}", text))


def syllables(text: str) -> int:
    """Syllables of a normalised text."""
    return len(text) - text.count(" ")
