/** `malgwi/coqui-stt` against what the original engine answered (test/fixtures/coqui/README.md). */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { FreeModel, Model, type Metadata, type Stream } from '../src/coqui-stt/index.js';
import { pcm } from './coqui-support.js';

vi.setConfig({ testTimeout: 60_000 });

const fixture = (name: string): string => new URL(`fixtures/${name}`, import.meta.url).pathname;
const scorer = (name: string): string => fixture(`coqui/scorers/${name}`);
const json = (name: string): unknown => JSON.parse(readFileSync(fixture(name), 'utf8'));

const models = new Map<string, Promise<Model>>();

/** A model in the state of a new one; threads are kept between the cases. */
async function fresh(name: string): Promise<Model> {
  let loading = models.get(name);
  if (loading === undefined) {
    loading = Model.load(fixture(`packages/${name}`));
    models.set(name, loading);
  }
  const model = await loading;
  await model.setBeamWidth(500);
  await model.enableExternalScorer(scorer('ko_syl.trie.scorer'));
  await model.clearHotWords();
  await model.disableExternalScorer();
  return model;
}
afterAll(async () => {
  for (const loading of models.values()) await FreeModel(await loading);
});

/** What float32 sums in another order may differ by. */
function expectConfidence(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected) / 10));
}

interface DecoderCase {
  model: string;
  audio: string;
  scorer: string | null;
  beam: number;
  hot: Record<string, number>;
  alpha_beta: [number, number] | null;
  num_results: number;
  chunk: number | null;
  intermediate: { at: number; text: string }[];
  transcripts: {
    hex: string;
    tokens: string[];
    timesteps: number[];
    start_time: number[];
    confidence: number;
  }[];
}

const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');

describe('decoder cases of the original', () => {
  const cases = json('coqui/decoder_cases.json') as DecoderCase[];

  it('has all of them', () => expect(cases).toHaveLength(38));

  it.each(cases.map((one, index) => [index, one.model, one.audio, one.scorer ?? 'no scorer', one] as const))(
    '%d: %s, %s, %s',
    async (_, name, audio, __, one) => {
      const float = name === 'ko_syl.f32';
      const model = await fresh(float ? 'tiny-coqui' : 'tiny-coqui-int8');
      await model.setBeamWidth(one.beam);
      if (one.scorer !== null) await model.enableExternalScorer(scorer(one.scorer));
      for (const [word, boost] of Object.entries(one.hot)) await model.addHotWord(word, boost);
      if (one.alpha_beta !== null) await model.setScorerAlphaBeta(...one.alpha_beta);

      const bytes = pcm(audio);
      let metadata: Metadata;
      if (one.chunk === null) {
        metadata = await model.sttWithMetadata(bytes, one.num_results);
        const best = one.transcripts[0].hex;
        expect(hex(await model.stt(bytes))).toBe(best);
      } else {
        const stream = await model.createStream();
        const intermediate = [];
        for (let at = 0; at < bytes.length / 2; at += one.chunk) {
          await stream.feedAudioContent(bytes.subarray(2 * at, 2 * (at + one.chunk)));
          const seen = Math.min(at + one.chunk, bytes.length / 2);
          intermediate.push({ at: seen, text: hex(await stream.intermediateDecode()) });
        }
        expect(intermediate).toEqual(one.intermediate);
        metadata = await stream.finishStreamWithMetadata(one.num_results);
      }

      const { transcripts } = metadata;
      const texts = transcripts.map(({ tokens }) => hex(tokens.map(({ text }) => text).join('')));
      if (!float) {
        // The original quantises activations as well, so that scores, and with them lower ranks, may differ.
        expect(texts[0]).toBe(one.transcripts[0].hex);
        return;
      }
      expect(texts).toEqual(one.transcripts.map(({ hex: text }) => text));
      transcripts.forEach(({ tokens, confidence }, rank) => {
        const expected = one.transcripts[rank];
        expect(tokens.map(({ text }) => hex(text))).toEqual(expected.tokens);
        expect(tokens.map(({ timestep }) => timestep)).toEqual(expected.timesteps);
        expect(tokens.map(({ start_time }) => start_time)).toEqual(expected.start_time);
        expectConfidence(confidence, expected.confidence);
      });
    },
  );
});

type Call = [target: string, method: string, ...args: (string | number | null)[]];
type Answer = { call: Call; value?: unknown; error?: string };

/** Runs a recorded call; buffers and paths stand in it by name. */
async function run(
  model: Model,
  streams: Map<string, Stream>,
  [target, method, ...args]: Call,
): Promise<unknown> {
  if (method === 'createStream') {
    streams.set(String(args[0]), await model.createStream());
    return undefined;
  }
  const values: unknown[] = [...args];
  if (method === 'enableExternalScorer') values[0] = scorer(String(args[0]));
  if (['stt', 'sttWithMetadata', 'feedAudioContent'].includes(method)) {
    const [name, from, to, ...rest] = args as [string, number, number | null, ...number[]];
    values.splice(0, values.length, pcm(name).subarray(2 * from, to === null ? undefined : 2 * to), ...rest);
  }
  const object = (target === 'model' ? model : streams.get(target)) as unknown as Record<
    string,
    (...values: unknown[]) => Promise<unknown>
  >;
  return object[method](...values);
}

function expectMetadata(actual: Metadata, expected: Metadata): void {
  const shape = ({ transcripts }: Metadata): unknown => transcripts.map(({ tokens }) => tokens);
  expect(shape(actual)).toEqual(shape(expected));
  actual.transcripts.forEach(({ confidence }, rank) => {
    expectConfidence(confidence, expected.transcripts[rank].confidence);
  });
}

describe('recorded sessions of the original', () => {
  const sessions = json('coqui/stt-1.4.0.json') as { name: string; answers: Answer[] }[];

  it.each(sessions.map(({ name, answers }) => [name, answers] as const))('%s', async (_, answers) => {
    const model = await fresh('tiny-coqui');
    const streams = new Map<string, Stream>();
    for (const { call, value, error } of answers) {
      const result = run(model, streams, call);
      if (error !== undefined) {
        await expect(result, call.join(' ')).rejects.toThrow(error);
        continue;
      }
      const actual = await result;
      if (value !== null && typeof value === 'object') expectMetadata(actual as Metadata, value as Metadata);
      else expect(actual ?? null, call.join(' ')).toEqual(value);
    }
  });
});
