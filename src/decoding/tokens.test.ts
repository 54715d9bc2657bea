import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTokens } from './tokens.js';
import type { TokenDescription } from './tokens.js';

const description: TokenDescription = { unit: 'character', blank: 3, space: ' ' };
const invalid = expect.objectContaining({ code: 'manifest_invalid' }) as Error;
const read = (file: string): string =>
  readFileSync(new URL(`../../test/fixtures/kospeech/decoding/${file}`, import.meta.url), 'utf8');

describe('parseTokens', () => {
  it('takes a vocabulary without a space', () => {
    expect(parseTokens('가\n나\n다', description).tokens).toEqual(['가', '나', '다', '<blank>']);
  });

  it('reads one token a line, spaces included', () => {
    const table = parseTokens('<pad>\n \n가\n<blank>\n', description);
    expect(table.tokens).toEqual(['<pad>', ' ', '가', '<blank>']);
    expect([...table.silent]).toEqual([0, 3]);
  });

  it.each(['<pad>\r\n \r\n가\r\n', '\uFEFF<pad>\n \n가', '<pad>\n \n가'])('forgives %j', (text) => {
    expect(parseTokens(text, description).tokens).toEqual(['<pad>', ' ', '가', '<blank>']);
  });

  it("reads KoSpeech's vocabularies", () => {
    const characters = parseTokens(read('character-tokens.txt'), { ...description, blank: 2000, eos: 2 });
    expect(characters.tokens).toHaveLength(2001);
    expect([...characters.silent]).toEqual([0, 1, 2, 2000]);
    const graphemes = parseTokens(read('grapheme-tokens.txt'), {
      unit: 'grapheme',
      blank: 108,
      eos: 2,
      space: '|',
    });
    expect(graphemes.tokens).toHaveLength(109);
  });

  it('knows control symbols from bytes and from brackets', () => {
    const { silent } = parseTokens('<unk>\n</s>\n<0xEA>\n<\n< >\n▁', {
      unit: 'subword',
      blank: 6,
      space: '▁',
    });
    expect([...silent]).toEqual([0, 1, 6]);
  });

  it.each([
    ['an empty list', '', {}],
    ['an empty line', 'a\n\n ', {}],
    ['the same token twice', 'a\n \na', {}],
    ['a token of absurd length', ` \n${'a'.repeat(1000)}\nb`, {}],
    ['too many tokens', Array.from({ length: 100_001 }, (_, i) => `t${String(i)}`).join('\n'), {}],
    ['a blank beyond the list', ' \na', {}],
    ['a negative blank', ' \na\nb', { blank: -1 }],
    ['a blank that is no integer', ' \na\nb', { blank: 1.5 }],
    ['an eos beyond the list', ' \na\nb', { eos: 3 }],
    ['an eos that is the blank', ' \na\nb', { blank: 2, eos: 2 }],
    ['a space that is not in the list', 'a\nb\nc', { space: '|' }],
    ['an empty space', ' \na\nb', { space: '' }],
  ])('refuses %s', (_name, text, overrides) => {
    expect(() => parseTokens(text, { ...description, ...overrides })).toThrow(invalid);
  });
});
