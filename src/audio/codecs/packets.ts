import { aacConfig, parseAudioSpecificConfig } from '../aac/decoder.js';
import type { DecodedBlock } from '../decoder.js';
import { parseStreamInfo } from '../formats/flac.js';
import { quietly } from '../quietly.js';
import { aacHeader, AacStream } from './aac.js';
import { OPUS_CLOCK, OpusStream, parseOpusHead, refuseDamage } from './opus.js';

/** Decodes the packets of one track of a container (MP4, WebM), in order. */
export interface PacketDecoder {
  /**
   * @param keepSeconds at most this much of the packet counts (the end of a track is trimmed)
   * @returns undefined while the decoder needs more
   */
  decode(packet: Uint8Array, keepSeconds?: number): Promise<DecodedBlock | undefined>;
  /** @throws MalgwiError audio_corrupt when most packets were damaged */
  finish(): void;
  close(): void;
}

/** What a container says about a track. */
export interface TrackConfig {
  readonly codec: 'opus' | 'aac' | 'mp3' | 'flac';
  readonly sampleRate: number;
  readonly channels: number;
  /** OpusHead, AudioSpecificConfig, or FLAC's header, whichever the codec has. */
  readonly description: Uint8Array | undefined;
}

/** @throws MalgwiError audio_corrupt, audio_unsupported_codec */
export async function createPacketDecoder(config: TrackConfig): Promise<PacketDecoder> {
  switch (config.codec) {
    case 'opus':
      return opusPackets(config);
    case 'mp3':
      return mp3Packets(config);
    case 'flac':
      return flacPackets(config);
    case 'aac':
      return aacPackets(config);
  }
}

function aacPackets(config: TrackConfig): PacketDecoder {
  const { description, sampleRate, channels } = config;
  const header = aacHeader(() =>
    description === undefined ? aacConfig(sampleRate, channels) : parseAudioSpecificConfig(description),
  );
  const stream = new AacStream(header);
  return {
    decode: (packet, keepSeconds) => Promise.resolve(trim(stream.decode(packet), keepSeconds)),
    finish: () => {
      stream.finish();
    },
    close: () => undefined,
  };
}

async function opusPackets(config: TrackConfig): Promise<PacketDecoder> {
  const head = config.description ?? defaultOpusHead(config.channels);
  const stream = await OpusStream.create(parseOpusHead(head));
  return {
    decode: (packet, keepSeconds) =>
      Promise.resolve(stream.decode(packet, keepSeconds === undefined ? Infinity : keepSeconds * OPUS_CLOCK)),
    finish: () => {
      refuseDamage(stream.packets, stream.damagedPackets);
    },
    close: () => {
      stream.close();
    },
  };
}

function defaultOpusHead(channels: number): Uint8Array {
  const head = new Uint8Array(19);
  head.set(Buffer.from('OpusHead'));
  head[8] = 1;
  head[9] = channels;
  return head;
}

function trim(block: DecodedBlock, keepSeconds: number | undefined): DecodedBlock {
  if (keepSeconds === undefined) return block;
  const keep = Math.max(0, Math.round(keepSeconds * block.sampleRate));
  return { ...block, channels: block.channels.map((channel) => channel.subarray(0, keep)) };
}

async function mp3Packets(config: TrackConfig): Promise<PacketDecoder> {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  let closed = false;
  return {
    decode: (packet, keepSeconds) => {
      const decoded = quietly(() => decoder.decode(packet));
      if (decoded.samplesDecoded === 0 || decoded.sampleRate === 0) return Promise.resolve(undefined);
      const channels = decoded.channelData.slice(0, Math.min(2, config.channels));
      return Promise.resolve(trim({ channels, sampleRate: decoded.sampleRate }, keepSeconds));
    },
    finish: () => undefined,
    close: () => {
      if (!closed) decoder.free();
      closed = true;
    },
  };
}

async function flacPackets(config: TrackConfig): Promise<PacketDecoder> {
  // A `dfLa` box or CodecPrivate holds metadata blocks, with or without the `fLaC` before them.
  const description = config.description ?? new Uint8Array(0);
  const at = description[0] === 0x66 ? 8 : 4;
  parseStreamInfo(description.subarray(at));
  const header = new Uint8Array(42);
  header.set([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, 34]);
  header.set(description.subarray(at, at + 34), 8);
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  await quietly(() => decoder.decodeFrames([header]));
  let closed = false;
  let packets = 0;
  let damaged = 0;
  return {
    decode: async (packet, keepSeconds) => {
      packets++;
      const decoded = await quietly(() => decoder.decodeFrames([packet]));
      if (decoded.errors.length > 0) damaged++;
      if (decoded.samplesDecoded === 0) return undefined;
      return trim({ channels: decoded.channelData, sampleRate: decoded.sampleRate }, keepSeconds);
    },
    finish: () => {
      refuseDamage(packets, damaged);
    },
    close: () => {
      if (!closed) decoder.free();
      closed = true;
    },
  };
}
