/** Builds the tries from the lexicon's data, once, when the module is loaded. */
import { readNative, readSino } from '../../korean/numerals.js';
import { basesOf, DEEDS, STATES, type Irregular } from '../lexicon/everyday-stems.js';
import { BACKGROUND } from '../lexicon/background.js';
import { LEARNED_NOUNS } from '../lexicon/learned-nouns.js';
import { addressOf, ENDINGS, type Base, type Mood } from '../lexicon/conjugation.js';
import { ADVERBS, CLOCK_WORDS, DATES, DAYPARTS, FILLERS, FOREIGN, NEUTRAL, NOUNS, PAST_TIMES, ROOM_NAMES, VARIANTS, WEEKDAYS, WEEK_PREFIXES } from '../lexicon/nouns.js'; // prettier-ignore
import { COPULA, LETTERS, PARTICLES, UNITS } from '../lexicon/particles.js';
import { VERBS } from '../lexicon/verbs.js';
import { toSound } from './sound.js';
import { Trie, type Entry } from './trie.js';

/** Classes of the grammar of neighbours. */
export const Class = {
  begin: 0, noun: 1, number: 2, unit: 3, letter: 4, particle: 5, stem: 6, eu: 7, a: 8, ending: 9, adverb: 10, unknown: 11,
} as const; // prettier-ignore
export const CLASSES = 12;

const split = (forms: string): string[] => forms.split(',').map((form) => form.trim());

/** Short forms are found everywhere by chance: believing in them costs more. */
function shortness(form: string): number {
  const { length } = toSound(form);
  return length <= 1 ? 0.75 : length === 2 ? 0.35 : length === 3 ? 0.1 : 0;
}

/** Initial and medial of a form's first syllable. */
const firstOf = (form: string): number => {
  const code = form.charCodeAt(0) - 0xac00;
  return code >= 0 && code < 11_172 ? Math.floor(code / 28) : -1;
};

function put(
  trie: Trie,
  cls: number,
  sense: string,
  forms: readonly string[],
  options: {
    value?: number;
    cost?: number;
    fuzzyFrom?: number;
    spelled?: boolean;
    whole?: boolean;
    initial?: boolean;
  } = {},
): void {
  for (const form of forms) {
    const { length } = toSound(form);
    trie.add(form, {
      cls,
      sense,
      cost: (options.cost ?? 0) + shortness(form),
      first: firstOf(form),
      fuzzy: length >= (options.fuzzyFrom ?? 5),
      ...(cls === Class.number || cls === Class.unit ? { loose: true } : {}),
      ...(options.value === undefined ? {} : { value: options.value }),
      ...(options.whole === true ? { form } : options.initial === true ? { form: '' } : {}),
      ...(options.spelled === true ? { spelled: form.charCodeAt(0) } : {}),
    });
  }
}

