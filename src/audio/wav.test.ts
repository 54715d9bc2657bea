import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { openAudioFile } from './index.js';
import type { AudioInfo } from './index.js';
import { decodePcm } from './formats/pcm.js';
import type { PcmEncoding } from './formats/pcm.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-wav-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function decode(bytes: Uint8Array): Promise<{ info: AudioInfo; samples: number[] }> {
  const path = join(folder, 'a.bin');
  await writeFile(path, bytes);
  const audio = await openAudioFile(path);
  const samples: number[] = [];
  for await (const chunk of audio.chunks()) for (const v of chunk) samples.push(v);
  return { info: audio.info, samples };
}

const LENGTH = 20_000;
const tone = Array.from({ length: LENGTH }, (_, i) => 0.5 * Math.sin(i * 0.05) + 0.2 * Math.sin(i * 0.31));

/** The tone in the integer or float range of a depth, as wavefile wants it. */
function scaled(depth: string, samples: readonly number[]): Float64Array {
  if (depth === '32f' || depth === '64') return Float64Array.from(samples);
  if (depth === '8') return Float64Array.from(samples, (v) => Math.round(128 + v * 127));
  const bits = ['8a', '8m', '4'].includes(depth) ? 16 : Number(depth);
  return Float64Array.from(samples, (v) => Math.round(v * (2 ** (bits - 1) - 1)));
}

function make(depth: string, container: 'RIFF' | 'RIFX' = 'RIFF', channels = 1, rate = 16_000): Uint8Array {
  const wav = new wavefile.WaveFile();
  const compressed: Record<string, () => void> = {
    '8a': () => wav.toALaw(),
    '8m': () => wav.toMuLaw(),
    '4': () => wav.toIMAADPCM(),
  };
  const data = scaled(depth, tone);
  const samples = channels === 1 ? data : Array.from({ length: channels }, () => data);
  wav.fromScratch(channels, rate, depth in compressed ? '16' : depth, samples, { container });
  compressed[depth]?.();
  return wav.toBuffer();
}

/** depth, codec, largest error: half a step of the depth, or what the companding and ADPCM lose. */
const DEPTHS: readonly (readonly [string, string, number])[] = [
  ['8', 'pcm_u8', 0.012],
  ['16', 'pcm_s16le', 5e-5],
  ['24', 'pcm_s24le', 5e-7],
  ['32', 'pcm_s32le', 1e-7],
  ['32f', 'pcm_f32le', 1e-7],
  ['64', 'pcm_f64le', 1e-7],
  ['8m', 'mulaw', 0.02],
  ['8a', 'alaw', 0.02],
];

describe('wav', () => {
  it.each(DEPTHS)('depth %s', async (depth, codec, error) => {
    const { info, samples } = await decode(make(depth));
    expect(info).toEqual({ container: 'wav', codec, sampleRate: 16_000, channels: 1, durationSeconds: 1.25 });
    expect(samples).toHaveLength(LENGTH);
    expect(Math.max(...samples.map((v, i) => Math.abs(v - tone[i])))).toBeLessThan(error);
  });

  it.each(['16', '24', '32', '32f', '64'])('big-endian (RIFX), depth %s', async (depth) => {
    const { info, samples } = await decode(make(depth, 'RIFX'));
    expect(info.codec).toMatch(/be$/);
    expect(Math.max(...samples.map((v, i) => Math.abs(v - tone[i])))).toBeLessThan(1e-4);
  });

  it.each([
    ['24', 1, 'pcm_s24le'],
    ['32f', 3, 'pcm_f32le'],
  ])('WAVE_FORMAT_EXTENSIBLE with six channels, depth %s', async (depth, tag, codec) => {
    const plain = Buffer.from(make(depth, 'RIFF', 6));
    const data = plain.indexOf('data');
    const format = Buffer.alloc(48);
    format.write('fmt ', 0);
    format.writeUInt32LE(40, 4);
    plain.copy(format, 8, 20, 36);
    format.writeUInt16LE(0xfffe, 8);
    format.writeUInt16LE(22, 24);
    format.writeUInt16LE(Number.parseInt(depth, 10), 26);
    format.writeUInt32LE(0x3f, 28);
    format.writeUInt16LE(tag, 32);
    format.set(Buffer.from('000000001000800000aa00389b71', 'hex'), 34);
    const { info, samples } = await decode(
      Buffer.concat([plain.subarray(0, 12), format, plain.subarray(data)]),
    );
    expect(info).toMatchObject({ channels: 6, codec });
    expect(Math.max(...samples.map((v, i) => Math.abs(v - tone[i])))).toBeLessThan(1e-6);
  });

  it('IMA ADPCM', async () => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, 8000, '16', scaled('16', tone.slice(0, 8080)));
    wav.toIMAADPCM();
    const { info, samples } = await decode(wav.toBuffer());
    expect(info.codec).toBe('adpcm_ima_wav');
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = 200; i < 7500; i++) {
      xy += samples[2 * i] * tone[i];
      xx += samples[2 * i] ** 2;
      yy += tone[i] ** 2;
    }
    // wavefile's encoder leaves out two samples in each block; ffmpeg's file in formats.test.ts holds the closer bound.
    expect(xy / Math.sqrt(xx * yy)).toBeGreaterThan(0.95);
  });

  it.each([
    ['24', 'pcm_s24'],
    ['32', 'pcm_s32'],
    ['32f', 'pcm_f32'],
    ['64', 'pcm_f64'],
    ['16', 'pcm_s16'],
    ['8', 'pcm_u8'],
  ] as const)('reads depth %s bit for bit as wavefile does', (depth, encoding: PcmEncoding) => {
    const wav = new wavefile.WaveFile(make(depth));
    const expected = wav.getSamples(true) as unknown as Float64Array;
    const bytes = (wav.data as { samples: Uint8Array }).samples;
    const [decoded] = decodePcm(bytes, encoding, 1);
    const scale =
      { pcm_u8: 128, pcm_s16: 2 ** 15, pcm_s24: 2 ** 23, pcm_s32: 2 ** 31 }[encoding as string] ?? 1;
    const zero = encoding === 'pcm_u8' ? 128 : 0;
    expect([...decoded]).toEqual([...Float32Array.from(expected, (v) => (v - zero) / scale)]);
  });

  it('mixes channels to their mean', async () => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(2, 16_000, '16', [Float64Array.of(16_384, 0, -8192), Float64Array.of(0, 8192, -8192)]);
    expect((await decode(wav.toBuffer())).samples).toEqual([0.25, 0.125, -0.25]);
  });
});

