import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAudioFile } from './index.js';
import type { AudioInfo, OpenAudioOptions } from './index.js';

const CLIPS = fileURLToPath(new URL('../../test-audio/', import.meta.url));
const FORMATS = join(CLIPS, 'formats');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-formats-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function decode(
  path: string,
  options?: OpenAudioOptions,
): Promise<{ info: AudioInfo; samples: Float32Array }> {
  const audio = await openAudioFile(path, options);
  const chunks: Float32Array[] = [];
  for await (const chunk of audio.chunks()) {
    expect(chunk.length).toBeLessThanOrEqual(16_000);
    chunks.push(chunk);
  }
  const samples = new Float32Array(chunks.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    samples.set(chunk, at);
    at += chunk.length;
  }
  return { info: audio.info, samples };
}

/** Decodes bytes under a name that says nothing true. */
async function decodeBytes(bytes: Uint8Array, options?: OpenAudioOptions): ReturnType<typeof decode> {
  const path = join(folder, 'upload.txt');
  await writeFile(path, bytes);
  return decode(path, options);
}

/** Normalised correlation of `x` delayed by `lag` with `y`. */
function correlation(x: Float32Array, y: Float32Array, lag: number): number {
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    const value = x[i + lag] ?? 0;
    xy += value * y[i];
    xx += value * value;
    yy += y[i] * y[i];
  }
  return xy / Math.sqrt(xx * yy);
}

/** name, container, codec, least correlation, delay in samples at 16 kHz (AAC without an edit list keeps 1024). */
const CASES: readonly (readonly [string, string, string, number, number])[] = [
  ['flac.flac', 'flac', 'flac', 0.999, 0],
  ['flac-stereo.flac', 'flac', 'flac', 0.999, 0],
  ['flac-cover.flac', 'flac', 'flac', 0.99999, 0],
  ['flac.ogg', 'ogg', 'flac', 0.99999, 0],
  ['flac.mp4', 'mp4', 'flac', 0.99999, 0],
  ['mp3.mp3', 'mp3', 'mp3', 0.98, 0],
  ['mp3-stereo-id3.mp3', 'mp3', 'mp3', 0.98, 0],
  ['mp3.mp4', 'mp4', 'mp3', 0.98, 0],
  ['opus.ogg', 'ogg', 'opus', 0.97, 0],
  ['opus-stereo.ogg', 'ogg', 'opus', 0.97, 0],
  ['opus.webm', 'webm', 'opus', 0.97, 0],
  ['opus-live.webm', 'webm', 'opus', 0.97, 0],
  ['opus.mp4', 'mp4', 'opus', 0.97, 0],
  ['vorbis.ogg', 'ogg', 'vorbis', 0.98, 0],
  ['aac.m4a', 'mp4', 'aac', 0.98, 0],
  ['aac-16k.m4a', 'mp4', 'aac', 0.97, 0],
  ['aac-cover.m4a', 'mp4', 'aac', 0.98, 0],
  ['aac-stereo-fragmented.mp4', 'mp4', 'aac', 0.98, Math.round((1024 / 48_000) * 16_000)],
  ['aac.aac', 'aac', 'aac', 0.95, Math.round((1024 / 44_100) * 16_000)],
  ['adpcm-stereo.wav', 'wav', 'adpcm_ima_wav', 0.995, 0],
];

