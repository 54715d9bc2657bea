"""A grammar of what people say to a seat desk, so that the domain's words are heard in training."""

import random

from .numerals import native, sino
from .text import LETTERS

DAYS = ["오늘", "내일", "모레", "이번 주 토요일", "다음 주 월요일", "화요일", "수요일", "목요일", "금요일", "일요일", "주말"]
PARTS = ["아침", "오전", "오후", "저녁", "밤", "점심"]
KINDS = ["창가", "통로", "콘센트 있는", "칸막이", "구석", "조용한", "앞쪽", "뒤쪽", "가운데", "문에서 먼", "일반", "창문 옆", "복도 쪽",
         "맨 앞", "맨 뒤"]
ROOMS = ["열람실", "스터디룸", "회의실", "자료실", "노트북실"]
FILLERS = ["저기", "음", "어", "그", "혹시", "저기요", "그러면", "그럼", "아", "네", "죄송한데", "근데"]
NUMBER_WORDS = ["번", "번 자리", "번 좌석", "번 석"]


def _number(r: random.Random) -> str:
    n = r.randint(1, 100) if r.random() < 0.9 else r.randint(101, 300)
    return native(n) if n < 100 and r.random() < 0.35 else sino(n)


def _letter_seat(r: random.Random) -> str:
    letter = LETTERS[r.choice("ABCDEF" if r.random() < 0.8 else "GHIJKLMNOP")]
    number = r.randint(1, 12 if r.random() < 0.8 else 40)
    return r.choice(["{l} {n}", "{l}{n}", "{l}열 {n}번", "{l} {n}번", "{l}줄 {n}번", "{l} {n}번 좌석"]).format(
        l=letter, n=sino(number))


def seat(r: random.Random) -> str:
    """A seat as spoken."""
    if r.random() < 0.45:
        return _letter_seat(r)
    if r.random() < 0.12:
        return f"{r.choice(['첫', native(r.randint(2, 10))])} 번째 줄 {sino(r.randint(1, 12))}번"
    return f"{_number(r)}{r.choice(NUMBER_WORDS)}"


def moment(r: random.Random) -> str:
    """A time of day."""
    text = f"{native(r.randint(1, 12))} 시"
    roll = r.random()
    if roll < 0.25:
        text += " 반"
    elif roll < 0.5:
        text += f" {sino(r.choice([5, 10, 15, 20, 25, 30, 40, 45, 50]))}분"
    return f"{r.choice(PARTS)} {text}" if r.random() < 0.5 else text


def duration(r: random.Random) -> str:
    """A length of time."""
    if r.random() < 0.3:
        return f"{sino(r.choice([10, 15, 20, 30, 40, 45, 50, 90]))}분"
    return f"{native(r.randint(1, 6))} 시간" + r.choice(["", "", " 반", " 삼십분", "만"])


def people(r: random.Random) -> str:
    """A party."""
    n = native(r.randint(1, 8))
    return r.choice([f"{n} 명", f"{n} 사람", f"{n} 자리", "둘", "셋", "넷", "혼자", "둘이서", "친구랑 둘이"])


def place(r: random.Random) -> str:
    """A room, a floor or a row."""
    return r.choice([
        f"제{sino(r.randint(1, 5))} {r.choice(ROOMS)}", f"{sino(r.randint(1, 5))}{r.choice(ROOMS)}", f"{sino(r.randint(1, 9))}층",
        f"{sino(r.randint(1, 9))}층 {r.choice(ROOMS)}", f"{LETTERS[r.choice('ABCDEF')]}열", f"{sino(r.randint(1, 12))}열",
        f"{native(r.randint(2, 10))} 번째 줄", r.choice(ROOMS),
    ])


