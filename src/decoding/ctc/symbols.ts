/** Tokens as the characters that they add to a text, for what looks at texts: language models and hot words. */
import type { TokenTable } from '../contract.js';
import { tokenText } from '../text.js';

/** Character code of a space between words, whatever the model's token for it. */
export const SPACE = 0x20;

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;
const NO_CHARACTERS: readonly number[] = [];

/**
 * A symbol is a token, or, where tokens are bytes, a character that a byte completed: the number of tokens plus its
 * code point. `pending` are the bytes of a character that is not complete, with a leading 1 bit; 0 for none.
 */
export class Symbols {
  /** Whether any token is a byte, so that `advance` must be asked at all. */
  readonly hasBytes: boolean;
  /** Symbols that are tokens: 0 to this. */
  readonly tokens: number;
  /** Set by {@link advance}: the bytes that wait after it. */
  pending = 0;
  private readonly characters: readonly (readonly number[])[];
  /** Value of byte tokens, -1 for others. */
  private readonly byteValues: Int16Array;

  constructor(private readonly table: TokenTable) {
    const { tokens, unit } = table;
    this.tokens = tokens.length;
    const withBytes = unit === 'byte' || unit === 'subword';
    this.byteValues = Int16Array.from(tokens, (token) => {
      const match = withBytes ? BYTE.exec(token) : null;
      return match === null ? -1 : parseInt(match[1], 16);
    });
    this.hasBytes = this.byteValues.some((value) => value >= 0);
    this.characters = tokens.map((_, id) =>
      table.silent.has(id) || this.byteValues[id] >= 0
        ? NO_CHARACTERS
        : Array.from(tokenText(table, id), (character) => character.codePointAt(0)!),
    );
  }

  isByte(token: number): boolean {
    return this.byteValues[token] >= 0;
  }

  /** The symbol that a token completes, -1 for none. */
  advance(pending: number, token: number): number {
    const byte = this.byteValues[token];
    if (byte < 0) {
      this.pending = 0;
      return token;
    }
    return this.advanceByte(pending, byte);
  }

  /** Code points of a symbol, spaces as {@link SPACE}. */
  of(symbol: number): readonly number[] {
    const { length } = this.table.tokens;
    return symbol < length ? this.characters[symbol] : [symbol - length];
  }

  /** Bytes that form no UTF-8 are dropped, as they are from the text. */
  private advanceByte(pending: number, byte: number): number {
    this.pending = 0;
    const { length } = this.table.tokens;
    if (byte < 0x80) return length + byte;
    if (byte >= 0xc0) {
      if (byte < 0xf8) this.pending = (1 << 8) | byte;
      return -1;
    }
    if (pending === 0) return -1;
    const held = pending < 1 << 16 ? 1 : pending < 1 << 24 ? 2 : 3;
    const lead = (pending >>> (8 * (held - 1))) & 0xff;
    const needed = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (held + 1 < needed) {
      this.pending = (pending << 8) | byte;
      return -1;
    }
    let code = lead & (0xff >> (needed + 1));
    for (let i = held - 2; i >= 0; i--) code = (code << 6) | ((pending >>> (8 * i)) & 0x3f);
    code = (code << 6) | (byte & 0x3f);
    const shortest = needed === 2 ? 0x80 : needed === 3 ? 0x800 : 0x10000;
    return code < shortest || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? -1 : length + code;
  }
}
