// Generates labelled utterances in any number: numerals up to 300 in every style, politeness, spacing.
// Templates are this file's own. Run: node test/intents/generate.mjs COUNT [SEED] > volume.json
import { fileURLToPath } from 'node:url';

const SINO = ['', '일', '이', '삼', '사', '오', '육', '칠', '팔', '구'];
const ONES = ['', '한', '두', '세', '네', '다섯', '여섯', '일곱', '여덟', '아홉'];
const TENS = ['', '열', '스물', '서른', '마흔', '쉰', '예순', '일흔', '여든', '아흔'];
const sino = (n) => {
  const [h, t, o] = [Math.floor(n / 100), Math.floor(n / 10) % 10, n % 10];
  return (h ? (h > 1 ? SINO[h] : '') + '백' : '') + (t ? (t > 1 ? SINO[t] : '') + '십' : '') + SINO[o];
};
const native = (n) => (n === 20 ? '스무' : TENS[Math.floor(n / 10)] + ONES[n % 10]);
const LETTER = { A: '에이', B: '비', C: '씨', D: '디', E: '이', F: '에프' };

/** mulberry32: the same seed gives the same sentences everywhere. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const POLITE = {
  하: [
    '해 줘',
    '해 주세요',
    '할게',
    '할게요',
    '할래요',
    '해 주실래요',
    '하고 싶어요',
    '해 줄래',
    '하겠습니다',
    '해 주십시오',
    '해라',
    '해 줄 수 있어요',
    '하려고요',
    ' 부탁해',
    ' 부탁드립니다',
  ],
  잡: ['잡아 줘', '잡아 주세요', '잡아 줄래요', '잡고 싶어요', '잡을게', '잡아 주실 수 있어요'],
  옮: ['옮겨 줘', '옮길게요', '옮겨 주세요', '옮기고 싶어요', '옮길래', '옮겨 주실래요'],
};

export function generate(count, seed) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const seat = () => {
    if (next() < 0.3) {
      const letter = pick(Object.keys(LETTER));
      const n = 1 + Math.floor(next() * 10);
      return {
        value: `${letter}${n}`,
        said: pick([`${letter}${n}`, `${LETTER[letter]} ${sino(n)}`, `${LETTER[letter]}열 ${sino(n)}번`]),
      };
    }
    const n = 1 + Math.floor(next() * 300);
    const said = [`${n}번`, `${sino(n)} 번`, `${sino(n)}번`];
    if (n >= 5 && n < 100) said.push(`${native(n)} 번째`);
    return { value: String(n), said: pick(said) };
  };
  const makers = [
    () => { const s = seat(); return ['reserve', { seat: s.value }, `${s.said} 자리 예약${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['reserve', { seat: s.value }, `${s.said} 자리 ${pick(POLITE.잡)}`]; },
    () => { const s = seat(); const h = 1 + Math.floor(next() * 4); return ['reserve', { seat: s.value, duration_min: 60 * h }, `${s.said} ${native(h)} 시간 예약${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['move', { seat: s.value }, `${s.said} 자리로 ${pick(POLITE.옮)}`]; },
    () => { const s = seat(); return ['move', { seat: s.value }, `${s.said} 좌석으로 이동${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['cancel', { seat: s.value }, `${s.said} 예약 취소${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['return', { seat: s.value }, `${s.said} 자리 반납${pick(POLITE.하)}`]; },
    () => { const m = 10 * (1 + Math.floor(next() * 6)); return ['extend', { duration_min: m }, `${sino(m)} 분 연장${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['check_seat', { seat: s.value }, `${s.said} 자리 ${pick(['비었어', '비어 있나요', '비었나', '비어 있어요'])}`]; },
    () => { const r = 1 + Math.floor(next() * 3); const n = 1 + Math.floor(next() * 100); return ['reserve', { room: String(r), seat: String(n) }, `${pick([`${r}열람실`, `${sino(r)} 열람실`, `제${sino(r)}열람실`])} ${sino(n)} 번 예약${pick(POLITE.하)}`]; },
    () => { const s = seat(); return ['purchase', { seat: s.value }, `${s.said} 결제${pick(POLITE.하)}`]; },
  ]; // prettier-ignore
  return Array.from({ length: count }, (_, index) => {
    const [intent, slots, said] = pick(makers)();
    const text = next() < 0.2 ? said.replaceAll(' ', '') : said;
    return { id: `gen-${String(index + 1).padStart(5, '0')}`, text, intent, slots, tags: ['generated'] };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const utterances = generate(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 1));
  console.log(JSON.stringify({ utterances }));
}
