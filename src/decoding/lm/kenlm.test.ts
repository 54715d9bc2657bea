import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import { MemoryReader } from './bytes.js';
import { KenlmModel } from './kenlm.js';
import type { NgramModel } from './contract.js';
import { murmurHash64, U64 } from './u64.js';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/coqui/scorers');
const LAYOUTS = ['probing', 'trie', 'qtrie', 'atrie', 'qatrie'] as const;
const fixture = (layout: string): Uint8Array =>
  new Uint8Array(readFileSync(join(FIXTURES, `ko_cpns.${layout}.bin`)));
const models = new Map(LAYOUTS.map((layout) => [layout, new KenlmModel(new MemoryReader(fixture(layout)))]));
const arpa = readArpa(readFileSync(join(FIXTURES, 'ko_cpns.arpa'), 'utf8'));
const words = [...arpa.keys()].filter((ngram) => !ngram.includes(' '));

interface Entry {
  readonly prob: number;
  readonly backoff: number;
}

/** The model as its text says it is: an n-gram, and its weights. */
function readArpa(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const line of text.split('\n')) {
    const [prob, ngram, backoff] = line.split('\t');
    if (ngram !== undefined) entries.set(ngram, { prob: Number(prob), backoff: Number(backoff ?? 0) });
  }
  return entries;
}

/** Katz back-off by the book. */
function reference(history: readonly string[], word: string): number {
  const found = arpa.get([...history, word].join(' '));
  if (found !== undefined) return found.prob;
  const backoff = arpa.get(history.join(' '))?.backoff ?? 0;
  return backoff + reference(history.slice(1), word);
}

function score(model: NgramModel, sentence: readonly string[]): number[] {
  let state = model.begin();
  return sentence.map((word) => {
    const next = model.score(state, model.index(word));
    state = next.state;
    return next.logProb;
  });
}