/** Verbal nouns a command turns on: edits are allowed although they are short. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  'RESERVE',
  'CANCEL',
  'EXTEND',
  'RETURN',
  'MOVE',
  'BUY',
  'CHANGE',
  'LOGIN',
  'LOGOUT',
  'REFRESH',
  'BARCODE',
]);

function numbers(trie: Trie): void {
  for (let value = 1; value <= 999; value++) {
    const sino = readSino(value);
    const forms = [sino];
    // 십육 is said 심뉵, 백육 뱅뉵; 일 after a number may be heard as 닐 or 릴.
    if (sino.length > 1 && sino.endsWith('육')) {
      const head = sino.slice(0, -1);
      forms.push(`${head}뉵`, `${head.slice(0, -1)}${head.endsWith('십') ? '심' : '뱅'}뉵`, `${head}륙`);
    }
    if (value > 100 && value < 200) forms.push(`일${sino}`);
    // 105 is also said digit by digit.
    if (value > 100 && String(value)[1] === '0' && value % 100 > 0) {
      forms.push(`${readSino(Math.floor(value / 100))}공${readSino(value % 10)}`);
    }
    put(trie, Class.number, 'sino', forms, { value, fuzzyFrom: 5, cost: value > 300 ? 0.2 : 0 });
  }
  put(trie, Class.number, 'sino', ['영', '공'], { value: 0, cost: 0.5 });
  for (let value = 1; value <= 99; value++) {
    put(trie, Class.number, 'native', [readNative(value)], { value });
    const before = readNative(value, true);
    if (before !== readNative(value)) put(trie, Class.number, 'attributive', [before], { value });
    if (value >= 10) {
      for (const hundreds of [100, 200, 300]) {
        put(trie, Class.number, 'native', [readSino(hundreds) + readNative(value)], {
          value: value + hundreds,
          cost: 0.1,
        });
        put(trie, Class.number, 'attributive', [readSino(hundreds) + before], {
          value: value + hundreds,
          cost: 0.1,
        });
      }
    }
  }
  put(trie, Class.number, 'attributive', ['첫'], { value: 1 });
  // 셋이서 앉을 자리: said like 세 시서, which nobody says; 셋이 and 세 시 are told apart by their spelling.
  ['둘', '셋', '넷', '다섯', '여섯', '일곱', '여덟'].forEach((count, index) => {
    put(trie, Class.noun, `PARTY:${index + 2}`, [`${count}이서`, `${count}이`], {
      cost: -0.2,
      fuzzyFrom: 99,
      spelled: true,
    });
  });
  // 첫째, 둘째, 셋째, 넷째, then the attributive: 열두째, 스무째.
  const lead = ['', '첫', '둘', '셋', '넷'];
  for (let value = 1; value <= 30; value++) {
    put(trie, Class.number, 'ordinal', [`${lead[value] ?? readNative(value, true)}째`], { value });
  }
  put(trie, Class.number, 'month', ['유'], { value: 6, cost: 0.4 });
  put(trie, Class.number, 'month', ['시'], { value: 10, cost: 0.4 });
}

/** 이용 종료 시간, 좌석 반납 시각, 예약 끝나는 시간 ... */
const endTimes = (): string[] =>
  ['', '이용', '사용', '좌석', '자리', '예약', '내 자리', '현재'].flatMap((what) =>
    ['종료', '마감', '만료', '반납', '퇴실', '끝나는', '끝', '마치는', '종료되는', '만료되는'].flatMap(
      (end) =>
        ['시간', '시각', '시점', '예정 시간', '예정 시각'].map((time) => `${what} ${end} ${time}`.trim()),
    ),
  );

/** 이용 가능한 좌석, 앉을 수 있는 데 ... */
const freeSeats = (): string[] =>
  ['예약', '이용', '사용', '배정', '선택', '착석'].flatMap((deed) =>
    ['자리', '좌석', '곳', '데'].flatMap((place) => [
      `${deed} 가능한 ${place}`,
      `${deed}할 수 있는 ${place}`,
      `${deed}될 수 있는 ${place}`,
    ]),
  );

