"""Transcript normalisation, numerals, units and pronunciation rules."""

import random
import unicodedata

import pytest

from malgwi_train import seats
from malgwi_train.numerals import digits, native, sino
from malgwi_train.pronounce import pronounce
from malgwi_train.text import is_spoken, normalize, syllables
from malgwi_train.tokens import BLANK, SPACE, TOKENS, decode, encode, greedy


@pytest.mark.parametrize(("written", "spoken"), [
    ("2시 30분에 3명이", "두 시 삼십분에 세 명이"),
    ("6월 10일, 10월", "유월 십일 시월"),
    ("12,345원", "만이천삼백사십오원"),
    ("3.14", "삼 점 일사"),
    ("010-1234", "공일공 천이백삼십사"),
    ("A3 좌석", "에이삼 좌석"),
    ("TED에서", "테드에서"),
    ("100%  정말?!", "백 퍼센트 정말"),
    ("30번", "삼십번"),
    ("ㅋㅋ 네", "네"),
    ("", ""),
])
def test_normalize(written: str, spoken: str) -> None:
    assert normalize(written) == spoken
    assert normalize(spoken) == spoken


def test_normalize_composes() -> None:
    assert normalize(unicodedata.normalize("NFD", "예약")) == "예약"


def test_numerals() -> None:
    assert [sino(n) for n in (0, 10, 11, 100, 10000, 20010, 110000)] == [
        "영", "십", "십일", "백", "만", "이만십", "십일만"]
    assert [native(n) for n in (1, 3, 20, 21, 27, 99)] == ["한", "세", "스무", "스물한", "스물일곱", "아흔아홉"]
    assert native(20, attributive=False) == "스물"
    assert digits("0102") == "공일공이"


def test_sentences_that_cannot_be_read_aloud() -> None:
    assert is_spoken("내일 3시에 봐요")
    assert not any(map(is_spoken, ["ㅋㅋ", "good morning", "漢字", "12345678"]))
    assert syllables("두 시 반") == 3


def test_vocabulary_fits_the_manifest() -> None:
    assert len(TOKENS) == 72
    assert (TOKENS[SPACE], BLANK, len(set(TOKENS))) == ("|", 71, 72)


def test_round_trip() -> None:
    for text in ["에이 삼 자리 예약해 줘", "값을 읽었다", "꽃 뷁 쀍", ""]:
        assert decode(encode(text)) == text


def test_every_syllable_has_units() -> None:
    assert decode(encode("".join(map(chr, range(0xAC00, 0xD7A4))))) == "".join(map(chr, range(0xAC00, 0xD7A4)))


def test_greedy_collapses_then_drops_blanks() -> None:
    ids = encode("각 가")
    frames = [i for token in ids for i in (token, token, BLANK)]
    assert greedy(frames) == "각 가"
    assert greedy([ids[0], ids[0], ids[1], BLANK, ids[1]]) != decode([ids[0], ids[1]])
    assert greedy([BLANK] * 5) == ""


@pytest.mark.parametrize(("written", "sounded"), [
    ("국물", "궁물"), ("신라", "실라"), ("설날", "설랄"), ("같이", "가치"), ("굳이", "구지"), ("닫히다", "다치다"),
    ("많이", "마니"), ("좋아하고", "조아하고"), ("값이", "갑씨"), ("읽어", "일거"), ("학교", "학꾜"), ("입학", "이팍"),
    ("독립", "동닙"), ("음료", "음뇨"), ("앉아", "안자"), ("넓다", "널따"), ("강", "강"), ("영어", "영어"),
])
def test_pronunciation(written: str, sounded: str) -> None:
    assert pronounce(written) == sounded


def test_seat_sentences_are_normalised_and_varied() -> None:
    rng = random.Random(3)
    made = [seats.sentence(rng) for _ in range(2000)]
    assert all(normalize(text) == text and "{" not in text for text in made)
    assert len(set(made)) > 1000
