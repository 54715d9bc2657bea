// Sentences for the end-to-end measure of seat intents, apart from everything that training saw: frames and whole
// sentences of their own, in two halves with different frames. `development` is for looking at, `report` is counted only.
import { josa } from 'es-hangul';
import { between, pick, seeded } from './random.mjs';

const SINO = ['', '일', '이', '삼', '사', '오', '육', '칠', '팔', '구'];
const ONES = ['', '한', '두', '세', '네', '다섯', '여섯', '일곱', '여덟', '아홉'];
const TENS = ['', '열', '스물', '서른', '마흔', '쉰', '예순', '일흔', '여든', '아흔'];
const LETTERS = { A: '에이', B: '비', C: '씨', D: '디', E: '이', F: '에프' };

const sino = (n) =>
  n === 100 ? '백' : `${n >= 20 ? SINO[Math.floor(n / 10)] : ''}${n >= 10 ? '십' : ''}${SINO[n % 10]}`;
const native = (n) => (n === 20 ? '스무' : TENS[Math.floor(n / 10)] + ONES[n % 10]);

/** `{venue, value, said}`: a seat of one of the two venues, and one way of saying it. */
function seat(random, venue) {
  if (venue === 'airplane') {
    const letter = pick(random, Object.keys(LETTERS));
    const n = 1 + Math.floor(10 * random());
    const name = LETTERS[letter];
    const said = pick(random, [
      `${name}열 ${sino(n)}번 자리`,
      `${name} ${sino(n)} 좌석`,
      `${name} ${sino(n)}번 자리`,
      `${name}열 ${sino(n)}번 좌석`,
    ]);
    return { value: `${letter}${n}`, said };
  }
  const n = 1 + Math.floor(100 * random());
  const ways = [`${sino(n)} 번 자리`, `${sino(n)}번 좌석`, `${sino(n)} 번 좌석`];
  if (n > 4 && n < 100) ways.push(`${native(n)} 번 자리`);
  return { value: String(n), said: pick(random, ways) };
}

/**
 * `[intent, frame]`: S is the seat, a particle after it is written for a vowel and takes the seat's ending. Frames with
 * P are for the venue that sells.
 */
const FRAMES = {
  development: [
    ['reserve', 'S 예약할래요 지금 바로요'],
    ['reserve', 'S 예약 신청합니다'],
    ['reserve', 'S 하나 잡아 주시겠어요'],
    ['reserve', '제가 S 예약하려고 왔어요'],
    ['reserve', '비어 있으면 S 예약 좀 할게요'],
    ['move', '자리를 S로 변경하고 싶어요'],
    ['move', 'S로 이동 부탁드립니다'],
    ['return', 'S 반납하고 가겠습니다'],
    ['return', '이제 가려고요 S 반납할래요'],
    ['extend', 'S 연장 신청할게요'],
    ['extend', 'S 시간을 연장하고 싶은데요'],
    ['cancel', 'S 예약 취소 부탁드립니다'],
    ['cancel', 'S 예약했던 거 취소하려고요'],
    ['check_seat', 'S 사용 중인지 확인해 주세요'],
    ['check_seat', 'S 지금 비었나요'],
    ['purchase', 'S 결제해 주시겠어요', 'airplane'],
  ],
  report: [
    ['reserve', 'S 예약 부탁합니다'],
    ['reserve', 'S 예약 진행해 주세요'],
    ['reserve', '저 S 예약 좀 해 줄래요'],
    ['reserve', 'S에 앉으려고요 예약해 주십시오'],
    ['reserve', 'S를 제 이름으로 예약해 주시겠어요'],
    ['reserve', '가능하면 S 예약하겠습니다'],
    ['reserve', 'S 맡아 주시면 좋겠어요'],
    ['reserve', '오늘은 S 쓰겠습니다'],
    ['move', 'S로 자리를 옮기겠습니다'],
    ['move', '제 자리를 S로 바꿔 주시겠어요'],
    ['move', 'S 쪽으로 이동하고 싶습니다'],
    ['move', '저를 S로 옮겨 주십시오'],
    ['return', 'S 이제 반납하려고요'],
    ['return', 'S 반납 처리해 주시겠어요'],
    ['return', '다 썼으니까 S 반납하겠습니다'],
    ['extend', 'S 이용 시간을 늘리고 싶어요'],
    ['extend', 'S 연장 좀 부탁드릴게요'],
    ['extend', 'S 조금 더 쓰게 연장해 주십시오'],
    ['cancel', 'S 예약한 것 취소하고 싶어요'],
    ['cancel', 'S 예약을 취소해 주시겠어요'],
    ['cancel', '아까 예약한 S 취소하겠습니다'],
    ['check_seat', 'S 지금 비었는지 봐 주세요'],
    ['check_seat', 'S에 누가 앉아 있나요'],
    ['check_seat', 'S 아직 비어 있습니까'],
    ['purchase', 'S 결제 진행하겠습니다', 'airplane'],
    ['purchase', 'S를 구매하고 싶습니다', 'airplane'],
  ],
};
const PER_FRAME = { development: 6, report: 11 };

