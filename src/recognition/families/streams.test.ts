/** What every family must do whose models take an utterance while it is being spoken: one list, one suite. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';
import { createFrontEnd } from '../../features/index.js';
import { readPackage, type ModelPackage } from '../../models/index.js';
import { isStreaming, loadFamily, type DecodingStream, type StreamingFamily } from './index.js';

interface Subject {
  /** Folder below test/fixtures/packages. */
  readonly package: string;
  /** The package with a stream that sees all of an utterance at once. */
  readonly seeingAll: (model: ModelPackage) => ModelPackage;
}

/** Its chunks are longer than any utterance here. */
const inOneChunk = ({ directory, manifest }: ModelPackage): ModelPackage => {
  const streaming = { ...manifest.encoder.streaming!, chunkFrames: 1000 };
  return { directory, manifest: { ...manifest, encoder: { ...manifest.encoder, streaming } } };
};

const SUBJECTS: readonly Subject[] = [
  // Whole files go the way of streams.
  { package: 'tiny-coqui', seeingAll: (model) => model },
  { package: 'tiny-conformer', seeingAll: inOneChunk },
  { package: 'tiny-ds2', seeingAll: inOneChunk },
];

const SECONDS = 3;

/** Sounds that change all the time. */
const speech = (seconds = SECONDS): Float32Array =>
  Float32Array.from({ length: seconds * 16_000 }, (_, i) => {
    const t = i / 16_000;
    const pitch = 120 + 80 * Math.sin(5 * t) + 200 * ((Math.floor(t * 7) * 5) % 9);
    return 0.2 * Math.sin(6.28 * pitch * t) + 0.1 * Math.sin(6.28 * 3.1 * pitch * t) * Math.sin(9 * t);
  });

const OPTIONS: readonly DecodeOptions[] = [{}, { beamWidth: 6, alternatives: 3 }];

describe.each(SUBJECTS)('$package', (subject) => {
  let model: ModelPackage;
  let family: StreamingFamily;
  beforeAll(async () => {
    model = await readPackage(
      fileURLToPath(new URL(`../../../test/fixtures/packages/${subject.package}`, import.meta.url)),
    );
    family = await streaming(model);
  });
  afterAll(() => family.close());

  async function streaming(of: ModelPackage): Promise<StreamingFamily> {
    const loaded = await loadFamily(of);
    if (!isStreaming(loaded)) throw new Error('the family does not stream');
    return loaded;
  }

  async function fed(
    samples: Float32Array,
    size: number,
    options?: DecodeOptions,
    each: (stream: DecodingStream) => Promise<void> = () => Promise.resolve(),
  ): Promise<DecodingStream> {
    const stream = family.openStream(options);
    for (let from = 0; from < samples.length; from += size) {
      await stream.feed(samples.subarray(from, from + size));
      await each(stream);
    }
    return stream;
  }

  /** Numbers as exact as float32 in another order of batches is. */
  function expectSame(found: readonly DecodedHypothesis[], expected: readonly DecodedHypothesis[]): void {
    expect(found.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    found.forEach(({ words, score, confidence }, i) => {
      expect(words.map(({ startFrame, endFrame }) => [startFrame, endFrame])).toEqual(
        expected[i].words.map(({ startFrame, endFrame }) => [startFrame, endFrame]),
      );
      expect(score).toBeCloseTo(expected[i].score, 3);
      expect(confidence).toBeCloseTo(expected[i].confidence, 4);
    });
  }

  it('gives the same however the samples are cut, and whatever is asked in between', async () => {
    for (const options of OPTIONS) {
      const expected = await (await fed(speech(), SECONDS * 16_000, options)).finish();
      expect(expected.length).toBe(options.alternatives ?? 1);
      expect(expected[0].text).not.toBe('');
      for (const size of [160, 4321, 16_000]) {
        const stream = await fed(speech(), size, options, async (one) => {
          if (size === 160) return;
          await one.partial();
          await one.flush(2);
          await one.intermediate();
        });
        expect(await stream.finish()).toEqual(expected);
      }
    }
  });

  it('gives for all of it at once what a whole utterance gives', async () => {
    const all = await streaming(subject.seeingAll(model));
    const frontEnd = createFrontEnd(model.manifest.frontEnd);
    for (const options of OPTIONS)
      for (const samples of [speech(), speech(1).subarray(0, 1000), new Float32Array(0)]) {
        const stream = all.openStream(options);
        await stream.feed(samples);
        expectSame(await stream.finish(), (await all.decode(frontEnd.extract(samples), options)).hypotheses);
      }
    await all.close();
  });

  it('flushes to what finish would give, and goes on', async () => {
    const sizes = [9000, 20_000, 30_000];
    const stream = family.openStream();
    let from = 0;
    for (const to of sizes) {
      await stream.feed(speech().subarray(from, to));
      from = to;
      const flushed = await stream.flush();
      expect(flushed).toEqual(await stream.flush());
      expectSame(flushed, await (await fed(speech().subarray(0, to), 5000)).finish());
    }
    stream.close();
  });

  it('has the text of its first hypothesis as partial text, and never changes what it calls stable', async () => {
    for (const options of OPTIONS) {
      let stable = '';
      const stream = await fed(speech(), 3000, options, async (one) => {
        const partial = await one.partial();
        const [best] = await one.intermediate();
        if (options.beamWidth === undefined) expect(partial.text).toBe(best.text);
        expect(partial.text.startsWith(stable)).toBe(true);
        expect(partial.stable).toBeGreaterThanOrEqual(stable.length);
        stable = partial.text.slice(0, partial.stable);
      });
      for (const { text } of await stream.finish(3)) expect(text.startsWith(stable)).toBe(true);
    }
  });

  it('streams of one family share nothing that changes', async () => {
    const alone = await (await fed(speech(), 4000)).finish();
    const shorter = await (await fed(speech(2), 4000)).finish();
    const streams = [family.openStream(), family.openStream()];
    for (let from = 0; from < speech().length; from += 4000) {
      await Promise.all([
        streams[0].feed(speech().subarray(from, from + 4000)),
        streams[1].feed(speech(2).subarray(from, from + 4000)),
      ]);
    }
    expect(await streams[1].finish()).toEqual(shorter);
    expect(await streams[0].finish()).toEqual(alone);
  });

  it('works on calls in the order in which they are made, and on none after the end', async () => {
    const stream = family.openStream();
    const samples = speech(1);
    const calls = [
      stream.feed(samples),
      stream.flush(),
      stream.feed(speech(2).subarray(16_000)),
      stream.finish(),
    ];
    samples.fill(0);
    const [, flushed, , finished] = await Promise.all(calls);
    expect(flushed).toEqual(await (await fed(speech(1), 16_000)).finish());
    expect(finished).toEqual(await (await fed(speech(2), 16_000)).finish());
    for (const call of [stream.feed(samples), stream.partial(), stream.flush(), stream.finish()]) {
      await expect(call).rejects.toMatchObject({ code: 'invalid_request' });
    }
    const closed = family.openStream();
    closed.close();
    await expect(closed.feed(samples)).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
