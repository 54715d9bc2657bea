import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAudioFile } from '../audio/index.js';
import type { AudioSegment } from '../vad/segmenter.js';
import { wholePieces } from './whole.js';

async function* chunksOf(lengths: readonly number[]): AsyncGenerator<Float32Array> {
  let next = 0;
  for (const length of lengths) {
    await Promise.resolve();
    yield Float32Array.from({ length }, () => next++);
  }
}

async function collect(lengths: readonly number[], maxSamples: number): Promise<AudioSegment[]> {
  const found: AudioSegment[] = [];
  for await (const segments of wholePieces(chunksOf(lengths), maxSamples)) found.push(...segments);
  return found;
}

describe('wholePieces', () => {
  it('gives all of the audio once, in order, in pieces as long as allowed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50), { maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        async (lengths, maxSamples) => {
          const total = lengths.reduce((sum, length) => sum + length, 0);
          const segments = await collect(lengths, maxSamples);
          expect(segments.flatMap(({ samples }) => [...samples])).toEqual(
            Array.from({ length: total }, (_, i) => i),
          );
          expect(segments.length).toBe(Math.ceil(total / maxSamples));
          segments.forEach(({ samples, start, end }, index) => {
            if (index < segments.length - 1) expect(samples.length).toBe(maxSamples);
            expect(start).toBe((index * maxSamples) / 16000);
            expect(end).toBeCloseTo(start + samples.length / 16000, 9);
          });
        },
      ),
    );
  });

  it('hands the samples of a 16 kHz wav on as int16 / 32768, exactly', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'malgwi-whole-'));
    try {
      const values = Int16Array.from({ length: 40_000 }, (_, i) => Math.imul(i, 40_503) & 0xffff);
      values.set([-32768, 32767, 0, -1, 1]);
      const header = Buffer.alloc(44);
      header.write('RIFF', 0);
      header.writeUInt32LE(36 + values.byteLength, 4);
      header.write('WAVEfmt ', 8);
      [16, 0x1_0001, 16_000, 32_000, 0x10_0002].forEach((field, i) =>
        header.writeUInt32LE(field, 16 + 4 * i),
      );
      header.write('data', 36);
      header.writeUInt32LE(values.byteLength, 40);
      const path = join(folder, 'a.wav');
      await writeFile(path, Buffer.concat([header, Buffer.from(values.buffer)]));
      const stream = await openAudioFile(path, {});
      const pieces: AudioSegment[] = [];
      for await (const found of wholePieces(stream.chunks(), 25_000)) pieces.push(...found);
      expect(pieces.map(({ samples }) => samples.length)).toEqual([25_000, 15_000]);
      const joined = pieces.flatMap(({ samples }) => [...samples]);
      expect(joined).toEqual(Array.from(values, (value) => value / 32768));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('yields after every chunk, so that a reader can stop in between', async () => {
    let yields = 0;
    for await (const segments of wholePieces(chunksOf([10, 10, 10]), 1000)) {
      yields += 1;
      if (yields < 4) expect(segments).toEqual([]);
    }
    expect(yields).toBe(4);
  });
});
