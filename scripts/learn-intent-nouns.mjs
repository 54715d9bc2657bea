// Writes src/intents/lexicon/learned-nouns.ts: nouns that are none of ours, from the counts of count-nouns.py. Left out
// are words the lexicon has, those that read like a number with its unit (사번) or an inflected verb (하자), words for
// time, place and amount that stand in commands too, rare ones that sound almost like ours (저리), and coarse ones. Needs a build (npm run build).
// Run: node scripts/learn-intent-nouns.mjs nouns.tsv
import { readFileSync, writeFileSync } from 'node:fs';
import { Class } from '../dist/intents/grammar/lexicon.js';
import { readSound } from '../dist/intents/grammar/lattice.js';
import { toSound } from '../dist/intents/grammar/sound.js';
import { BACKGROUND } from '../dist/intents/lexicon/background.js';

const RARE = 3;
const UNITS = new Set(
  'NO NTH NTHSEAT ROW FLOOR OCLOCK HOURS MINUTES PEOPLE PIECES ROOM MONTH DAY'.split(' '),
);
const COARSE =
  /(섹스|시발|강간|창녀|창년|갈보|병신|지랄|염병|씹|좆|보지|자지|불알|빠구리|년놈|연놈|미친|새끼|음부|항문|사정액|자위|매춘|윤간|변태|포르노|야동|성교|정액|음란|호모|게이$|찐따|걸레|똥꼬|젖탱|쌍놈|쌍년|썅)/;
const KEPT_OUT = new Set(
  '갈래 하게 대로 이상 잘못 주위 주변 바깥 방향 위치 오른쪽 왼쪽 오른편 왼편 한쪽 반대쪽 맞은편 건너편 구석구석 한구석 방구석 집구석 정석 만석 지정석 일반석 석 이하 최소 최소한 최대한 이내 이외 나머지 절반 대부분 정리 반대 경우 때문 중간 도중 다음 나중 처음 마지막 최초 최근 요즘 요새 당일 당장 당분간 금방 매일 매번 매주 매월 주중 하루 이틀 사흘 나흘 하루하루 종일 온종일 하루종일 이번 저번 다음번 지난번 여기저기 이곳 저곳 그곳 이쪽 저쪽 그쪽 가까이 정도 만큼 전체 전부 모두 각각 각자 서로 스스로 본인 자신 자기 개인 여럿 여러분 모두들 친구들 정말 진짜 사실 보통 원래 아예 완전 최고 제일 가장 조금 약간 잠시 잠깐 순간 이후 이전 직후 직전 오랜만 오래간만 오랜 예정 생각 느낌 마음 기분 필요 요청 희망 신청 접수 처리 진행 시작 완료 종료 확인 조회 안내 선택 지정 배정 변경 수정 교체 이동 사용 이용 가능 불가능 불가 상관 관계 문제 도움 부탁 감사 죄송 미안 실례 안녕 수고 제발 혹시 만약 만일 가정 한정 제한 무한 소리 말씀 얘기 이야기 시간 시각 분 초 오전 오후 아침 점심 저녁 새벽 한밤 심야 야간 주간 낮 밤 오늘 내일 모레 글피 어제 그제 엊그제 올해 내년 작년 이달 다음달 지난달 평일 휴일 주말 공휴일 연휴 상하 앞뒤 좌우 전후 안팎 위아래 이때 그때 저때 언제 어디 누구 무엇 얼마 이름 필수 쪽 코앞 눈앞 기운 사심 눈치 하하 호호 히히 헤헤 우리 저희 너희 이거 그거 저거 이것 그것 저것 여기 거기 저기 단둘 둘 셋 넷 혼자 홀로 홀 함께 같이 따로 별도 개별 커서 견제 구미 구속 반담 애매 연상 연작 영장 예배 이공 이송 이종 자성 저리 착가 참가 취조 사범'.split(
    ' ',
  ),
);
const VERB = new Set([Class.stem, Class.eu, Class.a]);
const background = new Set(BACKGROUND.split(' '));

/** Whether the lexicon without its everyday words reads a word as something of ours. */
function ours(word) {
  const sound = toSound(word);
  sound.starts[0] = 1; // everyday words are looked up behind spaces only
  const { tokens, unknown } = readSound(sound, word);
  if (unknown > 0) return false;
  if (tokens.length === 1) return tokens[0].edits === 0;
  if (tokens.every(({ cls }) => cls === Class.number)) return true;
  const [first, second] = tokens;
  if (tokens.length === 2 && first.cls === Class.letter && second.cls === Class.number) return true;
  if (
    tokens.length === 2 &&
    (first.cls === Class.number || first.cls === Class.letter) &&
    UNITS.has(second.sense)
  )
    return true;
  return (
    word.length < 3 &&
    tokens.some(({ cls }) => VERB.has(cls)) &&
    tokens.every(
      ({ cls, edits }) =>
        edits === 0 && (VERB.has(cls) || [Class.ending, Class.particle, Class.begin].includes(cls)),
    )
  );
}

const words = readFileSync(process.argv[2], 'utf8')
  .split('\n')
  .map((line) => line.split('\t'))
  .filter(
    ([word, count, trained]) => /^[가-힣]{2,5}$/.test(word) && (Number(count) >= RARE || trained === '1'),
  )
  .map(([word]) => word)
  .filter(
    (word) =>
      !background.has(word) &&
      !KEPT_OUT.has(word) &&
      !COARSE.test(word) &&
      !/(자리|좌석)$/.test(word) &&
      !ours(word),
  );
writeFileSync(
  new URL('../src/intents/lexicon/learned-nouns.ts', import.meta.url),
  `/**
 * Nouns that are none of ours: those counted at least ${RARE} times in 3i4k and ParaKQC (CC BY-SA 4.0), Chatbot_data (MIT) and
 * NSMC (CC0), and rarer ones that the corpus of mecab-ko-dic (Apache-2.0) holds. Written by scripts/learn-intent-nouns.mjs.
 */
export const LEARNED_NOUNS =
  '${words.join(' ')}';
`,
);
console.log(words.length, 'nouns');
