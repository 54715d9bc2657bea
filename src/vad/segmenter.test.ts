import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointConfig, VoiceActivityStream } from './contract.js';
import { VAD_WINDOW } from './contract.js';
import { segmentAudio } from './segmenter.js';
import type { AudioSegment, SegmentOptions } from './segmenter.js';

const config: EndpointConfig = {
  threshold: 0.5,
  negativeThreshold: 0.35,
  minSpeechMs: 64,
  silenceDurationMs: 320,
  prefixPaddingMs: 32,
  suffixPaddingMs: 32,
  maxUtteranceMs: 3200,
};

/** A detector whose answer is the largest sample of the window: tests write the probabilities into the audio. */
const loudness: VoiceActivityStream = {
  process: async (samples) =>
    Float32Array.from({ length: samples.length / VAD_WINDOW }, (_, n) =>
      samples
        .subarray(n * VAD_WINDOW, (n + 1) * VAD_WINDOW)
        .reduce((most, sample) => Math.max(most, sample), 0),
    ),
};

/** Audio of runs of windows; each sample carries its position below the probability, so copies can be checked. */
function audio(...runs: [probability: number, windows: number][]): Float32Array {
  const values = runs.flatMap(([probability, windows]) =>
    new Array<number>(windows * VAD_WINDOW).fill(probability),
  );
  return Float32Array.from(values, (value, i) => value - (i % 997) * 1e-6);
}

async function* inChunks(samples: Float32Array, sizes: readonly number[]): AsyncGenerator<Float32Array> {
  for (let at = 0, i = 0; at < samples.length; i++) {
    const size = sizes[i % sizes.length];
    yield samples.subarray(at, at + size);
    at += size;
  }
}

async function segment(
  samples: Float32Array,
  options?: SegmentOptions,
  sizes: readonly number[] = [16_000],
): Promise<AudioSegment[]> {
  const segments: AudioSegment[] = [];
  for await (const one of segmentAudio(inChunks(samples, sizes), loudness, config, options)) {
    segments.push(one);
  }
  return segments;
}

/** Comparing bytes is far faster than comparing numbers one by one. */
const summary = (segments: readonly AudioSegment[]): unknown[] =>
  segments.map(({ samples, ...rest }) => ({
    ...rest,
    bytes: Buffer.from(samples.buffer).toString('latin1'),
  }));

const windowsOf = ({ start, end }: AudioSegment): number[] =>
  [start, end].map((seconds) => (seconds * 16_000) / VAD_WINDOW);

