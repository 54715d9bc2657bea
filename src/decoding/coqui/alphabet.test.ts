import { describe, expect, it } from 'vitest';
import { parseTokens } from '../tokens.js';
import { alphabetOfTokens, bytesAlphabet, parseAlphabet, toByteString, toText } from './alphabet.js';

describe("Coqui's alphabet file", () => {
  it('has one label a line, comments, an escaped #, a space, and any line ends', () => {
    const { texts, space, bytes } = parseAlphabet('# comment\r\n \r\n\r\n가\n\\#\r##\n\\\\\n나');
    expect(texts).toEqual([' ', '가', '#', '\\\\', '나']);
    expect(space).toBe(0);
    expect(bytes).toBe(false);
  });

  it('takes only a line of exactly one space for the space', () => {
    expect(parseAlphabet('  \n가').space).toBe(-1);
    expect(parseAlphabet('  \n가').texts).toEqual(['  ', '가']);
    expect(parseAlphabet('가\n ').space).toBe(1);
  });

  it('refuses what is none', () => {
    expect(() => parseAlphabet('# nothing\n')).toThrow(/empty/);
    expect(() => parseAlphabet('가\n나\n가\n')).toThrow(/twice/);
    expect(() => parseAlphabet('가'.repeat(50))).toThrow(/too long/);
  });
});

describe('alphabet of bytes', () => {
  it('has label = byte - 1, the space among them', () => {
    const { labels, texts, space, bytes } = bytesAlphabet();
    expect(labels).toHaveLength(255);
    expect(labels[0xec - 1]).toBe('\u00ec');
    expect(texts[0xec - 1]).toBe('<0xEC>');
    expect(space).toBe(31);
    expect(bytes).toBe(true);
  });

  it("is what a package's byte tokens are", () => {
    const tokens = parseTokens(bytesAlphabet().texts.join('\n'), {
      unit: 'byte',
      blank: 255,
      space: '<0x20>',
    });
    expect(alphabetOfTokens(tokens)).toEqual(bytesAlphabet());
  });
});

it('refuses tokens whose blank is not the last class', () => {
  const tokens = parseTokens('<blank>\n \n가', { unit: 'syllable', blank: 0, space: ' ' });
  expect(() => alphabetOfTokens(tokens)).toThrow(/last class/);
});

it('keeps UTF-8 as bytes, and shows what is none as such', () => {
  expect(toByteString('가')).toBe('\u00ea\u00b0\u0080');
  expect(toText(toByteString('가나 a'))).toBe('가나 a');
  expect(toText('\u00ea\u00b0')).toBe('\uFFFD');
});
