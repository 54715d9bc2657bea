import { MalgwiError } from '../../errors.js';
import { sliceSource } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import type { AudioInfo } from '../contract.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { isResamplable } from '../resampler.js';
import { BYTES_PER_SAMPLE, decodeImaAdpcm, decodePcm } from './pcm.js';
import type { PcmEncoding } from './pcm.js';

/** RIFF WAVE, RIFX (big-endian), RF64 and BW64 (64-bit sizes; EBU Tech 3306, ITU-R BS.2088). */
const BLOCK_BYTES = 1 << 18;
const MAX_CHANNELS = 64;
/** Chunks before the data; more is an attack, not a recording. */
const MAX_CHUNKS = 1000;
/** Recorders that cannot seek back leave 0, 0xFFFFFFFF or something near 2 GB as the size of the data. */
const PLACEHOLDER_SIZE = 0x7ff0_0000;
/** Writers that miscount by less than this are forgiven. */
const FORGIVEN_SECONDS = 0.05;

const CODEC_NAMES: Readonly<Record<number, string>> = {
  0x0002: 'MS ADPCM',
  0x0031: 'GSM 6.10',
  0x0040: 'G.721 ADPCM',
  0x0050: 'MPEG audio layer 1 or 2',
  0x00ff: 'AAC',
  0x0160: 'Windows Media Audio',
  0x0161: 'Windows Media Audio',
  0x0162: 'Windows Media Audio',
  0x2000: 'AC-3',
  0x674f: 'Vorbis',
};

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly blockAlign: number;
  readonly bitsPerSample: number;
}

interface Layout {
  readonly format: Format;
  readonly bigEndian: boolean;
  readonly dataStart: number;
  /** One past the last byte that is there. */
  readonly dataEnd: number;
  /** Bytes the header promises, where it does. */
  readonly promised: number | undefined;
  /** Samples per channel, from the `fact` chunk. */
  readonly factFrames: number | undefined;
}

const corrupt = (detail: string): MalgwiError => new MalgwiError('audio_corrupt', { detail });
const ascii = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

function parseFormat(bytes: Uint8Array, little: boolean): Format {
  if (bytes.length < 16) throw corrupt('The wav format chunk is too short.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let tag = view.getUint16(0, little);
  // WAVE_FORMAT_EXTENSIBLE: the tag is the first field of the sub-format GUID.
  if (tag === 0xfffe) {
    if (bytes.length < 26) throw corrupt('The wav format chunk is too short.');
    tag = view.getUint16(24, little);
  }
  return {
    tag,
    channels: view.getUint16(2, little),
    sampleRate: view.getUint32(4, little),
    blockAlign: view.getUint16(12, little),
    bitsPerSample: view.getUint16(14, little),
  };
}

async function readLayout(source: ByteSource): Promise<Layout> {
  const head = await source.read(0, 12);
  const magic = ascii(head, 0);
  const bigEndian = magic === 'RIFX';
  const little = !bigEndian;
  const riffSize = new DataView(head.buffer, head.byteOffset).getUint32(4, little);
  let format: Format | undefined;
  let factFrames: number | undefined;
  let dataSize64: number | undefined;
  let position = 12;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const header = await source.read(position, 8);
    if (header.length < 8) {
      if (format === undefined) throw corrupt('The wav file has no format chunk.');
      throw new MalgwiError('audio_truncated', { detail: 'The wav file ends before its audio begins.' });
    }
    const id = ascii(header, 0);
    const size = new DataView(header.buffer, header.byteOffset).getUint32(4, little);
    const body = position + 8;
    if (id === 'data') {
      if (format === undefined) throw corrupt('The wav file has audio before its format chunk.');
      const present = source.size - body;
      const claimed = size === 0xffff_ffff && dataSize64 !== undefined ? dataSize64 : size;
      // A size of 0 is a placeholder unless the outer size agrees that nothing follows.
      const emptyOnPurpose = claimed === 0 && riffSize >= body - 8 && riffSize + 8 >= source.size - 1;
      const unknown =
        (claimed === 0 && !emptyOnPurpose) || (claimed >= PLACEHOLDER_SIZE && claimed > present);
      const promised = unknown && dataSize64 === undefined ? undefined : claimed;
      const dataEnd = promised === undefined ? source.size : Math.min(source.size, body + promised);
      return { format, bigEndian, dataStart: body, dataEnd, promised, factFrames };
    }
    if (id === 'fmt ' && size >= 16 && body + 16 > source.size) {
      throw new MalgwiError('audio_truncated', { detail: 'The wav file ends before its audio begins.' });
    }
    if (id === 'fmt ') format = parseFormat(await source.read(body, Math.min(size, 40)), little);
    if (id === 'fact' && size >= 4) {
      const fact = await source.read(body, 4);
      if (fact.length === 4) factFrames = new DataView(fact.buffer, fact.byteOffset).getUint32(0, little);
    }
    if (id === 'ds64' && size >= 24) {
      const ds64 = await source.read(body, 16);
      if (ds64.length === 16)
        dataSize64 = Number(new DataView(ds64.buffer, ds64.byteOffset).getBigUint64(8, little));
    }
    position = body + size + (size % 2);
  }
  throw corrupt('The wav file has too many chunks.');
}

