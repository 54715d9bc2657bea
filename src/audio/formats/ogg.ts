import { MalgwiError } from '../../errors.js';
import { readAll } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import { OPUS_CLOCK, opusPacketSamples, OpusStream, parseOpusHead, refuseDamage } from '../codecs/opus.js';
import { OggParser } from '../containers/ogg.js';
import type { OggPacket } from '../containers/ogg.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { truncatedAfter } from '../truncated.js';

/** Each link sets a decoder up anew (2 ms, in 120 bytes): a day of radio has fewer songs. */
const MAX_LINKS = 500;

const startsWith = (data: Uint8Array, text: string): boolean =>
  data.length >= text.length && [...text].every((c, i) => data[i] === c.charCodeAt(0));

/**
 * Decodes the packets of Ogg/Opus (RFC 7845): the first Opus stream, and streams chained behind it. Made for files
 * and for live streams alike: packets in, samples out.
 */
export class OggOpusStream {
  #serial: number | undefined;
  #stream: OpusStream | undefined;
  /** Packets behind the first one that are no audio yet (the comments). */
  #headersLeft = 0;
  #decodedTo = 0;
  #packets = 0;
  #damaged = 0;
  channels = 0;
  inputSampleRate = OPUS_CLOCK;

  get started(): boolean {
    return this.#stream !== undefined;
  }