function words(trie: Trie): void {
  for (const [sense, forms] of Object.entries(NOUNS)) {
    put(trie, Class.noun, sense, split(forms), {
      fuzzyFrom: KEYWORDS.has(sense)
        ? 3
        : sense === 'NO' || sense === 'YES'
          ? 99
          : sense === 'LIST'
            ? 8
            : sense === 'EMPTYSEAT'
              ? 6
              : 5,
    });
  }
  for (const [date, forms] of Object.entries(DATES)) put(trie, Class.noun, `DATE:${date}`, split(forms));
  for (const [day, forms] of Object.entries(WEEKDAYS)) put(trie, Class.noun, `DAY:${day}`, split(forms));
  for (const [week, forms] of Object.entries(WEEK_PREFIXES))
    put(trie, Class.noun, `WEEK:${week}`, split(forms));
  for (const [part, forms] of Object.entries(DAYPARTS)) put(trie, Class.noun, `PART:${part}`, split(forms));
  for (const [clock, forms] of Object.entries(CLOCK_WORDS))
    put(trie, Class.noun, `CLOCK:${clock}`, split(forms));
  put(trie, Class.noun, 'HALF', ['반']);
  // These also end plain sentences: 도움이 많이 됐어.
  put(
    trie,
    Class.noun,
    'NO',
    ['됐어', '됐어요', '됐습니다', '됐고', '싫어', '싫어요', '안 돼', '안 돼요', '안 됩니다'],
    { cost: 0.7, fuzzyFrom: 99 },
  );
  put(trie, Class.noun, 'CANCEL', ['캔슬', '철회', '무효', '예약 해제', '해제', '예약 해지', '해지'], {
    fuzzyFrom: 99,
  });
  for (const [sense, forms] of Object.entries(VARIANTS))
    put(trie, Class.noun, sense, split(forms), { cost: 0.3, fuzzyFrom: 99 });
  put(trie, Class.noun, 'FOREIGN', ['대여 기간', '대출 기간', '대여 시간', '렌탈 기간', '계약 기간'], {
    fuzzyFrom: 99,
  });
  put(trie, Class.noun, 'FOREIGN', ['네 이름'], { fuzzyFrom: 99, spelled: true, cost: -0.3 });
  put(trie, Class.noun, 'ROWWORD', ['열', '줄', '행', '라인']);
  put(trie, Class.noun, 'WEEKEND', ['주말', '평일', '다음 달', '이번 달'], { cost: 0.2 });
  put(trie, Class.noun, 'ORDINALROOM', ['제'], { cost: 0.3 });
  for (const name of split(ROOM_NAMES)) {
    for (const suffix of ['열람실', ' 열남실'])
      trie.add(name + suffix, {
        cls: Class.noun,
        sense: `ROOM:${name}`,
        cost: 0,
        first: firstOf(name),
        fuzzy: true,
      });
  }
  for (let value = 1; value <= 20; value++) {
    // 제일열람실 is the first room, although 제일 is also 'most'.
    put(trie, Class.noun, `ROOM:${value}`, [`제${readSino(value)}열람실`, `제${readSino(value)} 여람실`]);
  }
  for (let value = 1; value <= 99; value++) {
    const amount = readSino(value);
    put(trie, Class.noun, 'FOREIGN', [`${amount}천 원`, `${amount}만 원`], { cost: 0.1, fuzzyFrom: 99 });
  }
  put(trie, Class.noun, 'ENDTIME', endTimes(), { fuzzyFrom: 6 });
  put(trie, Class.noun, 'EMPTYSEAT', freeSeats());
  // 에이 사로 is a seat more often than anybody moves house.
  put(trie, Class.noun, 'FOREIGN', ['이사'], { cost: 0.8, fuzzyFrom: 99 });
  put(trie, Class.unit, 'FOREIGN', ['세'], { cost: 0.6, fuzzyFrom: 99 });
  // 한 세 시: about. 한 시간 is a length of time.
  put(trie, Class.adverb, 'FILLER', ['한'], { cost: 1.2, fuzzyFrom: 99 });
  put(trie, Class.noun, 'NEUTRAL', split(NEUTRAL), { cost: 0.1, fuzzyFrom: 99 });
  put(trie, Class.noun, 'FOREIGN', split(FOREIGN), { cost: 0.1, fuzzyFrom: 99 });
  // 예약자, 반납기, 취소표: other words, although they begin with ours.
  for (const deed of ['예약', '예매', '반납', '취소', '연장', '결제', '구매', '이동', '변경', '좌석'])
    put(
      trie,
      Class.noun,
      'FOREIGN',
      [...'금제기함일료비율권증창선전력식률액품법병']
        .map((suffix) => deed + suffix)
        .filter((word) => !['변경선', '이동일'].includes(word)),
      {
        cost: 0.5,
        fuzzyFrom: 99,
      },
    );
  put(trie, Class.noun, 'FOREIGN', ['예약자', '예매자', '결제자', '취소자', '구매자', '반납자'], {
    cost: 0.9,
    fuzzyFrom: 99,
  });
  put(trie, Class.noun, 'PASTTIME', split(PAST_TIMES), { fuzzyFrom: 99 });
  for (const filler of split(FILLERS))
    put(trie, Class.adverb, 'FILLER', [filler], { fuzzyFrom: 99, cost: shortness(filler) * 0.7 });
}

const BASES: readonly (readonly [number, number])[] = [
  [Class.stem, 0],
  [Class.eu, 1],
  [Class.a, 2],
];

