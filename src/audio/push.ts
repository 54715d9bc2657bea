import { MalgwiError } from '../errors.js';
import { createPacketDecoder } from './codecs/packets.js';
import type { PacketDecoder, TrackConfig } from './codecs/packets.js';
import { ByteQueue } from './containers/byte-queue.js';
import { OggParser } from './containers/ogg.js';
import { WebmParser } from './containers/webm.js';
import type { WebmFrame } from './containers/webm.js';
import { SAMPLE_RATE } from './contract.js';
import type { LiveEncoding, PushDecoder } from './contract.js';
import type { DecodedBlock } from './decoder.js';
import { OggOpusStream } from './formats/ogg.js';
import { BYTES_PER_SAMPLE, decodePcm } from './formats/pcm.js';
import { RAW_ENCODINGS } from './formats/raw.js';
import { decodeWebmFrame, webmAudioTrack } from './formats/webm.js';
import { toMono } from './mono.js';
import { createResampler } from './resampler.js';
import type { Resampler } from './resampler.js';
import { asAudioError } from './stream.js';

/** Bytes in any split to blocks; what one format of live audio is. */
interface BlockSource {
  push(bytes: Uint8Array): Promise<DecodedBlock[]>;
  flush(): Promise<DecodedBlock[]>;
  close(): void;
}

class PushPipeline implements PushDecoder {
  readonly #source: BlockSource;
  #resampler: { readonly rate: number; readonly resampler: Resampler } | undefined;
  #state: 'open' | 'flushed' | 'closed' = 'open';

  constructor(source: BlockSource) {
    this.#source = source;
  }

  async push(bytes: Uint8Array): Promise<Float32Array> {
    this.#expectOpen();
    return this.#run(() => this.#source.push(bytes), false);
  }

  async flush(): Promise<Float32Array> {
    this.#expectOpen();
    this.#state = 'flushed';
    try {
      return await this.#run(() => this.#source.flush(), true);
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#resampler?.resampler.close();
    this.#source.close();
  }

  #expectOpen(): void {
    if (this.#state !== 'open') throw new Error('the decoder is done');
  }

  async #run(read: () => Promise<DecodedBlock[]>, last: boolean): Promise<Float32Array> {
    try {
      const out: Float32Array[] = [];
      for (const block of await read()) {
        if ((block.channels[0]?.length ?? 0) === 0) continue;
        if (this.#resampler?.rate !== block.sampleRate) {
          this.#flushResampler(out);
          this.#resampler = { rate: block.sampleRate, resampler: await createResampler(block.sampleRate) };
        }
        out.push(this.#resampler.resampler.process(toMono(block).samples));
      }
      if (last) this.#flushResampler(out);
      return concat(out);
    } catch (error) {
      throw asAudioError(error);
    }
  }

  #flushResampler(out: Float32Array[]): void {
    const current = this.#resampler;
    this.#resampler = undefined;
    if (current === undefined) return;
    out.push(current.resampler.flush());
    current.resampler.close();
  }
}

