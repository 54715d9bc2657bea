"""Standard Korean pronunciation rules, for synthesisers that read letters as written.

The rules are those of the Standard Pronunciation (National Institute of Korean Language, 표준 발음법), kept to what
applies within a word: aspiration, palatalisation, liaison, tensification, nasalisation and lateralisation.
"""

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]

SPLIT = {"ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ",
         "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ"}
ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ", "ㅅ": "ㅌ"}
TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
# What a coda sounds like when no vowel follows.
NEUTRAL = {**dict.fromkeys(["ㄱ", "ㄲ", "ㅋ", "ㄳ", "ㄺ"], "ㄱ"),
           **dict.fromkeys(["ㄷ", "ㅌ", "ㅅ", "ㅆ", "ㅈ", "ㅊ", "ㅎ"], "ㄷ"),
           **dict.fromkeys(["ㅂ", "ㅍ", "ㅄ", "ㄿ"], "ㅂ"),
           **dict.fromkeys(["ㄴ", "ㄵ", "ㄶ"], "ㄴ"), **dict.fromkeys(["ㄹ", "ㄼ", "ㄽ", "ㄾ", "ㅀ"], "ㄹ"),
           **dict.fromkeys(["ㅁ", "ㄻ"], "ㅁ"), "ㅇ": "ㅇ", "": ""}
NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}


def _split(syllable: str) -> list[str]:
    code = ord(syllable) - 0xAC00
    return [ONSETS[code // 588], VOWELS[code // 28 % 21], CODAS[code % 28]]


def _join(onset: str, vowel: str, coda: str) -> str:
    return chr(0xAC00 + ONSETS.index(onset) * 588 + VOWELS.index(vowel) * 28 + CODAS.index(coda))


def _junction(coda: str, onset: str, vowel: str) -> tuple[str, str]:
    """Coda and following onset after the rules."""
    if coda == "":
        return coda, onset
    first, last = SPLIT.get(coda, coda) if coda in SPLIT else ("", coda)
    if last == "ㅎ" and coda != "ㅎ" or coda == "ㅎ":
        if onset in "ㄱㄷㅈ":
            return first, ASPIRATED[onset]
        if onset == "ㅅ":
            return first, "ㅆ"
        if onset == "ㅇ":
            return ("", first or "ㅇ")
    if onset == "ㅎ" and last in ASPIRATED:
        # 닫히다 is palatalised as well: 다치다.
        return first, "ㅊ" if last == "ㄷ" and vowel == "ㅣ" else ASPIRATED[last]
    if onset == "ㅇ" and coda != "ㅇ":
        if last in "ㄷㅌ" and vowel == "ㅣ":
            return first, "ㅈ" if last == "ㄷ" else "ㅊ"
        return first, "ㅆ" if first and last == "ㅅ" else last
    sound = NEUTRAL[coda]
    if sound in NASAL:
        if onset in "ㄴㅁ":
            return NASAL[sound], onset
        if onset == "ㄹ":
            return NASAL[sound], "ㄴ"
        return sound, TENSE.get(onset, onset)
    if {sound, onset} == {"ㄴ", "ㄹ"} or sound == onset == "ㄹ":
        return "ㄹ", "ㄹ"
    if sound in "ㅁㅇ" and onset == "ㄹ":
        return sound, "ㄴ"
    if coda in ("ㄵ", "ㄻ", "ㄼ", "ㄾ"):
        return sound, TENSE.get(onset, onset)
    return sound, onset


def _word(word: str) -> str:
    parts = [_split(s) for s in word]
    for current, following in zip(parts, parts[1:], strict=False):
        current[2], following[0] = _junction(current[2], following[0], following[1])
    if parts:
        parts[-1][2] = NEUTRAL[parts[-1][2]]
    return "".join(_join(*p) for p in parts)


def pronounce(text: str) -> str:
    """Spelling by sound of a normalised text."""
    return " ".join(_word(word) for word in text.split())