  async decode(packet: OggPacket): Promise<DecodedBlock | undefined> {
    if (packet.first && startsWith(packet.data, 'OpusHead') && (this.#serial === undefined || this.#ended)) {
      await this.#begin(packet);
      return undefined;
    }
    if (packet.serial !== this.#serial || this.#stream === undefined) return undefined;
    if (this.#headersLeft > 0) {
      this.#headersLeft--;
      return undefined;
    }
    // The last page may end within its last packet; only then is the position below what was decoded.
    const before = this.#decodedTo;
    const block = this.#stream.decode(packet.data, this.#keep(packet, before));
    this.#ended = packet.last;
    return block;
  }

  /** @throws MalgwiError audio_corrupt when most packets were damaged */
  finish(): void {
    this.#retire();
    refuseDamage(this.#packets, this.#damaged);
  }

  close(): void {
    this.#stream?.close();
  }

  #links = 0;
  #ended = false;
  #startGranule: number | undefined;

  #keep(packet: OggPacket, before: number): number {
    const samples = opusPacketSamples(packet.data);
    this.#decodedTo = before + samples;
    if (packet.granule === undefined || packet.granule < 0) return Infinity;
    if (!packet.last) {
      // Streams joined in the middle begin at a position above zero.
      this.#startGranule ??= Math.max(0, packet.granule - this.#decodedTo);
      return Infinity;
    }
    const total = packet.granule - (this.#startGranule ?? 0);
    const keep = total - before;
    return keep >= 0 && keep < samples ? keep : Infinity;
  }

  async #begin(packet: OggPacket): Promise<void> {
    const config = parseOpusHead(packet.data);
    if (++this.#links > MAX_LINKS) {
      throw new MalgwiError('audio_corrupt', { detail: 'The Ogg file is a chain of too many streams.' });
    }
    this.#retire();
    this.#stream = await OpusStream.create(config);
    this.#serial = packet.serial;
    this.#headersLeft = 1;
    this.#decodedTo = 0;
    this.#startGranule = undefined;
    this.#ended = false;
    this.channels ||= config.channels;
    this.inputSampleRate = config.inputSampleRate || OPUS_CLOCK;
  }

  #retire(): void {
    if (this.#stream === undefined) return;
    this.#packets += this.#stream.packets;
    this.#damaged += this.#stream.damagedPackets;
    this.#stream.close();
    this.#stream = undefined;
  }
}

/** How a logical stream's first packet names its codec. */
const CODECS: readonly { readonly magic: string; readonly codec: string; readonly audio: boolean }[] = [
  { magic: 'OpusHead', codec: 'opus', audio: true },
  { magic: '\x01vorbis', codec: 'vorbis', audio: true },
  { magic: '\x7fFLAC', codec: 'flac', audio: true },
  { magic: 'Speex   ', codec: 'Speex', audio: true },
  { magic: '\x80theora', codec: 'Theora', audio: false },
  { magic: 'OVP80', codec: 'VP8', audio: false },
  { magic: 'fishead\0', codec: 'Skeleton', audio: false },
];

/** Bytes looked at for the first packets, and at the end for the last position. */
const PROBE_BYTES = 1 << 17;
const READ_BYTES = 1 << 14;

/** A decoder for a whole Ogg byte stream of one codec, given as raw bytes. */
export type OpenOggBytes = (
  source: ByteSource,
  head: Uint8Array,
  codec: 'vorbis' | 'flac',
) => Promise<FormatDecoder>;

/**
 * @param openBytes opens Vorbis and FLAC, whose libraries take Ogg bytes as they are
 * @throws MalgwiError audio_no_track, audio_unsupported_codec, audio_corrupt
 */
export async function openOgg(source: ByteSource, openBytes: OpenOggBytes): Promise<FormatDecoder> {
  const parser = new OggParser();
  const packets: OggPacket[] = [];
  for (let at = 0; at < Math.min(source.size, PROBE_BYTES); at += READ_BYTES) {
    packets.push(...parser.push(await source.read(at, READ_BYTES)));
    if (packets.some((p) => !p.first)) break;
  }
  const firsts = packets.filter((p) => p.first);
  const known = firsts.map((packet) => ({
    packet,
    kind: CODECS.find((c) => startsWith(packet.data, c.magic)),
  }));
  const track = known.find((k) => k.kind?.audio);
  if (track?.kind === undefined) {
    if (firsts.length === 0)
      throw new MalgwiError('audio_corrupt', { detail: 'The Ogg file has no readable page.' });
    if (known.every((k) => k.kind !== undefined)) throw new MalgwiError('audio_no_track');
    throw new MalgwiError('audio_unsupported_codec', {
      detail: 'The Ogg file holds a codec that is not supported.',
    });
  }
  const { codec } = track.kind;
  if (codec === 'opus') return openOggOpus(source, track.packet);
  if (codec === 'vorbis' || codec === 'flac') return openBytes(source, track.packet.data, codec);
  throw new MalgwiError('audio_unsupported_codec', {
    detail: `The Ogg file holds ${codec}, which is not supported.`,
  });
}

async function openOggOpus(source: ByteSource, head: OggPacket): Promise<FormatDecoder> {
  const config = parseOpusHead(head.data);
  const last = await lastGranule(source, head.serial);
  const durationSeconds = last === undefined ? undefined : Math.max(0, (last - config.preSkip) / OPUS_CLOCK);
  const stream = new OggOpusStream();
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    const parser = new OggParser();
    let seconds = 0;
    for await (const bytes of readAll(source, READ_BYTES)) {
      for (const packet of parser.push(bytes)) {
        const block = await stream.decode(packet);
        if (block === undefined) continue;
        seconds += block.channels[0].length / block.sampleRate;
        yield block;
      }
    }
    stream.finish();
    if (parser.insidePage) throw truncatedAfter(seconds);
    if (parser.damagedPages > 0) {
      throw new MalgwiError('audio_corrupt', {
        detail: `${String(parser.damagedPages)} pages of the Ogg file are damaged.`,
      });
    }
  }
  return {
    info: {
      container: 'ogg',
      codec: 'opus',
      sampleRate: config.inputSampleRate || OPUS_CLOCK,
      channels: config.channels,
      ...(durationSeconds === undefined ? {} : { durationSeconds }),
    },
    blocks,
    close: () => stream.close(),
  };
}

/** Position on the last page of the stream, if it lies in the last {@link PROBE_BYTES}. A claim, not a fact. */
export async function lastGranule(source: ByteSource, serial: number): Promise<number | undefined> {
  const tail = await source.read(Math.max(0, source.size - PROBE_BYTES), PROBE_BYTES);
  const granules = new OggParser()
    .push(tail)
    .filter((p) => p.serial === serial && p.granule !== undefined && p.granule >= 0)
    .map((p) => p.granule!);
  return granules.at(-1);
}
