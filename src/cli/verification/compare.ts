/** What counts as the same result as the original engine's. */
import { rawText, type TokenTable } from '../../decoding/index.js';

export interface IdsVerdict {
  readonly equal: boolean;
  /** The model's tokens that were compared: beyond an end of the reference that is accepted nothing counts. */
  readonly compared: readonly number[];
  /** Position of the first token that differs, or that only one of both has. */
  readonly firstDifference: number | null;
  readonly note?: string;
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : shorter;
}

/**
 * Tokens of a search that ends by itself (CTC, transducers). The reference may also end before the first eos or right
 * after it, as engines that stop there have it.
 */
export function compareAll(expected: readonly number[], got: readonly number[], eos?: number): IdsVerdict {
  const at = firstDifference(expected, got);
  if (at < 0) return { equal: true, compared: got, firstDifference: null };
  const end = eos === undefined ? -1 : got.indexOf(eos);
  const cutAtEos = end >= 0 && at === expected.length && (at === end || at === end + 1);
  if (cutAtEos) {
    const note = 'reference ends at the end of the sentence';
    return { equal: true, compared: got.slice(0, at), firstDifference: null, note };
  }
  return { equal: false, compared: got, firstDifference: at };
}

/**
 * Tokens of an attention decoder, which has no end but its eos. A reference that goes on past an eos is followed. One
 * that ends without an eos agrees when the model's next token is one; or it was cut at a limit of steps, which is
 * believed of the longest of the file only.
 * @param got one token more than `expected`
 * @param longest tokens of the longest reference of the file
 */
export function compareSteps(
  expected: readonly number[],
  got: readonly number[],
  eos: number,
  longest: number,
): IdsVerdict {
  const { length } = expected;
  const compared = got.slice(0, length);
  const at = firstDifference(expected, compared);
  if (at >= 0) return { equal: false, compared: got, firstDifference: at };
  const ended = expected.includes(eos) || got.length === length || got[length] === eos;
  if (ended) return { equal: true, compared, firstDifference: null };
  if (length > 0 && length >= longest) {
    return { equal: true, compared, firstDifference: null, note: `reference cut at ${length} tokens` };
  }
  const note = 'the model goes on where the reference ends';
  return { equal: false, compared: got, firstDifference: length, note };
}

/** Jamo composed, one space for any white space, none at the ends. */
export function plainText(text: string, table: TokenTable): string {
  const spaced = table.space === ' ' ? text : text.replaceAll(table.space, ' ');
  return spaced.normalize('NFC').replace(/\s+/g, ' ').trim();
}

/** Whether tokens say `expected`, the silent ones (`<pad>`) spelled out or left out. */
export function saysText(expected: string, ids: readonly number[], table: TokenTable): boolean {
  const wanted = plainText(expected, table);
  return [true, false].some((silent) => plainText(rawText(table, ids, silent), table) === wanted);
}

/** How many tokens of an attention decoder an expected text may stand for; some are silent. */
export function stepsForText(expected: string): number {
  return 2 * [...expected.normalize('NFD')].length + 50;
}

/**
 * Tokens of an attention decoder when only the text is known: the fewest that say it, and whether the text ends there
 * as {@link compareSteps} has it, lengths of texts taking the place of lengths of tokens.
 * @param longest characters of the longest text of the file
 */
export function compareTextSteps(
  expected: string,
  got: readonly number[],
  table: TokenTable,
  longest: number,
): { readonly equal: boolean; readonly tokens: number; readonly note?: string } {
  const end = table.eos === undefined ? -1 : got.indexOf(table.eos);
  const spoken = end < 0 ? got : got.slice(0, end);
  if (end >= 0 && saysText(expected, spoken, table)) return { equal: true, tokens: end };
  const { length } = plainText(expected, table);
  if (length > 0 && length >= longest) {
    for (let tokens = 1; tokens <= spoken.length; tokens++) {
      if (saysText(expected, spoken.slice(0, tokens), table)) {
        return { equal: true, tokens, note: `reference cut at ${tokens} tokens` };
      }
    }
  }
  return { equal: false, tokens: spoken.length };
}
