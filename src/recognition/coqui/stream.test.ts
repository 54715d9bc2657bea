import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acoustic, largestDifference, samples } from '../../../test/coqui-support.js';
import { parseTokens, type DecodedHypothesis } from '../../decoding/index.js';
import { createFrontEnd } from '../../features/index.js';
import { readPackage, type ModelPackage } from '../../models/index.js';
import { CoquiFamily } from '../families/coqui.js';
import type { FrameSearch } from './search.js';

const directory = fileURLToPath(new URL('../../../test/fixtures/packages/tiny-coqui/', import.meta.url));

/** Keeps what it is given: what a search sees of a stream. */
class Recorder implements FrameSearch {
  probabilities: number[] = [];
  batches: number[] = [];

  next(probabilities: Float32Array, frames: number): void {
    this.probabilities.push(...probabilities);
    this.batches.push(frames);
  }

  /** The number of frames so far, as a hypothesis. */
  decode(alternatives: number): DecodedHypothesis[] {
    const frames = this.batches.reduce((sum, count) => sum + count, 0);
    const text = `${String(frames)}/${String(alternatives)}`;
    return [{ text, tokens: [], words: [], avgLogProb: 0, confidence: 1, score: 0 }];
  }

  fork(): Recorder {
    const copy = new Recorder();
    copy.probabilities = [...this.probabilities];
    copy.batches = [...this.batches];
    return copy;
  }
}

let model: ModelPackage;
let family: CoquiFamily;
beforeAll(async () => {
  const read = await readPackage(directory);
  model = { ...read, manifest: { ...read.manifest, decoder: { method: 'greedy' } } };
  const tokens = await readFile(join(directory, model.manifest.tokens.file), 'utf8');
  family = await CoquiFamily.load(model, parseTokens(tokens, model.manifest.tokens));
});
afterAll(() => family.close());

const text = ([best]: readonly DecodedHypothesis[]): string => best.text;