/** Words that are only believed in where they begin a word and are spelled so. */
function everyday(trie: Trie): void {
  const whole = { fuzzyFrom: 99, whole: true };
  put(trie, Class.noun, 'WORD', BACKGROUND.split(' '), { ...whole, cost: 0.4 });
  put(trie, Class.noun, 'WORD', LEARNED_NOUNS.split(' '), { ...whole, cost: 0.6 });
  put(trie, Class.adverb, 'FILLER', ADVERBS.split(' '), { ...whole, cost: 0.1 });
  for (const [sense, stems] of [
    ['FOREIGN', DEEDS],
    ['FEEL', STATES],
  ] as const)
    // prettier-ignore
    for (const [irregular, list] of Object.entries(stems))
      for (const stem of list.split(' ')) {
        const bases = basesOf(stem, irregular as Irregular);
        for (const [cls, index] of BASES)
          put(trie, cls, sense, [bases[index]], { fuzzyFrom: 99, cost: 0.3, initial: true });
      }
}

/** Verbs that are not worth believing in where they were heard badly: they carry no command. */
const NEVER_FUZZY = new Set(['FOREIGN', 'DO', 'FEEL', 'STUDY']);

function verbs(trie: Trie): void {
  for (const [sense, list] of Object.entries(VERBS)) {
    for (const verb of split(list)) {
      const bases = verb.split('/');
      for (const [cls, index] of BASES)
        put(trie, cls, sense, [bases[index]], {
          fuzzyFrom: NEVER_FUZZY.has(sense) ? 99 : 5,
          // 빼고 싶어 is one verb, not 빼고 and a wish.
          cost:
            sense === 'FOREIGN'
              ? 0.15
              : sense === 'RETURN'
                ? -0.3
                : sense === 'KNOW' && bases[index] === '아'
                  ? 0.8
                  : bases[0] === '싶'
                    ? 0.9
                    : 0,
        });
    }
  }
  // 하다 loses its ㅎ between voiced sounds: 예약애 줘.
  put(trie, Class.stem, 'DO', ['아'], { cost: 0.9 });
  put(trie, Class.eu, 'DO', ['아'], { cost: 0.5 });
  put(trie, Class.a, 'DO', ['애', '캐', '패', '대'], { cost: 0.8 });
}

function followers(trie: Trie): void {
  for (const [sense, forms] of Object.entries(PARTICLES))
    put(trie, Class.particle, sense, split(forms), { fuzzyFrom: 99, cost: -0.2 });
  for (const [mood, forms] of COPULA)
    // 일에 sounds like 이래: the date is likelier than the hearsay.
    put(trie, Class.particle, `BE:${mood}`, split(forms), {
      fuzzyFrom: 99,
      cost: mood === 'quote' ? 1.2 : 0,
    });
  for (const [sense, forms] of Object.entries(UNITS))
    put(trie, Class.unit, sense, split(forms), { fuzzyFrom: sense === 'FOREIGN' ? 99 : 4, cost: -0.3 });
  put(trie, Class.unit, 'NO', ['버'], { cost: 0.5 });
  for (const [letter, forms, cost] of LETTERS)
    put(trie, Class.letter, letter, split(forms), { cost, fuzzyFrom: 99 });
}

export const LEXICON = new Trie();
words(LEXICON);
verbs(LEXICON);
followers(LEXICON);
numbers(LEXICON);
LEXICON.seal();
/** Everyday words, looked up at the beginnings of words only. */
export const EVERYDAY = new Trie();
everyday(EVERYDAY);
EVERYDAY.seal();

function endingTrie(base: Base): Trie {
  const trie = new Trie();
  for (const [form, mood] of ENDINGS[base]) {
    const { length } = toSound(form);
    const value = addressOf(form);
    // 바꾼대 is hearsay, 바꾼데 is not: only the spelling tells.
    const tail = /[대데]요?$/.exec(form)?.[0][0];
    trie.add(form, {
      ...(value === undefined ? {} : { value }),
      ...(tail === undefined ? {} : { tail }),
      cls: Class.ending,
      sense: mood,
      cost: form === 'ㅁ' || form === '재' ? 0.5 : mood === 'noun' ? 0.2 : -0.3,
      first: -1,
      fuzzy: length >= 5,
    });
  }
  trie.seal();
  return trie;
}
export const ENDING_TRIES: Readonly<Record<number, Trie>> = {
  [Class.stem]: endingTrie('stem'),
  [Class.eu]: endingTrie('eu'),
  [Class.a]: endingTrie('a'),
};

export type { Entry, Mood };
