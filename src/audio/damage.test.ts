import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, MalgwiError } from '../errors.js';
import { createPushDecoder, openAudioFile } from './index.js';

const FORMATS = fileURLToPath(new URL('../../test-audio/formats/', import.meta.url));
const FILES = [
  'reference.wav',
  'adpcm-stereo.wav',
  'flac.flac',
  'flac.ogg',
  'flac.mp4',
  'mp3.mp3',
  'mp3-stereo-id3.mp3',
  'opus.ogg',
  'opus-live.webm',
  'opus.webm',
  'opus.mp4',
  'vorbis.ogg',
  'aac.m4a',
  'aac-stereo-fragmented.mp4',
  'aac.aac',
];
/** 15 files, 8 kinds of damage, 3 seeds: 360 files. */
const SEEDS = 3;
const MAX_SECONDS = 60;

/** mulberry32: small, seeded, good enough to choose where to hit. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Damage = (bytes: Buffer, next: () => number) => Buffer;
const at = (bytes: Buffer, next: () => number): number => Math.floor(next() * bytes.length);
const flip = (bytes: Buffer, next: () => number, count: number, within = bytes.length): Buffer => {
  const out = Buffer.from(bytes);
  for (let i = 0; i < count; i++)
    out[Math.floor(next() * Math.min(within, out.length))] ^= 1 << Math.floor(next() * 8);
  return out;
};
const DAMAGE: Readonly<Record<string, Damage>> = {
  truncated: (bytes, next) => bytes.subarray(0, at(bytes, next)),
  'a few bits flipped': (bytes, next) => flip(bytes, next, 5),
  'many bits flipped': (bytes, next) => flip(bytes, next, 500),
  'header bits flipped': (bytes, next) => flip(bytes, next, 3, 96),
  'header bytes replaced': (bytes, next) => {
    const out = Buffer.from(bytes);
    for (let i = 0; i < 6; i++)
      out[12 + Math.floor(next() * 400)] = next() < 0.5 ? 255 : Math.floor(next() * 256);
    return out;
  },
  'a piece removed': (bytes, next) => {
    const from = at(bytes, next);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + Math.floor(next() * 3000))]);
  },
  'a piece zeroed': (bytes, next) => {
    const out = Buffer.from(bytes);
    const from = at(bytes, next);
    return out.fill(0, from, Math.min(out.length, from + Math.floor(next() * 5000)));
  },
  'its end before its beginning': (bytes, next) => {
    const cut = at(bytes, next);
    return Buffer.concat([bytes.subarray(cut), bytes.subarray(0, cut)]);
  },
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-damage-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Seconds decoded, or the code of the error. Anything but a MalgwiError is thrown on. */
async function outcome(bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'damaged');
  await writeFile(path, bytes);
  let samples = 0;
  try {
    const audio = await openAudioFile(path, { maxSeconds: MAX_SECONDS });
    for await (const chunk of audio.chunks()) {
      samples += chunk.length;
      if (!chunk.every((v) => Number.isFinite(v))) throw new Error('a sample is not a number');
    }
  } catch (error) {
    if (!(error instanceof MalgwiError)) throw error;
    expect(Object.keys(ERRORS)).toContain(error.code);
    expect(error.code).toMatch(/^audio_/);
    expect(error.message).not.toContain(folder);
    return error.code;
  }
  expect(samples).toBeGreaterThan(0);
  expect(samples / 16_000).toBeLessThanOrEqual(MAX_SECONDS + 1);
  return 'samples';
}

