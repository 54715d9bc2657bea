/** Hangul syllables and their jamo (Unicode 16, chapter 3.12), by arithmetic: no tables to build, no allocation per call. */

export const INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
export const MEDIALS = 'ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ';
/** The first is no coda. */
export const FINALS: readonly string[] = ['', ...'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ'];
/** Codas of two consonants, taken apart. */
export const DOUBLE_FINALS: Readonly<Record<string, string>> = {
  ㄳ: 'ㄱㅅ', ㄵ: 'ㄴㅈ', ㄶ: 'ㄴㅎ', ㄺ: 'ㄹㄱ', ㄻ: 'ㄹㅁ', ㄼ: 'ㄹㅂ', ㄽ: 'ㄹㅅ', ㄾ: 'ㄹㅌ', ㄿ: 'ㄹㅍ', ㅀ: 'ㄹㅎ', ㅄ: 'ㅂㅅ',
}; // prettier-ignore

const FIRST = 0xac00;
const LAST = 0xd7a3;

export interface Syllable {
  readonly initial: string;
  readonly medial: string;
  /** Empty without a coda. */
  readonly final: string;
}

/** Whether the character at `at` is a Hangul syllable (가..힣). */
export function isSyllable(text: string, at = 0): boolean {
  const code = text.charCodeAt(at);
  return code >= FIRST && code <= LAST;
}

/** The parts of one syllable; undefined for anything else. */
export function decomposeSyllable(character: string): Syllable | undefined {
  const code = character.charCodeAt(0) - FIRST;
  if (!(code >= 0 && code <= LAST - FIRST)) return undefined;
  return {
    initial: INITIALS[Math.floor(code / 588)],
    medial: MEDIALS[Math.floor(code / 28) % 21],
    final: FINALS[code % 28],
  };
}

/** A syllable from its parts; undefined where they make none. */
export function composeSyllable(initial: string, medial: string, final = ''): string | undefined {
  const i = initial.length === 1 ? INITIALS.indexOf(initial) : -1;
  const m = medial.length === 1 ? MEDIALS.indexOf(medial) : -1;
  const f = FINALS.indexOf(final);
  return i < 0 || m < 0 || f < 0 ? undefined : String.fromCharCode(FIRST + (i * 21 + m) * 28 + f);
}

/** Text as compatibility jamo, one after the other (값 -> ㄱㅏㅄ, or ㄱㅏㅂㅅ with `splitDouble`); the rest is left as it is. */
export function decompose(text: string, options: { readonly splitDouble?: boolean } = {}): string {
  let out = '';
  for (const character of text) {
    const parts = decomposeSyllable(character);
    if (parts === undefined) out += character;
    else {
      const final = options.splitDouble === true ? (DOUBLE_FINALS[parts.final] ?? parts.final) : parts.final;
      out += parts.initial + parts.medial + final;
    }
  }
  return out;
}

const DOUBLES = new Map(Object.entries(DOUBLE_FINALS).map(([double, parts]) => [parts, double]));
const isMedial = (character: string | undefined): boolean =>
  character !== undefined && MEDIALS.includes(character);
const isInitial = (character: string | undefined): boolean =>
  character !== undefined && INITIALS.includes(character);

/** The inverse of {@link decompose}: compatibility jamo put together as a typist's keyboard would. Linear time. */
export function compose(jamo: string): string {
  const units = [...jamo];
  let out = '';
  let at = 0;
  while (at < units.length) {
    if (!isInitial(units[at]) || !isMedial(units[at + 1])) {
      out += units[at++];
      continue;
    }
    const initial = units[at];
    const medial = units[at + 1];
    at += 2;
    let final = '';
    if (FINALS.includes(units[at] ?? '') && units[at] !== '' && !isMedial(units[at + 1])) {
      final = units[at] ?? '';
      const double = DOUBLES.get(final + (units[at + 1] ?? ''));
      at++;
      if (double !== undefined && !isMedial(units[at + 1])) {
        final = double;
        at++;
      }
    }
    out += composeSyllable(initial, medial, final) ?? '';
  }
  return out;
}

/** Whether the last syllable has a coda (받침): what particles depend on. Digits and Latin letters by how they are read. */
export function hasFinal(text: string): boolean {
  const last = text.trimEnd().at(-1) ?? '';
  const parts = decomposeSyllable(last);
  if (parts !== undefined) return parts.final !== '';
  if (last >= '0' && last <= '9') return '013678'.includes(last);
  return 'LMNRlmnr'.includes(last) && last !== '';
}

/** Levenshtein distance over jamo, each edit 1. Bounded: RangeError above 2,000 jamo a side. */
export function jamoDistance(a: string, b: string): number {
  const left = decompose(a, { splitDouble: true });
  const right = decompose(b, { splitDouble: true });
  if (left.length > 2000 || right.length > 2000) throw new RangeError('the texts are too long to compare');
  const row = Uint32Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 1; i <= left.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= right.length; j++) {
      const up = row[j];
      row[j] = Math.min(up + 1, row[j - 1] + 1, diagonal + (left[i - 1] === right[j - 1] ? 0 : 1));
      diagonal = up;
    }
  }
  return row[right.length];
}