describe('every format against the wav it was made from', () => {
  let reference = new Float32Array(0);
  beforeAll(async () => {
    reference = (await decode(join(FORMATS, 'reference.wav'))).samples as Float32Array<ArrayBuffer>;
  });

  it.each(CASES)('%s', async (name, container, codec, least, delay) => {
    const { info, samples } = await decode(join(FORMATS, name));
    expect(info).toMatchObject({ container, codec });
    expect(correlation(samples, reference, delay)).toBeGreaterThan(least);
    // A codec's own delay or padding at most.
    expect(Math.abs(samples.length - reference.length)).toBeLessThanOrEqual(delay === 0 ? 240 : 700);
    if (info.durationSeconds !== undefined && container !== 'mp3') {
      expect(info.durationSeconds).toBeCloseTo(reference.length / 16_000, 1);
    }
  });

  it('works under a wrong name, with tags and garbage around', async () => {
    const mp3 = await readFile(join(FORMATS, 'mp3.mp3'));
    const garbage = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 73) % 251));
    const v1 = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125, 0x20)]);
    const { info, samples } = await decodeBytes(Buffer.concat([garbage, mp3, v1]));
    expect(info.container).toBe('mp3');
    expect(correlation(samples, reference, 0)).toBeGreaterThan(0.98);

    const id3 = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x10\0', 'latin1'), Buffer.alloc(2048)]);
    const flac = await readFile(join(FORMATS, 'flac-cover.flac'));
    const tagged = await decodeBytes(Buffer.concat([id3, flac]));
    expect(correlation(tagged.samples, reference, 0)).toBeGreaterThan(0.99999);
  });

  it('reads MP3 inside a wav file', async () => {
    const mp3 = await readFile(join(FORMATS, 'mp3.mp3'));
    const head = Buffer.alloc(44);
    head.write('RIFF', 0);
    head.writeUInt32LE(36 + mp3.length, 4);
    head.write('WAVEfmt ', 8);
    head.writeUInt32LE(16, 16);
    head.writeUInt16LE(0x55, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt32LE(44_100, 24);
    head.write('data', 36);
    head.writeUInt32LE(mp3.length, 40);
    const { info, samples } = await decodeBytes(Buffer.concat([head, mp3]));
    expect(info).toMatchObject({ container: 'wav', codec: 'mp3' });
    expect(correlation(samples, reference, 0)).toBeGreaterThan(0.98);
  });

  it('plays chained Ogg streams one after the other', async () => {
    const opus = await readFile(join(FORMATS, 'opus.ogg'));
    const { samples } = await decodeBytes(Buffer.concat([opus, opus]));
    expect(samples.length).toBeCloseTo(2 * reference.length, -2);
    expect(correlation(samples.subarray(samples.length / 2), reference, 0)).toBeGreaterThan(0.95);
  });

  it('reads every clip of the manifest', async () => {
    const manifest = await readFile(join(CLIPS, 'manifest.jsonl'), 'utf8');
    for (const line of manifest.trim().split('\n')) {
      const { audio } = JSON.parse(line) as { audio: string };
      const { samples } = await decode(join(CLIPS, audio));
      const rms = Math.sqrt(samples.reduce((sum, v) => sum + v * v, 0) / samples.length);
      expect(samples.length / 16_000, audio).toBeGreaterThan(1.8);
      expect(rms, audio).toBeGreaterThan(0.02);
    }
  });
});

