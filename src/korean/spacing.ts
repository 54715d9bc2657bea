/**
 * Spacing restoration for recognised text whose spaces are missing or wrong: the cheapest way to cut a text into known
 * words with their particles and endings, over a small lexicon of frequent forms. It is meant for short commands and
 * plain sentences: unknown words stay joined to their neighbours rather than being guessed apart.
 */
import { asWords, join, pieceOf, type AlignedText, type TimedWord } from './aligned.js';
import { NOUNS, PREDICATES, TAILS } from './spacing-lexicon.js';

const LONGEST = 8;
const KNOWN = new Set(NOUNS);
const VERBS = new Set(PREDICATES);
const TAIL = new Set(['', ...TAILS]);
const NUMERAL =
  /^(?:[일이삼사오육칠팔구십백천만]+|\d+|하나|둘|셋|넷|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스물\S*|서른\S*|마흔\S*)$/;
const COUNTER =
  /^(?:번|시|분|시간|개|명|층|월|일|원|자리|열|호|번째)(?:에|으로|로|에서|까지|부터|을|이|만|은)?$/;

/** Cost of a stretch as one word (어절); Infinity where it is none. */
function wordCost(text: string): number {
  if (VERBS.has(text)) return 1;
  if (NUMERAL.test(text)) return 1.1 + text.length * 0.05;
  if (COUNTER.test(text)) return 1.15;
  for (let cut = text.length; cut >= 1; cut--) {
    const head = text.slice(0, cut);
    const tail = text.slice(cut);
    if (KNOWN.has(head) && TAIL.has(tail)) return 1 + (tail === '' ? 0 : 0.1);
  }
  return Infinity;
}

/** Cuts one run without spaces. O(n x 8). */
function cut(text: string): string[] {
  const n = text.length;
  const best = new Float64Array(n + 1).fill(Infinity);
  const from = new Int32Array(n + 1).fill(-1);
  const known = new Uint8Array(n + 1);
  best[0] = 0;
  for (let at = 0; at < n; at++) {
    if (best[at] === Infinity) continue;
    for (let length = 1; length <= LONGEST && at + length <= n; length++) {
      const word = wordCost(text.slice(at, at + length));
      const cost = best[at] + (word === Infinity ? 1.3 * length + 0.9 : word);
      if (cost < best[at + length]) {
        best[at + length] = cost;
        from[at + length] = at;
        known[at + length] = word === Infinity ? 0 : 1;
      }
    }
  }
  const cuts: { text: string; known: boolean }[] = [];
  for (let at = n; at > 0; at = from[at])
    cuts.unshift({ text: text.slice(from[at], at), known: known[at] === 1 });
  // Neighbouring unknown stretches are one: nothing says where to cut them.
  const out: string[] = [];
  cuts.forEach((part, index) => {
    if (index > 0 && !part.known && !cuts[index - 1].known) out[out.length - 1] += part.text;
    else out.push(part.text);
  });
  return out;
}

/**
 * Puts spaces between known words. Spaces that are there are kept unless `ignoreSpaces`. Alignment: every word of the
 * result names the words it came from.
 */
export function restoreSpacing(
  input: string | readonly TimedWord[],
  options: { readonly ignoreSpaces?: boolean } = {},
): AlignedText {
  const words = asWords(input);
  const pieces: ReturnType<typeof pieceOf>[] = [];
  if (options.ignoreSpaces !== true) {
    words.forEach(({ word }, index) => {
      const parts = word.length > 200 ? [word] : cut(word);
      for (const part of parts) pieces.push(pieceOf(words, index, index, part, word, ' '));
    });
    return join(words, pieces);
  }
  const text = words
    .map(({ word }) => word)
    .join('')
    .slice(0, 20_000);
  const owner: number[] = [];
  words.forEach(({ word }, index) => {
    for (let i = 0; i < word.length; i++) owner.push(index);
  });
  let at = 0;
  for (const part of cut(text)) {
    const first = owner[at];
    const last = owner[at + part.length - 1];
    const raw = words
      .slice(first, last + 1)
      .map(({ word }) => word)
      .join(' ');
    pieces.push(pieceOf(words, first, last, part, raw, ' '));
    at += part.length;
  }
  return join(words, pieces);
}