PATTERNS = {
    "reserve": ["{s} 예약해 줘", "{s} 예약해 주세요", "{s} 자리 예약할게요", "{s} 잡아 줘", "{s} 부탁드려요", "{s} 맡아 줄래",
                "{d} {t}에 {s} 예약하고 싶어요", "{d} {t}부터 {u} 동안 {s} 예약해 주세요", "{p} 예약할게요", "{p} 앉을 자리 잡아 주세요",
                "{k} 자리로 하나 예약해 줘", "{w} {k} 자리 있으면 예약해 주세요", "{s}이랑 {s} 같이 예약해 줘", "{w} {s} 예약 가능한가요",
                "{p} 붙어 있는 자리로 부탁해요", "아무 자리나 예약해 줘", "{w}에서 {k} 자리 하나 주세요", "{s} 쓸게요", "{s}로 할게요",
                "{s}에 앉을게요", "{k} 좌석으로 주세요", "{t}까지 {s} 쓰고 싶은데요"],
    "move": ["{s}으로 옮겨 줘", "{s}로 자리 옮길게요", "{s}에서 {s}로 바꿔 주세요", "{k} 자리로 옮기고 싶어요", "자리 좀 바꿔 주세요",
             "{w}로 이동할게요", "{s}로 변경해 주세요", "옆자리로 옮겨 주세요", "한 칸 뒤로 옮길 수 있어요"],
    "return": ["자리 반납할게요", "{s} 반납해 주세요", "반납할게요", "좌석 반납 부탁드립니다", "이제 나갈게요 반납해 줘", "{s} 다 썼어요",
               "퇴실할게요", "퇴실 처리해 주세요", "자리 뺄게요"],
    "extend": ["{u} 연장해 주세요", "{u} 더 쓸게요", "{u}만 더 연장해 줘", "자리 연장할게요", "{t}까지 연장해 주세요", "시간 좀 늘려 주세요",
               "최대한 연장해 줘", "{s} {u} 연장 부탁해요", "이용 시간 연장하고 싶어요"],
    "cancel": ["예약 취소해 줘", "{s} 예약 취소할게요", "{d} 예약 취소해 주세요", "전부 취소해 줘", "예약한 거 다 취소해 주세요", "취소할게요",
               "아까 예약한 거 취소요"],
    "purchase": ["{s} 결제할게요", "{s} 구매해 주세요", "좌석 결제해 줘", "{s} 살게요", "표 두 장 주세요"],
    "status": ["제 자리 어디예요", "내 자리 알려 줘", "몇 시까지 쓸 수 있어요", "남은 시간 알려 줘", "얼마나 남았어요", "언제 끝나요",
               "예약 내역 보여 주세요", "{d} 예약 확인해 줘", "시간 얼마나 남았는지 알려 주세요", "제 예약 확인 좀 해 주세요"],
    "check": ["{s} 비어 있어요", "{s} 지금 쓸 수 있나요", "{w} {s} 자리 있어요", "{s} 누가 쓰고 있어요", "{d} {t}에 {s} 비었나요"],
    "list": ["{d} 남은 자리 있어요", "빈자리 있어요", "{w}에 빈자리 몇 개 있어요", "{w} 남은 좌석 알려 줘", "{k} 자리 남았어요", "{p} 앉을 수 있어요",
             "{d} {t}에 빈자리 있나요", "지금 비어 있는 자리 보여 줘", "어디 자리 남았어요", "열람실 현황 보여 줘"],
    "correct": ["아니 {s} 말고 {s}", "{s} 아니고 {s}요", "아니요 {s}로 해 주세요", "아 잠깐만 {s}로 바꿔 줘", "{s} 말고 다른 자리요"],
    "short": ["네", "네 맞아요", "아니요", "예약해 주세요", "그렇게 해 주세요", "확인", "취소", "좋아요", "괜찮아요", "아니 됐어요", "응 그래",
              "{s}", "{s}요", "{u}", "{t}", "{d} {t}", "{p}이요", "도와줘", "바코드 보여 줘", "로그인할게요", "로그아웃해 줘", "내 정보 보여 줘",
              "새로 고침", "네 부탁드려요", "안녕하세요", "감사합니다", "다시 말씀해 주세요"],
}
# Besides the patterns: what is asked for, by any verb with any ending, since nobody can list all of their pairs.
DOINGS = {
    "{s}": ["예약", "신청", "배정", "선택", "반납", "연장", "취소", "변경", "이동", "결제", "구매", "확인", "예약 취소", "예약 변경", "사용", "이용"],
    "{s}로": ["예약", "변경", "이동", "신청", "결제", "배정"],
    "{d} {t} {s}": ["예약", "신청", "취소", "변경", "확인"],
    "{k} 자리": ["예약", "신청", "배정", "확인"],
    "{w}": ["예약", "신청", "이동", "확인"],
    "{u}": ["연장", "연장 신청", "이용", "사용", "추가"],
    "": ["반납", "퇴실", "입실", "연장", "예약", "취소", "결제", "좌석 변경", "자리 이동", "예약 확인", "이용 연장", "새로 고침"],
}
ENDINGS = ["할게요", "할래요", "할래", "할게", "할까요", "하려고요", "하려고 하는데요", "하려는데요", "하고 싶어요", "하고 싶은데요", "하고 싶습니다",
           "하겠습니다", "하고 갈게요", "할 수 있어요", "할 수 있나요", "할 수 있을까요", "해도 돼요", "해도 될까요", "하면 되나요", "해 주세요", "해 줘",
           "해 줘요", "해 줄래", "해 줄래요", "해 줄 수 있어요", "해 주실래요", "해 주시겠어요", "해 주실 수 있나요", "해 주실 수 있을까요", "좀 해 주세요",
           "좀 해 줘", "좀 할게요", "부탁해요", "부탁드려요", "부탁드립니다", "부탁드릴게요", "바랍니다", "되나요", "될까요", "돼요", "가능해요", "가능한가요",
           "가능할까요", "했는데요", "했던 거요"]
OPENERS = ["지금", "이제", "빨리", "혹시 되면", "가능하면", "자리 있으면", "괜찮으면", "그냥", "일단", "오늘은", "먼저", "다시"]
CLOSERS = ["지금요", "빨리요", "고마워요", "감사합니다", "바로 부탁해요", "그럼요"]


def request(r: random.Random) -> str:
    """A thing, a verb, an ending."""
    thing = r.choice(list(DOINGS))
    parts = [thing, f"{r.choice(DOINGS[thing])}{r.choice(['', ' '])}{r.choice(ENDINGS)}"]
    if r.random() < 0.2:
        parts.insert(0, r.choice(OPENERS))
    if r.random() < 0.1:
        parts.append(r.choice(CLOSERS))
    return " ".join(part for part in parts if part)


SLOTS = {"s": seat, "t": moment, "u": duration, "p": people, "w": place, "d": lambda r: r.choice(DAYS),
         "k": lambda r: r.choice(KINDS)}


def sentence(r: random.Random) -> str:
    """One sentence of the domain, already normalised."""
    if r.random() < 0.4:
        pieces = request(r)
    else:
        intent = r.choices(list(PATTERNS), weights=[30, 8, 5, 9, 5, 3, 6, 7, 9, 6, 12])[0]
        pieces = r.choice(PATTERNS[intent])
    while "{" in pieces:
        start = pieces.index("{")
        pieces = pieces[:start] + SLOTS[pieces[start + 1]](r) + pieces[start + 3 :]
    if r.random() < 0.12:
        pieces = f"{r.choice(FILLERS)} {pieces}"
    return pieces