describe('what is refused', () => {
  const refused = async (bytes: Uint8Array, options?: OpenAudioOptions): Promise<unknown> =>
    decodeBytes(bytes, options).then(
      () => 'no error',
      (error: unknown) => error,
    );

  it.each([
    ['text', Buffer.from('자리 예약해 줘\n'.repeat(100))],
    ['a web page', Buffer.from('<!doctype html><html><body>hello</body></html>')],
    ['a zip archive', Buffer.from('PK\x03\x04\x14\0\0\0\x08\0', 'latin1')],
    ['a PNG picture', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')],
    ['a PDF document', Buffer.from('%PDF-1.7\n%....')],
    ['an AVI video', Buffer.from('RIFF\x24\0\0\0AVI LIST', 'latin1')],
    [
      'noise',
      Buffer.from(Array.from({ length: 100_000 }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 13) & 255)),
    ],
    ['one byte', Buffer.from([0])],
  ])('%s', async (name, bytes) => {
    const error = await refused(bytes);
    expect(error).toMatchObject({ code: 'audio_unrecognized' });
    if (name.includes(' ') && name !== 'one byte') expect((error as Error).message).toContain(name);
  });

  it('an empty file', async () => {
    expect(await refused(new Uint8Array(0))).toMatchObject({ code: 'audio_empty' });
  });

  it('files without an audio track, and codecs that are not supported, by name', async () => {
    await expect(decode(join(FORMATS, 'video-only.mp4'))).rejects.toMatchObject({ code: 'audio_no_track' });
    await expect(decode(join(FORMATS, 'video-only.webm'))).rejects.toMatchObject({ code: 'audio_no_track' });
    const codec = { code: 'audio_unsupported_codec' };
    await expect(decode(join(FORMATS, 'alac.m4a'))).rejects.toMatchObject({
      ...codec,
      message: expect.stringContaining('alac') as string,
    });
    await expect(decode(join(FORMATS, 'adpcm-ms.wav'))).rejects.toMatchObject({
      ...codec,
      message: expect.stringContaining('MS ADPCM') as string,
    });
  });

  it.each([
    'reference.wav',
    'flac.flac',
    'mp3.mp3',
    'aac.m4a',
    'aac-16k.m4a',
    'opus.ogg',
    'opus.webm',
    'vorbis.ogg',
  ])('%s cut in the middle, with the seconds that were there', async (name) => {
    const whole = await readFile(join(FORMATS, name));
    const error = await refused(whole.subarray(0, Math.floor(whole.length * 0.6)));
    expect(error).toMatchObject({ code: 'audio_truncated' });
    expect((error as Error).message).toMatch(/ends after \d\.\d\d s/);
  });

  it('a chain of Ogg streams without end', async () => {
    const whole = await readFile(join(FORMATS, 'opus.ogg'));
    const second = whole.indexOf('OggS', 4);
    const third = whole.indexOf('OggS', second + 4);
    const last = whole.lastIndexOf('OggS');
    // Header, comments, and the last page, which ends its stream.
    const link = Buffer.concat([whole.subarray(0, third), whole.subarray(last)]);
    expect(await refused(Buffer.concat(Array.from({ length: 600 }, () => link)))).toMatchObject({
      code: 'audio_corrupt',
    });
  });

  it('audio longer than allowed, by its header or while it is decoded', async () => {
    for (const name of ['reference.wav', 'flac.flac', 'aac.aac', 'opus-live.webm', 'mp3.mp3']) {
      const path = join(FORMATS, name);
      await expect(decode(path, { maxSeconds: 1 }), name).rejects.toMatchObject({ code: 'audio_too_long' });
      await expect(decode(path, { maxSeconds: 3 }), name).resolves.toBeDefined();
    }
  });

  it('a path that cannot be opened, without telling it', async () => {
    for (const path of [join(folder, 'secret-name.wav'), folder]) {
      const error = await openAudioFile(path).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'missing_file' });
      expect((error as Error).message).not.toContain(folder);
    }
  });

  it('stops when the signal says so, and frees everything on close', async () => {
    const abort = new AbortController();
    const audio = await openAudioFile(join(CLIPS, 'dialogue.wav'), { signal: abort.signal });
    const read = (async () => {
      for await (const _ of audio.chunks()) abort.abort();
    })();
    await expect(read).rejects.toMatchObject({ code: 'cancelled' });
    await audio.close();

    const early = await openAudioFile(join(FORMATS, 'flac.flac'));
    for await (const _ of early.chunks()) break;
    await early.close();
    await early.close();
  });

  it('says nothing on the console about damage', async () => {
    const spies = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn'), vi.spyOn(console, 'log')];
    for (const name of ['mp3.mp3', 'opus.ogg', 'flac.flac', 'vorbis.ogg', 'alac.m4a']) {
      const bytes = Buffer.from(await readFile(join(FORMATS, name)));
      for (let at = 4000; at < bytes.length; at += 97) bytes[at] ^= 0x55;
      await refused(bytes);
    }
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });

  it('reads raw samples only when told what they are', async () => {
    const wav = await readFile(join(FORMATS, 'reference.wav'));
    const pcm = wav.subarray(44);
    const { info, samples } = await decodeBytes(pcm, {
      raw: { encoding: 'pcm_s16le', sampleRate: 16_000, channels: 1 },
    });
    expect(info).toMatchObject({ container: 'raw', codec: 'pcm_s16le' });
    expect(samples[1000]).toBe(pcm.readInt16LE(2000) / 32_768);
    expect(samples.length).toBe(pcm.length / 2);
    const wrong = { encoding: 'pcm_s16le', sampleRate: 0, channels: 1 } as const;
    expect(await refused(pcm, { raw: wrong })).toMatchObject({ code: 'invalid_field' });
  });
});