describe.each([...models])('KenLM: %s', (_layout, model) => {
  it('knows order and words', () => {
    expect(model.order).toBe(4);
    expect(model.size).toBe(57);
    const ids = words.map((word) => model.index(word));
    expect(ids[words.indexOf('<unk>')]).toBe(0);
    expect(new Set(ids).size).toBe(57);
    expect(model.index('없는말')).toBe(0);
  });

  it('gives every n-gram of the ARPA file its probability', () => {
    for (const [ngram, { prob }] of arpa) {
      const parts = ngram.split(' ');
      if (parts.at(-1) === '<s>') continue;
      let state = parts[0] === '<s>' ? model.begin() : model.empty();
      let logProb = 0;
      for (const part of parts[0] === '<s>' ? parts.slice(1) : parts) {
        ({ logProb, state } = model.score(state, model.index(part)));
      }
      expect(logProb, ngram).toBeCloseTo(prob, 5);
    }
  });

  it('backs off as Katz says, on random sentences', () => {
    const vocabulary = words.filter((word) => word !== '<s>' && word !== '<unk>');
    const sentence = fc.array(fc.constantFrom(...vocabulary, '없'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sentence, (parts) => {
        const known = parts.map((word) => (vocabulary.includes(word) ? word : '<unk>'));
        score(model, parts).forEach((logProb, i) => {
          const history = ['<s>', ...known.slice(0, i)].slice(-3);
          expect(logProb).toBeCloseTo(reference(history, known[i]), 4);
        });
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('says which words it does not know, and forgets what came before them', () => {
    const { unknown, state } = model.score(model.begin(), model.index('없'));
    expect(unknown).toBe(true);
    expect(state).toEqual([]);
  });

  it('keeps of a state only what another n-gram can begin with', () => {
    let state = model.begin();
    for (const word of ['안', '녕', '하', '세', '요']) {
      ({ state } = model.score(state, model.index(word)));
      expect(state.length).toBeLessThan(model.order);
    }
    expect(model.score(model.begin(), model.index('</s>')).state).toEqual([]);
  });
});

it('all layouts agree to the bit where weights are not quantised', () => {
  const sentence = ['안', '녕', '하', '세', '요', '반', '갑', '습', '니', '다', '</s>'];
  const scores = LAYOUTS.map((layout) => score(models.get(layout)!, sentence));
  expect(scores[1]).toEqual(scores[0]);
  expect(scores[3]).toEqual(scores[0]);
  expect(scores[4]).toEqual(scores[2]);
});

it('reads rest-cost tables', () => {
  // The same model with a rest cost after each weight, as build_binary -r writes it.
  const plain = fixture('probing');
  const view = new DataView(plain.buffer, plain.byteOffset);
  const counts = [0, 1, 2, 3].map((n) => Number(view.getBigUint64(0x6c + 8 * n, true)));
  const buckets = counts.map((count) => Math.max(count + 1, Math.floor(count * 1.5)));
  const parts: Uint8Array[] = [];
  let at = 0x90;
  const copy = (bytes: number, padding: number): void => {
    parts.push(plain.slice(at, at + bytes), new Uint8Array(padding));
    at += bytes;
  };
  copy(8 + 12 * buckets[0], 0);
  for (let i = 0; i <= counts[0]; i++) copy(8, 4);
  for (let i = 0; i < buckets[1] + buckets[2]; i++) copy(16, 4);
  copy(12 * buckets[3], 0);
  const header = plain.slice(0, 0x90);
  header[0x60] = 1;
  const model = new KenlmModel(new MemoryReader(Buffer.concat([header, ...parts])));
  const sentence = ['한', '국', '어', '음', '성', '없', '인', '식'];
  expect(score(model, sentence)).toEqual(score(models.get('probing')!, sentence));
});

it('hashes as MurmurHash64A', () => {
  // Published vectors for seed 0 are rare: the vocabulary itself is the check. Every length modulo 8 is covered here.
  const hash = new U64();
  const seen = new Set<string>();
  for (let length = 0; length < 40; length++) {
    murmurHash64(new Uint8Array(length).fill(255), hash);
    expect(hash.high * 2 ** 32 + hash.low).toBe(Number(murmurOfBigInts(new Uint8Array(length).fill(255))));
    seen.add(`${String(hash.high)} ${String(hash.low)}`);
  }
  expect(seen.size).toBe(40);
});

function murmurOfBigInts(bytes: Uint8Array): bigint {
  const m = 0xc6a4a7935bd1e995n;
  const mask = (1n << 64n) - 1n;
  const mul = (a: bigint): bigint => (a * m) & mask;
  let h = mul(BigInt(bytes.length));
  for (let at = 0; at < bytes.length; at += 8) {
    const rest = bytes.slice(at, at + 8);
    let k = 0n;
    rest.forEach((byte, i) => (k |= BigInt(byte) << BigInt(8 * i)));
    if (rest.length === 8) {
      k = mul(k);
      k = mul(k ^ (k >> 47n));
    }
    h = mul(h ^ k);
  }
  h = mul(h ^ (h >> 47n));
  return h ^ (h >> 47n);
}

describe('hostile files', () => {
  const open = (bytes: Uint8Array): KenlmModel => new KenlmModel(new MemoryReader(bytes));
  const patched = (layout: string, offset: number, ...values: number[]): Uint8Array => {
    const bytes = fixture(layout);
    bytes.set(values, offset);
    return bytes;
  };
  const refusal = (bytes: Uint8Array): string => {
    try {
      open(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(MalgwiError);
      expect((error as MalgwiError).code).toBe('manifest_invalid');
      return (error as MalgwiError).message;
    }
    return 'accepted';
  };

  it.each([
    ['no KenLM file', patched('trie', 0, 0), /not a KenLM/],
    ['another version', patched('trie', 0x31, 0x34), /another version/],
    ['big-endian', patched('trie', 0x3c, 0x3f, 0x80, 0, 0), /another kind of machine/],
    ['order 0', patched('trie', 0x58, 0), /order/],
    ['order 255', patched('trie', 0x58, 255), /order/],
    ['layout 9', patched('trie', 0x60, 9), /layout/],
    ['2^63 words', patched('trie', 0x6c, 0, 0, 0, 0, 0, 0, 0, 128), /2\^53/],
    ['2^40 words', patched('trie', 0x6c, 0, 0, 0, 0, 0, 1, 0, 0), /cannot hold/],
    ['no words', patched('trie', 0x6c, 0, 0, 0, 0, 0, 0, 0, 0), /no words/],
    ['too many trigrams', patched('trie', 0x7c, 0xff, 0x70), /cannot hold|shorter/],
    ['a wrong multiplier', patched('probing', 0x5c, 0, 0, 0xc0, 0x7f), /multiplier/],
    ['too many buckets', patched('probing', 0x5c, 0, 0, 0x20, 0x41), /vocabulary|shorter/],
    ['a quantiser of 40 bits', patched('qtrie', 0x90 + 8 + 8 * 57 + 1, 40), /40 bits/],
    ['an old quantiser', patched('qtrie', 0x90 + 8 + 8 * 57, 1), /quantiser/],
    ['an empty file', new Uint8Array(0), /too short/],
  ])('refuses %s', (_name, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  it('refuses every file that is cut off', () => {
    for (const layout of LAYOUTS) {
      const bytes = fixture(layout);
      const { end } = models.get(layout)!;
      for (let length = 0; length < end; length += 13) {
        expect(refusal(bytes.subarray(0, length)), `${layout} ${String(length)}`).not.toBe('accepted');
      }
    }
  });

  it('gives numbers or a clear error whichever bits are wrong', () => {
    const sentence = ['안', '녕', '하', '세', '요', '없', '반', '갑', '습', '니', '다', '</s>'];
    const damage = fc.record({
      layout: fc.constantFrom(...LAYOUTS),
      flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 7 })), { minLength: 1, maxLength: 20 }),
      late: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ layout, flips, late }) => {
        const bytes = fixture(layout);
        for (const [position, bit] of flips) {
          const from = late ? 0x90 : 0;
          bytes[from + (position % (bytes.length - from))] ^= 1 << bit;
        }
        try {
          for (const logProb of score(open(bytes), sentence)) expect(logProb).not.toBeNaN();
        } catch (error) {
          expect(error).toBeInstanceOf(MalgwiError);
          expect((error as MalgwiError).code).toBe('manifest_invalid');
        }
      }),
      { seed: 5, numRuns: 2000 },
    );
  });

  it('ends the search of a hash table without an empty bucket', () => {
    const bytes = fixture('probing');
    for (let bucket = 0; bucket < 85; bucket++) bytes.fill(1, 0x98 + 12 * bucket, 0x98 + 12 * bucket + 8);
    expect(refusal(bytes)).toMatch(/damaged/);
  });
});
