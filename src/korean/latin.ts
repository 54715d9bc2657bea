/** Names of the Latin letters as Korean speakers say them. */

export const LETTER_NAMES: Readonly<Record<string, string>> = {
  A: '에이', B: '비', C: '씨', D: '디', E: '이', F: '에프', G: '지', H: '에이치', I: '아이', J: '제이', K: '케이',
  L: '엘', M: '엠', N: '엔', O: '오', P: '피', Q: '큐', R: '알', S: '에스', T: '티', U: '유', V: '브이',
  W: '더블유', X: '엑스', Y: '와이', Z: '제트',
}; // prettier-ignore

/** Words that are read as words although they are often written in Latin capitals. */
const WORDS: Readonly<Record<string, string>> = { TED: '테드', TEDX: '테드엑스', OK: '오케이' };

/** A Latin word letter by letter (KTX: 케이티엑스), or as the word it is known as. */
export function readLatin(word: string): string {
  const upper = word.toUpperCase();
  const known = WORDS[upper];
  if (known !== undefined) return known;
  let out = '';
  for (const letter of upper) out += LETTER_NAMES[letter] ?? '';
  return out;
}