function pcmEncoding(format: Format): PcmEncoding {
  const { tag, bitsPerSample, blockAlign, channels } = format;
  const unsupported = (detail: string): MalgwiError => new MalgwiError('audio_unsupported_codec', { detail });
  if (tag === 6) return 'alaw';
  if (tag === 7) return 'mulaw';
  // The container of a sample: 20 valid bits may stand in 3 or in 4 bytes.
  const least = Math.ceil(bitsPerSample / 8);
  const container = Number.isInteger(blockAlign / channels) ? Math.max(least, blockAlign / channels) : least;
  if (tag === 1 && bitsPerSample > 0) {
    const byBytes: Readonly<Record<number, PcmEncoding>> = {
      1: 'pcm_u8',
      2: 'pcm_s16',
      3: 'pcm_s24',
      4: 'pcm_s32',
    };
    const encoding = byBytes[container];
    if (encoding !== undefined) return encoding;
  }
  if (tag === 3 && (bitsPerSample === 32 || bitsPerSample === 64))
    return bitsPerSample === 32 ? 'pcm_f32' : 'pcm_f64';
  if (tag === 1 || tag === 3) throw unsupported(`The wav file has samples of ${String(bitsPerSample)} bits.`);
  const name = CODEC_NAMES[tag] ?? `codec 0x${tag.toString(16).padStart(4, '0')}`;
  throw unsupported(`The wav file holds ${name}, which is not supported.`);
}

/** `pcm_s16le` and so on, as ffmpeg names them. */
function codecName(encoding: PcmEncoding, bigEndian: boolean): string {
  if (BYTES_PER_SAMPLE[encoding] === 1) return encoding;
  return `${encoding}${bigEndian ? 'be' : 'le'}`;
}

/** Opens compressed data inside a wav file (MPEG layer 3); given by the caller so that formats do not know each other. */
export type OpenMp3 = (source: ByteSource) => Promise<FormatDecoder>;

/**
 * @throws MalgwiError audio_corrupt, audio_truncated (the header promises more than is there), audio_empty,
 * audio_unsupported_codec
 */
