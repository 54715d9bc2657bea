/** What the first bytes of a stream say it is, for protocols that let their clients send whatever they have. */
import type { LiveEncoding } from '../../audio/contract.js';
import { MalgwiError } from '../../errors.js';

export interface Sniffed {
  readonly encoding: LiveEncoding;
  readonly sampleRate: number;
  readonly channels: number;
  /** Bytes of header before the audio; containers keep theirs. */
  readonly skip: number;
}

/** A WAV header longer than this is none: some programs put tags before the audio, none puts a megabyte. */
const MAX_WAV_HEADER = 64 * 1024;
const OPUS_RATE = 48_000;
const WAV_FORMATS: Readonly<Record<string, LiveEncoding>> = {
  '1/16': 'pcm_s16le',
  '3/32': 'pcm_f32le',
  '6/8': 'alaw',
  '7/8': 'mulaw',
};

const ascii = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

export const startsLikeWav = (bytes: Uint8Array): boolean => 'RIFF'.startsWith(ascii(bytes, 0, 4));

/**
 * WebM, Ogg or WAV (RIFF as in Microsoft's "Multimedia Programming Interface and Data Specifications 1.0").
 * @returns undefined while the bytes are too few to tell
 * @throws MalgwiError unsupported_encoding
 */
export function sniff(bytes: Uint8Array): Sniffed | undefined {
  if (bytes.length < 4) return undefined;
  const opus = { sampleRate: OPUS_RATE, channels: 1, skip: 0 };
  if (bytes[0] === 0x1a && bytes[1] === 0x45 && bytes[2] === 0xdf && bytes[3] === 0xa3) {
    return { encoding: 'webm_opus', ...opus };
  }
  const magic = ascii(bytes, 0, 4);
  if (magic === 'OggS') return { encoding: 'ogg_opus', ...opus };
  if (magic === 'RIFF') return sniffWav(bytes);
  throw new MalgwiError('unsupported_encoding', {
    detail: 'The audio is neither WebM, Ogg nor WAV: raw audio needs encoding and sample_rate.',
    param: 'encoding',
  });
}

/** @see sniff */
export function sniffWav(bytes: Uint8Array): Sniffed | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: { key: string; sampleRate: number; channels: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = ascii(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name === 'data') {
      const encoding = format === undefined ? undefined : WAV_FORMATS[format.key];
      if (format === undefined || encoding === undefined) throw unknownWav();
      const { sampleRate, channels } = format;
      return { encoding, sampleRate, channels, skip: body };
    }
    if (name === 'fmt ') {
      if (body + 16 > bytes.length) return undefined;
      // WAVE_FORMAT_EXTENSIBLE holds the real format in the first bytes of its GUID.
      const tag = view.getUint16(body, true);
      if (tag === 0xfffe && body + 26 > bytes.length) return undefined;
      const kind = tag === 0xfffe && length >= 26 ? view.getUint16(body + 24, true) : tag;
      format = {
        key: `${kind}/${view.getUint16(body + 14, true)}`,
        channels: view.getUint16(body + 2, true),
        sampleRate: view.getUint32(body + 4, true),
      };
      const { channels, sampleRate } = format;
      if (channels < 1 || channels > 8 || sampleRate < 8000 || sampleRate > 96_000) throw unknownWav();
    }
    at = body + length + (length & 1);
    if (at > MAX_WAV_HEADER) throw unknownWav();
  }
  return undefined;
}

const unknownWav = (): MalgwiError =>
  new MalgwiError('unsupported_encoding', {
    detail: 'The WAV header is not one of 16-bit PCM, 32-bit float, mu-law or A-law, 8 to 96 kHz.',
  });
