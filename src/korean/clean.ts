/** Optional cleaning of recognised text: fillers left out, private numbers masked; alignment kept. */
import { asWords, join, pieceOf, type AlignedText, type TimedWord } from './aligned.js';
import { parseDigitsAt } from './numerals.js';

/** Words that fill pauses. 그, 저 and 이 are left: they also point at things. */
const ALWAYS = new Set([
  '음',
  '으음',
  '흠',
  '어',
  '어어',
  '에',
  '엄',
  '아',
  '그니까',
  '그러니까는',
  '뭐랄까',
  '저기요',
  '있잖아',
  '있잖아요',
  '에또',
  '음음',
]);
/** Fillers only between other fillers, or before a repeated word. */
const SOMETIMES = new Set(['그', '저', '이제', '막', '뭐', '약간', '이', '인제', '그러니까', '저기']);

/** Leaves out fillers and words said twice in a row while searching for the next (그 그 그). */
export function removeFillers(input: string | readonly TimedWord[]): AlignedText {
  const words = asWords(input);
  const filler = words.map(({ word }) => ALWAYS.has(word.replace(/[.,…?!~]+$/u, '')));
  words.forEach(({ word }, index) => {
    if (!SOMETIMES.has(word.replace(/[.,…?!~]+$/u, ''))) return;
    const repeated = words[index + 1]?.word === word;
    if (
      repeated ||
      (filler[index - 1] && filler[index + 1]) ||
      (filler[index + 1] && words[index + 2] !== undefined && index === 0)
    )
      filler[index] = true;
  });
  const pieces = words.flatMap(({ word }, index) =>
    filler[index] ? [] : [pieceOf(words, index, index, word, word, ' ')],
  );
  return join(words, pieces);
}

export type MaskKind = 'resident' | 'card' | 'phone';
export interface MaskOptions {
  readonly kinds?: readonly MaskKind[];
  /** Stands for every hidden digit. */
  readonly mask?: string;
}

interface Run {
  readonly digits: string;
  readonly first: number;
  readonly last: number;
  /** Particles behind the last digit. */
  readonly rest: string;
}

const AFTER_DIGITS =
  /^(?:에|이에요|예요|이요|요|입니다|번|번이에요|번입니다|이야|야|다시|로|으로|이고|고|인데|이라고|라고|은|는|이|가|을|를)$/;

/** Digits a word stands for, and the particles behind them: Arabic with hyphens, or digit by digit in words (공일공). */
function digitsOf(word: string): { digits: string; rest: string } | undefined {
  const plain = word.replace(/[-.,()]/g, '');
  if (/^\d{1,20}$/.test(plain)) return { digits: plain, rest: '' };
  // Particles may follow the last digit: 오육칠팔이에요, 공일공에.
  const said = parseDigitsAt(plain, 0);
  if (said?.end === plain.length) return { digits: said.digits, rest: '' };
  if (said !== undefined) {
    // 오육칠팔이에요: the last 이 is no digit.
    for (const cut of [said.end, said.end - 1]) {
      if (cut >= 2 && AFTER_DIGITS.test(plain.slice(cut)))
        return { digits: said.digits.slice(0, cut), rest: plain.slice(cut) };
    }
  }
  const mixed = /^(\d{2,20})((?:번|이에요|예요|입니다|이요|요|에|이야|야|로|으로)+)$/.exec(plain);
  return mixed === null ? undefined : { digits: mixed[1], rest: mixed[2] };
}

function kindOf(digits: string): MaskKind | undefined {
  // Resident registration number: birth date, then a digit 1..8 and six more.
  if (digits.length === 13 && /^\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[0-8]/.test(digits))
    return 'resident';
  if (digits.length === 16 || (digits.length >= 14 && digits.length < 16 && /^[2-9]/.test(digits)))
    return 'card';
  if (/^(?:01[016789]\d{7,8}|02\d{7,8}|0[3-6]\d{8,9}|070\d{8})$/.test(digits)) return 'phone';
  return undefined;
}

function masked(digits: string, kind: MaskKind, mask: string): string {
  const hide = (text: string): string => mask.repeat(text.length);
  if (kind === 'resident') return `${digits.slice(0, 6)}-${hide(digits.slice(6))}`;
  if (kind === 'card')
    return `${digits.slice(0, 4)}-${hide(digits.slice(4, 8))}-${hide(digits.slice(8, 12))}-${hide(digits.slice(12))}`;
  const area = digits.startsWith('02') ? 2 : 3;
  return `${digits.slice(0, area)}-${hide(digits.slice(area, -4))}-${hide(digits.slice(-4))}`;
}

/**
 * Hides resident registration, card and telephone numbers, whether in digits or said digit by digit, across words.
 * What is masked is nowhere in the result: `raw` is masked too.
 */
export function maskNumbers(input: string | readonly TimedWord[], options: MaskOptions = {}): AlignedText {
  const kinds = options.kinds ?? ['resident', 'card', 'phone'];
  const mask = options.mask ?? '*';
  const words = asWords(input);
  const runs: Run[] = [];
  for (let i = 0; i < words.length; i++) {
    let digits = '';
    let last = -1;
    for (let j = i; j < words.length && j < i + 20 && digits.length < 17; j++) {
      const part = digitsOf(words[j].word);
      if (part === undefined && !(digits !== '' && /^(?:에|다시|-|하이픈)$/.test(words[j].word))) break;
      digits += part?.digits ?? '';
      const kind = kindOf(digits);
      if (part !== undefined && kind !== undefined && kinds.includes(kind)) {
        last = j;
        runs[runs.length - (runs.at(-1)?.first === i ? 1 : 0)] = { digits, first: i, last, rest: part.rest };
      }
    }
    if (last >= 0) i = last;
  }
  const safe: TimedWord[] = words.map((word) => ({ ...word }));
  const pieces: ReturnType<typeof pieceOf>[] = [];
  let at = 0;
  for (const run of [...runs, undefined]) {
    const stop = run?.first ?? words.length;
    for (; at < stop; at++) pieces.push(pieceOf(words, at, at, words[at].word, words[at].word, ' '));
    if (run === undefined) break;
    const text = masked(run.digits, kindOf(run.digits) ?? 'card', mask) + run.rest;
    for (let i = run.first; i <= run.last; i++)
      safe[i] = { ...words[i], word: mask.repeat(3) + (i === run.last ? run.rest : '') };
    pieces.push(pieceOf(words, run.first, run.last, text, mask.repeat(3) + run.rest, ' '));
    at = run.last + 1;
  }
  return join(safe, pieces);
}