function concat(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Most bytes of raw audio taken in by one push; a socket's messages are limited below this. */
const MAX_PUSH = 1 << 24;

class RawBlocks implements BlockSource {
  readonly #queue = new ByteQueue(MAX_PUSH);
  readonly #encoding: keyof typeof RAW_ENCODINGS;
  readonly #sampleRate: number;
  readonly #channels: number;

  constructor(encoding: keyof typeof RAW_ENCODINGS, sampleRate: number, channels: number) {
    this.#encoding = encoding;
    this.#sampleRate = sampleRate;
    this.#channels = channels;
  }

  push(bytes: Uint8Array): Promise<DecodedBlock[]> {
    this.#queue.push(bytes);
    const encoding = RAW_ENCODINGS[this.#encoding];
    const frameBytes = BYTES_PER_SAMPLE[encoding] * this.#channels;
    const whole = this.#queue.length - (this.#queue.length % frameBytes);
    if (whole === 0) return Promise.resolve([]);
    const channels = decodePcm(this.#queue.take(whole), encoding, this.#channels);
    return Promise.resolve([{ channels, sampleRate: this.#sampleRate }]);
  }

  // Bytes of an unfinished frame are no sample.
  flush(): Promise<DecodedBlock[]> {
    return Promise.resolve([]);
  }

  close(): void {
    // holds nothing but memory
  }
}

class OggOpusBlocks implements BlockSource {
  readonly #parser = new OggParser();
  readonly #stream = new OggOpusStream();
  #packets = 0;

  async push(bytes: Uint8Array): Promise<DecodedBlock[]> {
    const blocks: DecodedBlock[] = [];
    for (const packet of this.#parser.push(bytes)) {
      const block = await this.#stream.decode(packet);
      if (block !== undefined) blocks.push(block);
      if (++this.#packets > 16 && !this.#stream.started) {
        throw new MalgwiError('audio_unsupported_codec', { detail: 'The Ogg stream holds no Opus.' });
      }
    }
    return blocks;
  }

  flush(): Promise<DecodedBlock[]> {
    return Promise.resolve([]);
  }

  close(): void {
    this.#stream.close();
  }
}

class WebmOpusBlocks implements BlockSource {
  readonly #parser = new WebmParser();
  #track:
    { readonly number: number; readonly config: TrackConfig; readonly decoder: PacketDecoder } | undefined;

  async push(bytes: Uint8Array): Promise<DecodedBlock[]> {
    return this.#decode(this.#parser.push(bytes));
  }

  flush(): Promise<DecodedBlock[]> {
    return this.#decode(this.#parser.flush());
  }

  close(): void {
    this.#track?.decoder.close();
  }

  async #decode(frames: readonly WebmFrame[]): Promise<DecodedBlock[]> {
    if (this.#track === undefined) {
      const found = webmAudioTrack(this.#parser);
      if (found === undefined) return [];
      if (found.config.codec !== 'opus') {
        throw new MalgwiError('audio_unsupported_codec', { detail: 'The WebM stream holds no Opus.' });
      }
      const decoder = await createPacketDecoder(found.config);
      this.#track = { number: found.track.number, config: found.config, decoder };
    }
    const { number, config, decoder } = this.#track;
    const blocks: DecodedBlock[] = [];
    for (const frame of frames) {
      if (frame.track !== number) continue;
      const block = await decodeWebmFrame(decoder, config, frame);
      if (block !== undefined) blocks.push(block);
    }
    return blocks;
  }
}

/** Refuses a stream at its first bytes when they are not its container's: junk could be searched through for ever. */
class Headed implements BlockSource {
  #seen = 0;

  constructor(
    private readonly source: BlockSource,
    private readonly magic: readonly number[],
    private readonly name: string,
  ) {}

  async push(bytes: Uint8Array): Promise<DecodedBlock[]> {
    for (let at = 0; at < bytes.length && this.#seen < this.magic.length; at++) {
      if (bytes[at] === this.magic[this.#seen++]) continue;
      // The usual cause: a recorder writes its header once, and a reconnected client goes on in the middle.
      throw new MalgwiError('audio_unrecognized', {
        detail: `The stream does not begin with a ${this.name} header; each session needs one.`,
      });
    }
    return this.source.push(bytes);
  }

  flush(): Promise<DecodedBlock[]> {
    return this.source.flush();
  }

  close(): void {
    this.source.close();
  }
}

export interface PushDecoderOptions {
  /** Rate (8000 to 96000 Hz) and channels (1 to 8) of raw encodings; containers say so themselves. */
  readonly sampleRate?: number;
  readonly channels?: number;
}

/**
 * A decoder for audio that arrives in pieces. What it gives out does not depend on how the bytes were split.
 * @throws MalgwiError unsupported_encoding, invalid_field; push and flush throw audio_corrupt and the like
 */
export function createPushDecoder(
  encoding: LiveEncoding,
  options: PushDecoderOptions = {},
): Promise<PushDecoder> {
  try {
    return Promise.resolve(new PushPipeline(createBlocks(encoding, options)));
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function createBlocks(encoding: LiveEncoding, options: PushDecoderOptions): BlockSource {
  if (encoding === 'webm_opus') return new Headed(new WebmOpusBlocks(), [0x1a, 0x45, 0xdf, 0xa3], 'WebM');
  if (encoding === 'ogg_opus') return new Headed(new OggOpusBlocks(), [0x4f, 0x67, 0x67, 0x53], 'Ogg');
  if (!Object.hasOwn(RAW_ENCODINGS, encoding)) throw new MalgwiError('unsupported_encoding');
  const { sampleRate = SAMPLE_RATE, channels = 1 } = options;
  if (!Number.isInteger(sampleRate) || sampleRate < 8000 || sampleRate > 96_000) {
    throw new MalgwiError('invalid_field', {
      detail: 'The sample rate must be 8000 to 96000 Hz.',
      param: 'sample_rate',
    });
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > 8) {
    throw new MalgwiError('invalid_field', {
      detail: 'The channel count must be 1 to 8.',
      param: 'channels',
    });
  }
  return new RawBlocks(encoding, sampleRate, channels);
}