describe('a stream of a Coqui model', () => {
  it.each(['ko00', 'ko02', 'ko07'])('gives the probabilities of the original for %s', async (name) => {
    const search = new Recorder();
    const stream = family.streamThrough(search);
    await stream.feed(samples(name));
    await stream.finish();
    const expected = acoustic(`${name}.probs`);
    expect(search.batches.slice(0, -1).every((frames) => frames === 16)).toBe(true);
    expect(largestDifference(Float32Array.from(search.probabilities), expected)).toBeLessThan(1e-4);
  });

  it('gives the same wherever the audio is cut', async () => {
    const audio = samples('ko07');
    const whole = new Recorder();
    const reference = family.streamThrough(whole);
    await reference.feed(audio);
    const expected = text(await reference.finish());
    const cuts = fc.array(
      fc.oneof(fc.constantFrom(0, 1, 191, 192, 319, 320, 321, 511, 512, 513), fc.nat(4000)),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(cuts, async (sizes) => {
        const search = new Recorder();
        const stream = family.streamThrough(search);
        let at = 0;
        for (const size of sizes) {
          await stream.feed(audio.subarray(at, at + size));
          at += size;
        }
        await stream.feed(audio.subarray(at));
        expect(text(await stream.finish())).toBe(expected);
        expect(search.batches).toEqual(whole.batches);
        expect(search.probabilities).toEqual(whole.probabilities);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the same sample by sample', async () => {
    const audio = samples('ko07').subarray(0, 7000);
    const [one, all] = [new Recorder(), new Recorder()];
    const stream = family.streamThrough(one);
    for (let at = 0; at < audio.length; at++) await stream.feed(audio.subarray(at, at + 1));
    await stream.finish();
    const whole = family.streamThrough(all);
    await whole.feed(audio);
    await whole.finish();
    expect(one.probabilities).toEqual(all.probabilities);
  });

  it('gives for a whole utterance what decoding its features gives', async () => {
    const audio = samples('ko02');
    const features = createFrontEnd(model.manifest.frontEnd).extract(audio);
    const { hypotheses } = await family.decode(features);
    const stream = family.openStream();
    await stream.feed(audio);
    expect(await stream.finish()).toEqual(hypotheses);
    expect(hypotheses[0].text).not.toBe('');
    const ids = hypotheses[0].tokens.map(({ id }) => id);
    expect(await family.greedyIds(features)).toEqual(ids);
  });

  it('sees 9 frames and up to 15 steps less in an intermediate result than in a flush', async () => {
    const seen: string[] = [];
    for (const samplesSoFar of [0, 512, 512 + 320 * 23, 512 + 320 * 24]) {
      const fresh = family.streamThrough(new Recorder());
      await fresh.feed(new Float32Array(samplesSoFar));
      seen.push(`${text(await fresh.intermediate(1))} ${text(await fresh.flush(1))}`);
    }
    // 25 frames make 25 - 9 steps, a batch of 16.
    expect(seen).toEqual(['0/1 1/1', '0/1 2/1', '0/1 25/1', '16/1 26/1']);
  });

  it('flushes without harm: the stream goes on as if nothing had been', async () => {
    const audio = samples('ko00');
    const [plain, flushed] = [new Recorder(), new Recorder()];
    const reference = family.streamThrough(plain);
    const stream = family.streamThrough(flushed);
    for (let at = 0; at < audio.length; at += 3700) {
      await stream.feed(audio.subarray(at, at + 3700));
      await reference.feed(audio.subarray(at, at + 3700));
      const other = family.streamThrough(new Recorder());
      await other.feed(audio.subarray(0, at + 3700));
      expect(text(await stream.flush())).toBe(text(await other.finish()));
      expect(text(await stream.intermediate())).toBe(text(await reference.intermediate()));
    }
    await Promise.all([stream.finish(), reference.finish()]);
    expect(flushed.probabilities).toEqual(plain.probabilities);
  });

  it('flushes to the text of the utterance up to there', async () => {
    const audio = samples('ko02');
    const stream = family.openStream();
    for (let at = 0; at < audio.length; at += 6400) {
      await stream.feed(audio.subarray(at, at + 6400));
      const other = family.openStream();
      await other.feed(audio.subarray(0, at + 6400));
      expect(await stream.flush()).toEqual(await other.finish());
    }
  });

  it('shares nothing with another stream, be they fed in turn', async () => {
    const names = ['ko00', 'ko02', 'ko07'];
    const alone = await Promise.all(
      names.map(async (name) => {
        const stream = family.openStream();
        await stream.feed(samples(name));
        return stream.finish();
      }),
    );
    const streams = names.map((name) => ({ stream: family.openStream(), audio: samples(name) }));
    for (let at = 0; at < 40_000; at += 1000) {
      await Promise.all(streams.map(({ stream, audio }) => stream.feed(audio.subarray(at, at + 1000))));
    }
    expect(await Promise.all(streams.map(({ stream }) => stream.finish()))).toEqual(alone);
  });

  it('works on calls in their order, awaited or not', async () => {
    const audio = samples('ko07');
    const stream = family.openStream();
    const results = [];
    for (let at = 0; at < audio.length; at += 5000) {
      void stream.feed(audio.subarray(at, at + 5000));
      results.push(stream.flush());
    }
    const last = await stream.finish();
    expect(text(await results.at(-1)!)).toBe(text(last));
  });

  it('has ended after finish or close', async () => {
    const finished = family.openStream();
    await finished.finish();
    const closed = family.openStream();
    closed.close();
    for (const stream of [finished, closed]) {
      for (const call of [
        stream.feed(new Float32Array(1)),
        stream.intermediate(),
        stream.flush(),
        stream.finish(),
      ]) {
        await expect(call).rejects.toMatchObject({ code: 'invalid_request' });
      }
    }
  });
});
