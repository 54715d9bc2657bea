"""Digits read out in Korean: Sino-Korean by default, native numerals before the counters that take them."""

import re

SINO_DIGITS = ["영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"]
SMALL_UNITS = ["", "십", "백", "천"]
LARGE_UNITS = ["", "만", "억", "조", "경"]
NATIVE_ONES = ["", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉"]
NATIVE_TENS = ["", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
# Before a counter the numerals take their shortened (attributive) forms.
ATTRIBUTIVE = {"하나": "한", "둘": "두", "셋": "세", "넷": "네", "스물": "스무"}

# Counter -> largest number that is usually read with a native numeral before it.
NATIVE_COUNTERS = {
    "시간": 99, "시": 12, "명": 99, "개월": 0, "개": 99, "살": 99, "번째": 99, "번": 20, "마리": 99,
    "장": 20, "가지": 99, "사람": 99, "잔": 99, "병": 20, "권": 20, "대": 20, "분이": 20, "달": 12,
    "군데": 99, "그릇": 99, "송이": 99, "켤레": 99, "채": 20, "벌": 20, "자리": 20, "좌석": 20, "칸": 20,
}
_COUNTER = "|".join(sorted(NATIVE_COUNTERS, key=len, reverse=True))
_NUMBER = re.compile(rf"(\d[\d,]*)(\.\d+)?(\s*)({_COUNTER}|월|%)?")


def sino(number: int) -> str:
    """Sino-Korean reading of a non-negative integer."""
    if number == 0:
        return SINO_DIGITS[0]
    groups: list[str] = []
    for unit in LARGE_UNITS:
        if number == 0:
            break
        number, group = divmod(number, 10000)
        if group:
            words = ""
            for power in range(3, -1, -1):
                digit = group // 10**power % 10
                if digit:
                    words += ("" if digit == 1 and power else SINO_DIGITS[digit]) + SMALL_UNITS[power]
            # 10000 is read 만, not 일만.
            groups.append("만" if unit == "만" and group == 1 and number == 0 else words + unit)
    return "".join(reversed(groups))


def native(number: int, attributive: bool = True) -> str:
    """Native numeral of 1..99, in the form used before a counter unless told otherwise."""
    tens, ones = divmod(number, 10)
    tail = NATIVE_ONES[ones] if ones else NATIVE_TENS[tens]
    head = NATIVE_TENS[tens] if ones else ""
    return head + (ATTRIBUTIVE.get(tail, tail) if attributive else tail)


def digits(text: str) -> str:
    """Digit by digit, as in telephone numbers, where zero is 공."""
    return "".join("공" if d == "0" else SINO_DIGITS[int(d)] for d in text)


def _read(match: re.Match[str]) -> str:
    whole, fraction, gap, counter = match.groups()
    plain = whole.replace(",", "")
    counter = counter or ""
    if len(plain) > 1 and plain[0] == "0" or len(plain) > 16:
        reading = digits(plain)
    else:
        value = int(plain)
        # After a letter it names a seat (A3 좌석) and counts nothing.
        before = match.string[: match.start()].rstrip()
        limit = 0 if re.search(r"[A-Za-z]$", before) else NATIVE_COUNTERS.get(counter, 0)
        if not fraction and 1 <= value <= limit:
            return native(value) + " " + counter
        reading = sino(value)
        if counter == "월" and value in (6, 10):
            # 6월 and 10월 lose a coda in speech and in spelling.
            return {6: "유", 10: "시"}[value] + "월"
    if fraction:
        reading += " 점 " + "".join(SINO_DIGITS[int(d)] for d in fraction[1:])
    return reading + gap + (" 퍼센트" if counter == "%" else counter)


def read_numbers(text: str) -> str:
    """Replace every run of digits by its reading."""
    return _NUMBER.sub(_read, text)
