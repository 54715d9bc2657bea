import { MalgwiError } from '../errors.js';
import type { TokenTable } from './contract.js';

/** What a model package says of its tokens besides their texts. */
export interface TokenDescription {
  readonly unit: TokenTable['unit'];
  /** Absent: the model has none. */
  readonly blank?: number;
  readonly sos?: number;
  readonly eos?: number;
  readonly space: string;
  readonly compose?: 'nfc' | 'none';
}

const MAX_TOKENS = 100_000;
const MAX_TOKEN_LENGTH = 128;
/** `<pad>`, `<s>`, `<unk>` ...: a control symbol in every vocabulary there is. `<0xEA>` is a byte, not one of them. */
const CONTROL = /^<(?!0x[0-9A-Fa-f]{2}>)[^<>\s]+>$/;

/**
 * Reads a token list: UTF-8 text, one token a line, the line number (from 0) being its id. Only the line break is cut
 * off, so that a line of one space is the token of the space. The blank may be the last line, or follow it.
 * Control symbols (`<pad>`) and `eos` are silent.
 * @throws MalgwiError manifest_invalid
 */
export function parseTokens(text: string, description: TokenDescription): TokenTable {
  const { unit, blank = -1, sos, eos, space, compose } = description;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/, MAX_TOKENS + 2);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) fail('the token list is empty');
  if (lines.length > MAX_TOKENS) fail(`the token list has more than ${String(MAX_TOKENS)} lines`);
  const seen = new Map<string, number>();
  const silent = new Set<number>();
  lines.forEach((token, id) => {
    const line = String(id + 1);
    if (token === '') fail(`line ${line} of the token list is empty`);
    if (token.length > MAX_TOKEN_LENGTH) fail(`line ${line} of the token list is too long`);
    const first = seen.get(token);
    if (first !== undefined) fail(`lines ${String(first + 1)} and ${line} of the token list are the same`);
    seen.set(token, id);
    if (CONTROL.test(token)) silent.add(id);
  });
  const blankFits = Number.isInteger(blank) && blank >= 0 && blank <= lines.length;
  if (description.blank !== undefined && !blankFits) fail('tokens.blank is not a line of the token list');
  if (eos !== undefined && (!Number.isInteger(eos) || eos < 0 || eos >= lines.length || eos === blank)) {
    fail('tokens.eos is not a line of the token list');
  }
  if (sos !== undefined && (!Number.isInteger(sos) || sos < 0 || sos >= lines.length || sos === blank)) {
    fail('tokens.sos is not a line of the token list');
  }
  if (space === '') fail('tokens.space is empty');
  // Alphabets of scripts without spaces have none; any other sign for it is there, or it is a mistake.
  if (unit !== 'subword' && space !== ' ' && !seen.has(space)) fail('tokens.space is not in the token list');
  const tokens = blank === lines.length ? [...lines, '<blank>'] : lines;
  if (blank >= 0) silent.add(blank);
  if (sos !== undefined) silent.add(sos);
  if (eos !== undefined) silent.add(eos);
  return { tokens, unit, blank, sos, eos, space, silent, compose };
}

function fail(detail: string): never {
  throw new MalgwiError('manifest_invalid', { param: 'tokens', detail });
}
