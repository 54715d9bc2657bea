/** What to do with conjoining jamo that NFC leaves alone: a coda without a syllable, a vowel without an onset ... */
export type StrayJamo = 'drop' | 'compatibility' | 'silent-onset';

const ONSETS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
const VOWELS = 'ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ';
const CODAS = 'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ';
const FIRST_ONSET = 0x1100;
const FIRST_VOWEL = 0x1161;
const FIRST_CODA = 0x11a8;

const CONJOINING = /[\u1100-\u11FF\uA960-\uA97F\uD7B0-\uD7FF]/gu;
/** A vowel (and its coda) that no onset stands before. */
const BARE_RHYME = /(?<![\u1100-\u1112])([\u1161-\u1175][\u11A8-\u11C2]?)/gu;
const SILENT_ONSET = '\u110B';

/**
 * Composes conjoining jamo into syllables (Unicode NFC) and settles what stays over:
 * - `drop`: strays vanish. A stray is an error of the recogniser in any case; written out it counts as an insertion
 *   where a dropped one costs nothing.
 * - `compatibility`: strays become the letters a reader knows (ㅋ, ㅏ).
 * - `silent-onset`: a vowel without an onset gets ㅇ, the onset that is not pronounced; the other strays are dropped.
 */
export function composeJamo(text: string, stray: StrayJamo): string {
  const complete = stray === 'silent-onset' ? text.replace(BARE_RHYME, `${SILENT_ONSET}$1`) : text;
  const composed = complete.normalize('NFC');
  return composed.replace(CONJOINING, (jamo) => (stray === 'compatibility' ? compatibilityLetter(jamo) : ''));
}

function compatibilityLetter(jamo: string): string {
  const code = jamo.charCodeAt(0);
  return ONSETS[code - FIRST_ONSET] ?? VOWELS[code - FIRST_VOWEL] ?? CODAS[code - FIRST_CODA] ?? '';
}
