import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readArpa } from './arpa.js';
import { MemoryReader } from './bytes.js';
import { KenlmModel } from './kenlm.js';

const read = (text: string) => readArpa(new TextEncoder().encode(text));

const SMALL = `remarks of the toolkit

\\data\\
ngram 1=4
ngram 2=2
ngram 3=1

\\1-grams:
-2.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.6 가 -0.25

\\2-grams:
-0.3\t<s> 가\t-0.125
-0.4\t가 가\t0.1

\\3-grams:
-0.2\t<s> 가 가

\\end\\
`;

describe('readArpa', () => {
  it('backs off as Katz does', () => {
    const model = read(SMALL);
    expect(model.order).toBe(3);
    expect(model.size).toBe(4);
    expect([...model.words()]).toEqual(['<unk>', '<s>', '</s>', '가']);
    const ga = model.index('가');
    const first = model.score(model.begin(), ga);
    expect(first).toEqual({
      logProb: expect.closeTo(-0.3, 6) as number,
      state: [model.index('<s>'), ga],
      unknown: false,
    });
    const second = model.score(first.state, ga);
    expect(second.logProb).toBeCloseTo(-0.2, 6);
    // 가 가 가 is no trigram: 가 가 backs off.
    const third = model.score(second.state, ga);
    expect(third.logProb).toBeCloseTo(0.1 - 0.4, 6);
    const end = model.score(third.state, model.index('</s>'));
    expect(end.logProb).toBeCloseTo(0.1 - 0.25 - 0.7, 6);
    expect(model.score(model.empty(), model.index('나'))).toMatchObject({
      logProb: expect.closeTo(-2, 6) as number,
      unknown: true,
    });
  });

  it('knows no word in a model without <unk>', () => {
    const model = read('\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\n\\end\\');
    expect(model.score(model.begin(), model.index('b')).logProb).toBe(-100);
    expect(model.begin()).toEqual([]);
  });

  it('reads what another toolkit wrote', () => {
    const path = new URL('../../../test/fixtures/coqui/scorers/ko_cpns.arpa', import.meta.url);
    const model = readArpa(readFileSync(path));
    expect(model.order).toBe(4);
    expect(model.size).toBe(57);
    let state = model.begin();
    for (const syllable of '안녕') ({ state } = model.score(state, model.index(syllable)));
    expect(state).toHaveLength(3);
  });

  it.each([
    ['an empty file', '', /data/],
    ['no counts', '\\data\\\n\\1-grams:\n', /counts/],
    ['orders that do not follow', '\\data\\\nngram 2=1\n', /line 2/],
    [
      'too many orders',
      `\\data\\\n${Array.from({ length: 11 }, (_, i) => `ngram ${String(i + 1)}=0`).join('\n')}`,
      /10/,
    ],
    ['an absurd count', '\\data\\\nngram 1=999999999999\n\\1-grams:\n', /more than/],
    ['more than the header says', '\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n-1 b\n', /line 5.*more/],
    ['fewer than the header says', '\\data\\\nngram 1=3\n\\1-grams:\n-1 a\n\\end\\', /fewer/],
    ['a missing section', '\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 a\n\\end\\', /2-grams/],
    ['no end', '\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n', /end/],
    ['no number', '\\data\\\nngram 1=1\n\\1-grams:\nx a\n', /number/],
    ['NaN', '\\data\\\nngram 1=1\n\\1-grams:\nNaN a\n', /number/],
    ['an infinite back-off', '\\data\\\nngram 1=1\n\\1-grams:\n-1 a -1e999\n', /number/],
    ['a probability above 1', '\\data\\\nngram 1=1\n\\1-grams:\n0.5 a\n', /above 0/],
    ['too many fields', '\\data\\\nngram 1=1\n\\1-grams:\n-1 a -1 -1\n', /no 1-gram/],
    [
      'a word unknown to the 1-grams',
      '\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 a\n\\2-grams:\n-1 a b\n',
      /1-grams/,
    ],
    ['an n-gram twice', '\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n-1 a\n', /twice/],
    ['an endless line', `\\data\\\nngram 1=1\n\\1-grams:\n-1 ${'a'.repeat(10_000)}\n`, /too long/],
  ])('refuses %s', (_name, text, detail) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'manifest_invalid',
        message: expect.stringMatching(detail) as string,
      }) as Error,
    );
  });

  it('refuses what is no UTF-8', () => {
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('\\data\\\nngram 1=1\n\\1-grams:\n-1 '),
      0xff,
      0x0a,
    ]);
    expect(() => readArpa(bytes)).toThrow(expect.objectContaining({ code: 'manifest_invalid' }) as Error);
  });
});

describe('KenLM files made from it', () => {
  const scorers = new URL('../../../test/fixtures/coqui/scorers/', import.meta.url);

  it.each(['probing', 'trie', 'qtrie', 'atrie', 'qatrie'])('list the same words: %s', (layout) => {
    const model = new KenlmModel(new MemoryReader(readFileSync(new URL(`ko_cpns.${layout}.bin`, scorers))));
    const listed = [...model.words()];
    if (!model.header.hasVocabulary) {
      expect(listed).toEqual([]);
      return;
    }
    expect(listed.map((word) => model.index(word))).toEqual(listed.map((_, id) => id));
    const arpa = readArpa(readFileSync(new URL('ko_cpns.arpa', scorers)));
    expect(listed.sort()).toEqual([...arpa.words()].sort());
  });
});
