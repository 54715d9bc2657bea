import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createPushDecoder, openAudioFile } from './index.js';
import type { LiveEncoding, PushDecoderOptions, RawEncoding } from './index.js';

const FORMATS = fileURLToPath(new URL('../../test-audio/formats/', import.meta.url));

function concat(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

async function pushed(
  bytes: Uint8Array,
  encoding: LiveEncoding,
  options: PushDecoderOptions,
  split: (index: number) => number,
): Promise<Float32Array> {
  const decoder = await createPushDecoder(encoding, options);
  const parts: Float32Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = split(i);
    parts.push(await decoder.push(bytes.subarray(at, at + size)));
    at += size;
  }
  parts.push(await decoder.flush());
  decoder.close();
  return concat(parts);
}

const SPLITS: Readonly<Record<string, (i: number) => number>> = {
  'one byte': () => 1,
  odd: (i) => [3, 101, 1, 777][i % 4],
  large: () => 50_000,
};

const noise = Uint8Array.from({ length: 24_000 }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 11) & 255);
const floats = new Uint8Array(Float32Array.from({ length: 6000 }, (_, i) => Math.sin(i * 0.1) / 2).buffer);

const RAW: readonly (readonly [RawEncoding, number, number, Uint8Array, number])[] = [
  ['pcm_s16le', 16_000, 1, noise, 2],
  ['pcm_s16le', 48_000, 2, noise, 2],
  ['pcm_s16le', 44_100, 8, noise, 2],
  ['pcm_f32le', 22_050, 1, floats, 4],
  ['pcm_f32le', 96_000, 2, floats, 4],
  ['mulaw', 8000, 1, noise, 1],
  ['alaw', 8000, 2, noise, 1],
];

describe('raw live audio', () => {
  it.each(RAW)(
    '%s at %i Hz, %i channels: the same in any split',
    async (encoding, sampleRate, channels, bytes, width) => {
      const options = { sampleRate, channels };
      const whole = await pushed(bytes, encoding, options, () => bytes.length);
      const frames = Math.floor(bytes.length / (channels * width));
      expect(whole).toHaveLength(Math.round((frames * 16_000) / sampleRate));
      for (const [name, split] of Object.entries(SPLITS)) {
        expect(await pushed(bytes, encoding, options, split), name).toEqual(whole);
      }
    },
  );

  it('gives samples out at once, without a delay of its own', async () => {
    const decoder = await createPushDecoder('pcm_s16le', { sampleRate: 16_000, channels: 1 });
    expect([...(await decoder.push(Uint8Array.of(0, 0x40, 0)))]).toEqual([0.5]);
    expect([...(await decoder.push(Uint8Array.of(0xc0, 0, 0x20)))]).toEqual([-0.5, 0.25]);
    expect(await decoder.flush()).toHaveLength(0);
    await expect(decoder.push(new Uint8Array(2))).rejects.toThrow();
  });

  it.each([
    ['pcm_s16le', { sampleRate: 7999 }, 'invalid_field'],
    ['pcm_s16le', { sampleRate: 16_000.5 }, 'invalid_field'],
    ['mulaw', { channels: 9 }, 'invalid_field'],
    ['mulaw', { channels: 0 }, 'invalid_field'],
    ['mp3', {}, 'unsupported_encoding'],
    ['toString', {}, 'unsupported_encoding'],
  ])('refuses %s %o', async (encoding, options, code) => {
    await expect(createPushDecoder(encoding as LiveEncoding, options)).rejects.toMatchObject({ code });
  });
});

describe('Opus live audio', () => {
  const CASES = [
    ['opus-live.webm', 'webm_opus'],
    ['opus.webm', 'webm_opus'],
    ['opus.ogg', 'ogg_opus'],
    ['opus-stereo.ogg', 'ogg_opus'],
  ] as const;

  it.each(CASES)('%s: as the file decodes, in any split', async (name, encoding) => {
    const path = join(FORMATS, name);
    const parts: Float32Array[] = [];
    for await (const chunk of (await openAudioFile(path)).chunks()) parts.push(chunk);
    const expected = concat(parts);
    const bytes = await readFile(path);
    for (const [split, size] of Object.entries(SPLITS)) {
      expect(await pushed(bytes, encoding, {}, size), split).toEqual(expected);
    }
  });

  it('gives out a WebM frame as soon as its block is there, in the middle of a cluster', async () => {
    const bytes = await readFile(join(FORMATS, 'opus-live.webm'));
    const decoder = await createPushDecoder('webm_opus');
    let longest = 0;
    let silent = 0;
    let started = false;
    for (let at = 0; at < bytes.length; at += 100) {
      const samples = await decoder.push(bytes.subarray(at, at + 100));
      started ||= samples.length > 0;
      silent = samples.length > 0 ? 0 : silent + 1;
      if (started) longest = Math.max(longest, silent);
    }
    decoder.close();
    // 32 kbit/s: 80 bytes a frame; a cluster would be 28 pushes.
    expect(longest).toBeLessThan(4);
  });

  it('refuses other codecs and bytes that are no container', async () => {
    const vorbis = await readFile(join(FORMATS, 'vorbis.ogg'));
    await expect(pushed(vorbis, 'ogg_opus', {}, () => 1000)).rejects.toMatchObject({
      code: 'audio_unsupported_codec',
    });
    const video = await readFile(join(FORMATS, 'video-only.webm'));
    await expect(pushed(video, 'webm_opus', {}, () => 1000)).rejects.toMatchObject({
      code: 'audio_no_track',
    });
    const zeros = new Uint8Array(4_000_000);
    await expect(pushed(zeros, 'webm_opus', {}, () => 5000)).rejects.toMatchObject({
      code: 'audio_unrecognized',
    });
  });
});