describe('wav headers that are not what they should be', () => {
  const patched = (offset: number, value: number, bytes = make('16')): Buffer => {
    const out = Buffer.from(bytes);
    out.writeUInt32LE(value, offset);
    return out;
  };

  it.each([0, 0xffff_ffff, 0x7fff_f000, 0x8000_0000])('a streamed file with size %i', async (size) => {
    const bytes = patched(40, size);
    bytes.writeUInt32LE(size === 0 ? 36 : size, 4);
    const { samples } = await decode(size === 0 ? patched(4, 0, bytes) : bytes);
    expect(samples).toHaveLength(LENGTH);
  });

  it('no samples at all', async () => {
    const empty = Buffer.from(make('16').subarray(0, 44));
    empty.writeUInt32LE(36, 4);
    empty.writeUInt32LE(0, 40);
    await expect(decode(empty)).rejects.toMatchObject({ code: 'audio_empty' });
    const list = Buffer.concat([empty, Buffer.from('LIST\x04\0\0\0INFO', 'latin1')]);
    list.writeUInt32LE(48, 4);
    await expect(decode(list)).rejects.toMatchObject({ code: 'audio_empty' });
  });

  it('cut off: says how much was there', async () => {
    const error: unknown = await decode(make('16').subarray(0, 44 + 16_000)).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'audio_truncated',
      message: 'The audio ends after 0.50 s; its header promises 1.25 s.',
    });
    await expect(decode(make('16').subarray(0, 30))).rejects.toMatchObject({ code: 'audio_truncated' });
  });

  it('RF64 with 64-bit sizes', async () => {
    const riff = Buffer.from(make('16'));
    const ds64 = Buffer.alloc(36);
    ds64.write('ds64', 0);
    ds64.writeUInt32LE(28, 4);
    ds64.writeBigUInt64LE(BigInt(riff.length + 28), 8);
    ds64.writeBigUInt64LE(BigInt(LENGTH * 2), 16);
    const rf64 = Buffer.concat([riff.subarray(0, 12), ds64, riff.subarray(12)]);
    rf64.write('RF64', 0);
    rf64.writeUInt32LE(0xffff_ffff, 4);
    rf64.writeUInt32LE(0xffff_ffff, 40 + 36);
    expect((await decode(rf64)).samples).toHaveLength(LENGTH);
    await expect(decode(rf64.subarray(0, 20_000))).rejects.toMatchObject({ code: 'audio_truncated' });
  });

  it('chunks before and behind the audio, odd sizes included', async () => {
    const riff = Buffer.from(make('16'));
    const junk = Buffer.from('bext\x05\0\0\0hello\0', 'latin1');
    const bytes = Buffer.concat([
      riff.subarray(0, 12),
      junk,
      riff.subarray(12),
      Buffer.from('LIST\x04\0\0\0INFO', 'latin1'),
    ]);
    const { samples } = await decode(bytes);
    expect(samples).toHaveLength(LENGTH);
    expect(samples[100]).toBeCloseTo(tone[100], 4);
  });

  it.each([
    ['no channels', 22, 0x0000_0000],
    ['a rate of zero', 24, 0],
    ['a rate of four billion', 24, 0xffff_ffff],
  ])('%s', async (_name, offset, value) => {
    const bytes = Buffer.from(make('16'));
    if (offset === 22) bytes.writeUInt16LE(value, offset);
    else bytes.writeUInt32LE(value, offset);
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'audio_corrupt' });
  });

  it('a flood of chunks, or none', async () => {
    const head = Buffer.from(make('16').subarray(0, 12));
    const flood = Buffer.concat([head, ...Array.from({ length: 5000 }, () => Buffer.from('junk\0\0\0\0'))]);
    await expect(decode(flood)).rejects.toMatchObject({ code: 'audio_corrupt' });
    await expect(decode(head)).rejects.toMatchObject({ code: 'audio_corrupt' });
  });

  it('NaN and infinities become silence, a file of nothing else is refused', async () => {
    const wav = Buffer.from(make('32f'));
    const data = wav.indexOf('data') + 8;
    wav.writeFloatLE(NaN, data + 400);
    wav.writeFloatLE(Infinity, data + 404);
    wav.writeFloatLE(-1e30, data + 408);
    const { samples } = await decode(wav);
    expect(samples.slice(100, 103)).toEqual([0, 0, -4]);
    expect(samples[103]).toBeCloseTo(tone[103], 6);
    for (let at = data; at + 4 <= wav.length; at += 4) wav.writeFloatLE(NaN, at);
    await expect(decode(wav)).rejects.toMatchObject({ code: 'audio_corrupt' });
  });
});