export async function openWav(source: ByteSource, openMp3: OpenMp3): Promise<FormatDecoder> {
  const layout = await readLayout(source);
  const { format, dataStart, dataEnd, promised, bigEndian } = layout;
  if (dataEnd <= dataStart) {
    if (promised === undefined || promised === 0) throw new MalgwiError('audio_empty');
    throw new MalgwiError('audio_truncated', { detail: 'The wav file ends before its audio begins.' });
  }
  if (format.tag === 0x55) {
    const inner = await openMp3(sliceSource(source, dataStart, dataEnd));
    return {
      info: { ...inner.info, container: 'wav' },
      blocks: () => inner.blocks(),
      close: () => inner.close(),
    };
  }
  const { channels, sampleRate } = format;
  if (channels < 1 || channels > MAX_CHANNELS)
    throw corrupt(`The wav file claims ${String(channels)} channels.`);
  if (!isResamplable(sampleRate))
    throw corrupt(`The wav file claims a sample rate of ${String(sampleRate)} Hz.`);

  if (format.tag === 0x11) return openImaAdpcm(source, layout);
  const encoding = pcmEncoding(format);
  const frameBytes = BYTES_PER_SAMPLE[encoding] * channels;
  const present = Math.floor((dataEnd - dataStart) / frameBytes);
  if (promised !== undefined) checkComplete(present, Math.floor(promised / frameBytes), sampleRate);
  if (present === 0) throw new MalgwiError('audio_empty');
  const info: AudioInfo = {
    container: 'wav',
    codec: codecName(encoding, bigEndian),
    sampleRate,
    channels,
    durationSeconds: present / sampleRate,
  };
  const step = Math.max(1, Math.min(sampleRate, Math.floor(BLOCK_BYTES / frameBytes))) * frameBytes;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    const end = dataStart + present * frameBytes;
    for (let at = dataStart; at < end; at += step) {
      const bytes = await source.read(at, Math.min(step, end - at));
      yield { channels: decodePcm(bytes, encoding, channels, bigEndian), sampleRate };
    }
  }
  return { info, blocks, close: () => undefined };
}

function checkComplete(presentFrames: number, promisedFrames: number, sampleRate: number): void {
  if (promisedFrames - presentFrames <= FORGIVEN_SECONDS * sampleRate) return;
  const seconds = (frames: number): string => (frames / sampleRate).toFixed(2);
  throw new MalgwiError('audio_truncated', {
    detail: `The audio ends after ${seconds(presentFrames)} s; its header promises ${seconds(promisedFrames)} s.`,
  });
}

function openImaAdpcm(source: ByteSource, layout: Layout): FormatDecoder {
  const { format, dataStart, dataEnd, promised, bigEndian, factFrames } = layout;
  const { channels, sampleRate, blockAlign } = format;
  const monoAlign = blockAlign / channels;
  if (bigEndian || monoAlign % 4 !== 0 || monoAlign < 8)
    throw corrupt('The wav file has no valid IMA ADPCM blocks.');
  const perBlock = (monoAlign - 4) * 2 + 1;
  const blockCount = Math.floor((dataEnd - dataStart) / blockAlign);
  if (promised !== undefined) {
    checkComplete(blockCount * perBlock, Math.floor(promised / blockAlign) * perBlock, sampleRate);
  }
  // The last block is padded; `fact` says how much of it counts. A fact chunk that claims more is not believed.
  const frames = Math.min(factFrames || Infinity, blockCount * perBlock);
  if (frames === 0) throw new MalgwiError('audio_empty');
  const info: AudioInfo = {
    container: 'wav',
    codec: 'adpcm_ima_wav',
    sampleRate,
    channels,
    durationSeconds: frames / sampleRate,
  };
  const step = Math.max(1, Math.floor(Math.min(sampleRate, 16_384) / perBlock)) * blockAlign;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    const end = dataStart + blockCount * blockAlign;
    let left = frames;
    for (let at = dataStart; at < end && left > 0; at += step) {
      const bytes = await source.read(at, Math.min(step, end - at));
      const decoded = decodeImaAdpcm(bytes, blockAlign, channels).map((channel) => channel.subarray(0, left));
      left -= decoded[0].length;
      yield { channels: decoded, sampleRate };
    }
  }
  return { info, blocks, close: () => undefined };
}