/** Sentences without a seat, written out. */
const WHOLE = {
  development: [
    ['status', '제 이용 시간이 얼마나 남았나요'],
    ['status', '제가 예약한 자리가 어디였죠'],
    ['list_available', '지금 앉을 만한 빈자리가 있을까요'],
    ['list_available', '콘센트 있는 빈자리 좀 찾아 주세요'],
    ['show_barcode', '바코드 화면 좀 열어 주세요'],
    ['my_info', '제 정보 좀 확인할게요'],
    ['login', '로그인부터 할게요'],
    ['logout', '로그아웃하고 나갈게요'],
    ['refresh', '화면을 새로 고쳐 주세요'],
    ['help', '사용 방법을 모르겠어요 도와주세요'],
    ['none', '오늘 점심에는 칼국수를 먹었어요'],
    ['none', '버스가 십오 분 뒤에 온대요'],
    ['none', '그 영화 정말 재미있더라고요'],
    ['none', '내일은 비가 많이 온다고 하네요'],
    ['none', '친구가 부산으로 이사를 갔어요'],
    ['none', '우리 강아지는 세 살이에요'],
  ],
  report: [
    ['status', '제가 앉은 자리가 몇 번인가요'],
    ['status', '이용 시간이 얼마나 남았는지 궁금해요'],
    ['status', '제 예약이 몇 시에 끝나죠'],
    ['status', '남은 시간을 확인하고 싶습니다'],
    ['status', '제 예약 현황을 보고 싶어요'],
    ['list_available', '지금 빈 좌석이 몇 개나 있나요'],
    ['list_available', '창가에 비어 있는 자리가 있을까요'],
    ['list_available', '오늘 저녁에 남는 자리 있습니까'],
    ['list_available', '조용한 자리 중에 빈 곳을 알려 주세요'],
    ['list_available', '빈자리 목록을 보여 주시겠어요'],
    ['show_barcode', '출입 바코드를 띄워 주세요'],
    ['show_barcode', '학생증 바코드 보여 줄래요'],
    ['my_info', '제 회원 정보를 보고 싶어요'],
    ['my_info', '내 정보 화면을 열어 주세요'],
    ['login', '로그인하고 싶습니다'],
    ['login', '먼저 로그인부터 해 주세요'],
    ['logout', '이제 로그아웃하겠습니다'],
    ['logout', '로그아웃 부탁드립니다'],
    ['refresh', '좌석 현황을 새로 고쳐 주십시오'],
    ['refresh', '화면 새로고침 부탁드려요'],
    ['help', '어떻게 쓰는 건지 알려 주세요'],
    ['help', '도움말을 보고 싶어요'],
    ['none', '오늘 아침에는 빵을 먹었습니다'],
    ['none', '어제 산 책이 아주 재미있어요'],
    ['none', '회의는 오후 세 시에 시작합니다'],
    ['none', '제 동생은 대학교 이 학년이에요'],
    ['none', '주말에 바다를 보러 갈 거예요'],
    ['none', '커피가 너무 써서 못 마시겠어요'],
    ['none', '지하철이 오늘따라 많이 늦네요'],
    ['none', '이번 시험은 생각보다 어려웠어요'],
    ['none', '저녁에 비가 그치면 산책하러 가요'],
    ['none', '할머니께서 김치를 보내 주셨어요'],
    ['none', '새로 나온 노래를 들어 봤어요'],
    ['none', '감기에 걸려서 목이 아파요'],
  ],
};

/** The seat in its frame, with the particle that its last syllable asks for. */
function put(frame, said) {
  return frame
    .replace('S로', () => josa(said, '으로/로'))
    .replace('S를', () => josa(said, '을/를'))
    .replace('S', () => said);
}

/**
 * @param {'development' | 'report'} half
 * @returns sentences `{id, venue, intent, seat?, text}`
 */
export function seatSentences(half) {
  const random = seeded(half === 'report' ? 20_261_125 : 7);
  const sentences = [];
  const seen = new Set();
  for (const [intent, frame, only] of FRAMES[half]) {
    for (let k = 0; k < PER_FRAME[half];) {
      const venue = only ?? (k % 2 === 0 ? 'library' : 'airplane');
      const { value, said } = seat(random, venue);
      const text = put(frame, said);
      if (seen.has(text)) continue;
      seen.add(text);
      sentences.push({ venue, intent, seat: value, text });
      k++;
    }
  }
  WHOLE[half].forEach(([intent, text], k) =>
    sentences.push({ venue: k % 2 === 0 ? 'library' : 'airplane', intent, text }),
  );
  return sentences.map((sentence, k) => ({ id: `${half}-${String(k + 1).padStart(3, '0')}`, ...sentence }));
}

/** Voices of espeak-ng of which the recipe knows nothing; `python/malgwi_train/espeak.py` has those it trains on. */
export const VOICES = [
  'klatt3',
  'Michael',
  'Denis',
  'Hugo',
  'Lee',
  'Mario',
  'anika',
  'david',
  'iven',
  'pablo',
  'shelby',
  'zac',
  'Andrea',
  'grandma',
  'norbert',
  'antonio',
];

/** How the n-th sentence is spoken: each voice in turn, at a rate and a pitch of its own. */
export function manner(sentence, n) {
  const random = seeded(n + 1000 * sentence.id.length);
  return {
    voice: `ko+${VOICES[n % VOICES.length]}`,
    rate: Math.round(between(random, 105, 230)),
    pitch: Math.round(between(random, 20, 80)),
    // espeak-ng leaves assimilation out: every second sentence is spelled for it as it sounds.
    bySound: n % 2 === 1,
  };
}