describe('damaged files end in samples or a defined error', () => {
  const seen = new Set<string>();

  it.each(FILES)(
    '%s',
    async (name) => {
      const bytes = await readFile(join(FORMATS, name));
      for (const [kind, damage] of Object.entries(DAMAGE)) {
        for (let seed = 0; seed < SEEDS; seed++) {
          const next = random(seed * 7919 + name.length * 31 + kind.length);
          const started = performance.now();
          seen.add(await outcome(damage(bytes, next)));
          expect(performance.now() - started, `${kind}, seed ${String(seed)}`).toBeLessThan(10_000);
        }
      }
    },
    60_000,
  );

  it('in all kinds of ways', () => {
    expect([...seen].sort()).toEqual(
      expect.arrayContaining(['audio_corrupt', 'audio_truncated', 'audio_unrecognized', 'samples']),
    );
  });

  it('gives its memory back', async () => {
    const names = ['mp3.mp3', 'flac.flac', 'opus.ogg', 'vorbis.ogg', 'aac.m4a', 'opus.webm'];
    const files = await Promise.all(names.map((name) => readFile(join(FORMATS, name))));
    const round = async (seed: number): Promise<void> => {
      for (const bytes of files) await outcome(flip(bytes, random(seed), 20));
    };
    for (let i = 0; i < 3; i++) await round(i);
    const settle = async (): Promise<number> => {
      // Wasm memories are freed by the collector; give it a few turns.
      for (let i = 0; i < 5; i++) {
        (globalThis as { gc?: () => void }).gc?.();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return process.memoryUsage().rss;
    };
    const before = await settle();
    for (let i = 0; i < 10; i++) await round(100 + i);
    expect((await settle()) - before).toBeLessThan(250e6);
  }, 60_000);
});

describe('claims that are not true cost nothing', () => {
  it('absurd sizes in headers', async () => {
    const wav = Buffer.from(await readFile(join(FORMATS, 'reference.wav')));
    wav.writeUInt32LE(0x7000_0000, 40);
    expect(await outcome(wav)).toBe('audio_truncated');
    const mp4 = Buffer.from(await readFile(join(FORMATS, 'aac.m4a')));
    for (const box of ['stsz', 'stts', 'stsc', 'stco']) {
      const hostile = Buffer.from(mp4);
      const position = hostile.indexOf(box);
      expect(position).toBeGreaterThan(0);
      hostile.writeUInt32BE(0xffff_fff0, position + (box === 'stsz' ? 12 : 8));
      const heap = process.memoryUsage().rss;
      await outcome(hostile);
      expect(process.memoryUsage().rss - heap).toBeLessThan(400e6);
    }
  }, 60_000);

  it('hours of silence in a few kilobytes', async () => {
    const flac = await readFile(join(FORMATS, 'flac-cover.flac'));
    // 40,000 copies of the smallest frame: 4096 samples of constant zero at 16 kHz, some 2.8 hours.
    const frame = silentFrame;
    const header = Buffer.from(flac.subarray(0, 42));
    header[4] |= 0x80;
    header.writeUInt16BE(4096, 8);
    header.writeUInt16BE(4096, 10);
    header.fill(0, 12, 18);
    header.fill(0, 22, 42);
    header[21] &= 0xf0;
    const frames = Array.from({ length: 40_000 }, (_, i) => frame(i));
    const before = process.memoryUsage().rss;
    expect(await outcome(Buffer.concat([header, ...frames]))).toBe('audio_too_long');
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  }, 60_000);
});

/** A FLAC frame (RFC 9639, 9): 4096 samples, 16 kHz, mono, 16 bits, one constant subframe of zero. */
function silentFrame(index: number): Buffer {
  const number =
    index < 0x80
      ? [index]
      : index < 0x800
        ? [0xc0 | (index >> 6), 0x80 | (index & 63)]
        : [0xe0 | (index >> 12), 0x80 | ((index >> 6) & 63), 0x80 | (index & 63)];
  const head = [0xff, 0xf8, 0xc5, 0x08, ...number];
  let crc8 = 0;
  for (const byte of head) {
    crc8 ^= byte;
    for (let bit = 0; bit < 8; bit++) crc8 = crc8 & 0x80 ? ((crc8 << 1) ^ 0x07) & 0xff : (crc8 << 1) & 0xff;
  }
  const body = [...head, crc8, 0x00, 0x00, 0x00];
  let crc16 = 0;
  for (const byte of body) {
    crc16 ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc16 = crc16 & 0x8000 ? ((crc16 << 1) ^ 0x8005) & 0xffff : (crc16 << 1) & 0xffff;
  }
  return Buffer.from([...body, crc16 >> 8, crc16 & 255]);
}

describe('damaged live streams', () => {
  it.each(['opus-live.webm', 'opus.ogg'] as const)('%s', async (name) => {
    const bytes = await readFile(join(FORMATS, name));
    const encoding = name.endsWith('webm') ? 'webm_opus' : 'ogg_opus';
    for (const damage of Object.values(DAMAGE)) {
      for (let seed = 0; seed < 5; seed++) {
        const next = random(seed);
        const hit = damage(bytes, next);
        const decoder = await createPushDecoder(encoding);
        try {
          for (let from = 0; from < hit.length; from += 700)
            await decoder.push(hit.subarray(from, from + 700));
          await decoder.flush();
        } catch (error) {
          expect(error).toBeInstanceOf(MalgwiError);
          expect((error as MalgwiError).code).toMatch(/^audio_/);
        } finally {
          decoder.close();
        }
      }
    }
  });
});