describe('segmentAudio', () => {
  const two = audio([0, 20], [0.9, 20], [0, 15], [0.8, 10], [0, 20]);

  it('cuts at pauses, padding included', async () => {
    const segments = await segment(two);
    expect(segments.map(windowsOf)).toEqual([
      [19, 41],
      [54, 66],
    ]);
    expect(segments[0].meanProbability).toBeCloseTo(0.9, 3);
    for (const { start, end, samples } of segments) {
      expect(samples).toEqual(two.slice(start * 16_000, end * 16_000));
    }
  });

  it('gives copies that own their memory', async () => {
    const [first] = await segment(two);
    expect(first.samples.byteLength).toBe(first.samples.buffer.byteLength);
  });

  it('yields nothing for silence and for no audio', async () => {
    expect(await segment(audio([0, 30]))).toEqual([]);
    expect(await segment(new Float32Array(0))).toEqual([]);
  });

  it('ends the last segment where the audio ends, inside of a window', async () => {
    const samples = audio([0, 5], [0.9, 6]).subarray(0, 10 * VAD_WINDOW + 100);
    const [only] = await segment(samples);
    expect(only.end).toBe(samples.length / 16_000);
    expect(only.samples).toEqual(samples.slice(4 * VAD_WINDOW));
  });

  it('hears what is shorter than a window', async () => {
    const [only] = await segment(audio([0.9, 1]).subarray(0, 300));
    expect(only.samples).toHaveLength(300);
  });

  it('gives the same whatever the chunks', async () => {
    const expected = summary(await segment(two));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 }),
        async (sizes) => {
          expect(summary(await segment(two, undefined, sizes))).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('bounds the segments of endless speech and loses no sample between them', async () => {
    const samples = audio([0.9, 700]);
    const segments = await segment(samples);
    expect(segments.length).toBeGreaterThan(5);
    let at = 0;
    for (const { start, end, samples: part } of segments) {
      expect(start * 16_000).toBe(at);
      at = Math.round(end * 16_000);
      expect(part.length).toBeLessThanOrEqual(config.maxUtteranceMs * 16 + VAD_WINDOW);
    }
    expect(at).toBe(samples.length);
  });

  it('takes chunks far larger than its buffer', async () => {
    const samples = audio([0.9, 20], [0, 1500], [0.9, 20], [0, 20]);
    expect(await segment(samples, undefined, [samples.length])).toHaveLength(2);
  });

  describe('joining', () => {
    const join = { maxPauseMs: 1000, maxMs: 3000 };

    it('joins neighbours with short pauses, the pause included', async () => {
      const [only, ...others] = await segment(two, { join });
      expect(others).toEqual([]);
      expect(windowsOf(only)).toEqual([19, 66]);
      expect(only.samples).toEqual(two.slice(19 * VAD_WINDOW, 66 * VAD_WINDOW));
      expect(only.meanProbability).toBeCloseTo((22 * 0.9 + 12 * 0.8) / 34, 2);
    });

    it('keeps apart what is too long together, or too far apart', async () => {
      expect(await segment(two, { join: { ...join, maxMs: 1000 } })).toHaveLength(2);
      expect(await segment(two, { join: { ...join, maxPauseMs: 300 } })).toHaveLength(2);
    });

    it('lets a held segment go as soon as nothing can join it', async () => {
      const samples = audio([0.9, 20], [0, 200]);
      let pulled = 0;
      const counted = async function* (): AsyncGenerator<Float32Array> {
        for await (const chunk of inChunks(samples, [VAD_WINDOW])) {
          pulled += 1;
          yield chunk;
        }
      };
      for await (const one of segmentAudio(counted(), loudness, config, { join })) {
        expect(windowsOf(one)).toEqual([0, 21]);
        // 20 of speech, 1 of padding, 31 of pause, 1 of prefix; and what is analysed at once.
        expect(pulled).toBeLessThanOrEqual(55 + 31);
      }
      expect(pulled).toBe(220);
    });

    it('bounds the buffer when long segments are held', async () => {
      const runs = Array.from({ length: 8 }, (): [number, number][] => [
        [0.9, 95],
        [0, 12],
      ]).flat();
      const segments = await segment(audio(...runs), { join: { maxPauseMs: 500, maxMs: 1000 } });
      expect(segments).toHaveLength(8);
    });
  });

  it('reports progress up to the end of the audio', async () => {
    const reported: number[] = [];
    const samples = audio([0, 100]).subarray(0, 100 * VAD_WINDOW - 7);
    await segment(samples, { onProgress: (done) => reported.push(done) });
    expect(reported).toEqual([1, 2, 3].map((i) => i * 32 * VAD_WINDOW).concat(samples.length));
  });

  it('stops pulling when the consumer stops', async () => {
    let closed = false;
    const endless = async function* (): AsyncGenerator<Float32Array> {
      try {
        for (;;) yield audio([0.9, 10], [0, 20]);
      } finally {
        closed = true;
      }
    };
    for await (const _one of segmentAudio(endless(), loudness, config)) break;
    expect(closed).toBe(true);
  });

  it('passes the errors of its sources on', async () => {
    const broken = async function* (): AsyncGenerator<Float32Array> {
      yield audio([0.9, 10]);
      throw new Error('the file ends here');
    };
    const pull = async (): Promise<void> => {
      for await (const _one of segmentAudio(broken(), loudness, config)) break;
    };
    await expect(pull()).rejects.toThrow('the file ends here');
  });
});
