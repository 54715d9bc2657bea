import type { OpusDecoder as LibOpus } from 'opus-decoder';
import { MalgwiError } from '../../errors.js';
import { SAMPLE_RATE } from '../contract.js';
import type { DecodedBlock } from '../decoder.js';
import { quietly } from '../quietly.js';

/** Opus counts positions at 48 kHz, whatever it is decoded to. */
export const OPUS_CLOCK = 48_000;
const RATIO = OPUS_CLOCK / SAMPLE_RATE;
/** Longest packet RFC 6716 allows: 120 ms. */
const MAX_PACKET_SAMPLES = 5760;

export interface OpusConfig {
  readonly channels: number;
  /** Samples at 48 kHz to drop from the beginning. */
  readonly preSkip: number;
  readonly inputSampleRate: number;
  readonly streamCount: number;
  readonly coupledCount: number;
  readonly mapping: readonly number[];
}

/**
 * Parses the identification header of RFC 7845 (`OpusHead`), which WebM keeps as CodecPrivate.
 * @throws MalgwiError audio_corrupt
 */
export function parseOpusHead(data: Uint8Array): OpusConfig {
  const corrupt = (): MalgwiError =>
    new MalgwiError('audio_corrupt', { detail: 'The Opus header is damaged.' });
  if (data.length < 19 || String.fromCharCode(...data.subarray(0, 8)) !== 'OpusHead') throw corrupt();
  if ((data[8] & 0xf0) !== 0) throw corrupt();
  const channels = data[9];
  const preSkip = data[10] | (data[11] << 8);
  const inputSampleRate = new DataView(data.buffer, data.byteOffset).getUint32(12, true);
  const family = data[18];
  if (family === 0) {
    if (channels < 1 || channels > 2) throw corrupt();
    return {
      channels,
      preSkip,
      inputSampleRate,
      streamCount: 1,
      coupledCount: channels - 1,
      mapping: [0, 1].slice(0, channels),
    };
  }
  if (channels < 1 || channels > 8 || data.length < 21 + channels) throw corrupt();
  const [streamCount, coupledCount] = [data[19], data[20]];
  const mapping = [...data.subarray(21, 21 + channels)];
  const decoded = streamCount + coupledCount;
  if (streamCount < 1 || coupledCount > streamCount || mapping.some((m) => m !== 255 && m >= decoded))
    throw corrupt();
  return { channels, preSkip, inputSampleRate, streamCount, coupledCount, mapping };
}

/** Samples at 48 kHz in a packet, from its table-of-contents byte (RFC 6716, 3.1); 0 for a packet that is invalid. */
export function opusPacketSamples(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const config = packet[0] >> 3;
  const frame =
    config < 12
      ? [480, 960, 1920, 2880][config & 3]
      : config < 16
        ? [480, 960][config & 1]
        : [120, 240, 480, 960][config & 3];
  const code = packet[0] & 3;
  const count = code === 0 ? 1 : code < 3 ? 2 : packet.length > 1 ? packet[1] & 0x3f : 0;
  const samples = frame * count;
  return samples <= MAX_PACKET_SAMPLES ? samples : 0;
}

/**
 * libopus, decoding straight to 16 kHz: the decoder leaves out the bands above 8 kHz, which is band-limited by
 * construction and costs a third. A damaged packet becomes silence of its length.
 */
export class OpusStream {
  readonly #decoder: LibOpus<16000>;
  readonly #channels: number;
  #skip: number;
  #closed = false;
  packets = 0;
  damagedPackets = 0;

  private constructor(decoder: LibOpus<16000>, config: OpusConfig) {
    this.#decoder = decoder;
    this.#channels = config.channels;
    this.#skip = Math.round(config.preSkip / RATIO);
  }

  static async create(config: OpusConfig): Promise<OpusStream> {
    const { OpusDecoder } = await import('opus-decoder');
    const decoder = new OpusDecoder({
      sampleRate: SAMPLE_RATE,
      channels: config.channels,
      streamCount: config.streamCount,
      coupledStreamCount: config.coupledCount,
      channelMappingTable: [...config.mapping],
      preSkip: 0,
    });
    await decoder.ready;
    return new OpusStream(decoder, config);
  }

  /**
   * Decodes one packet.
   * @param keep at most this many samples at 48 kHz (the end of a stream is trimmed)
   */
  decode(packet: Uint8Array, keep = Infinity): DecodedBlock {
    this.packets++;
    const expected = opusPacketSamples(packet) / RATIO;
    const decoded = this.#decodePacket(packet);
    let channels: readonly Float32Array[];
    if (decoded === undefined) {
      this.damagedPackets++;
      channels = Array.from({ length: this.#channels }, () => new Float32Array(expected));
    } else channels = decoded;
    const length = channels[0]?.length ?? 0;
    const end = Math.max(0, Math.min(length, Math.round(keep / RATIO)));
    const start = Math.min(this.#skip, length);
    this.#skip -= start;
    return { channels: channels.map((c) => c.subarray(Math.min(start, end), end)), sampleRate: SAMPLE_RATE };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decoder.free();
  }

  #decodePacket(packet: Uint8Array): readonly Float32Array[] | undefined {
    // opus-decoder's input buffer holds 3840 bytes a channel.
    if (opusPacketSamples(packet) === 0 || packet.length > 3840 * this.#channels) return undefined;
    const result = quietly(() => this.#decoder.decodeFrame(packet));
    return result.errors.length > 0 || result.samplesDecoded === 0 ? undefined : result.channelData;
  }
}

/** @throws MalgwiError audio_corrupt when most packets of a stream were damaged */
export function refuseDamage(packets: number, damaged: number): void {
  if (damaged > 2 && damaged > packets / 4) {
    throw new MalgwiError('audio_corrupt', {
      detail: `${String(damaged)} of ${String(packets)} packets of the audio are damaged.`,
    });
  }
}
