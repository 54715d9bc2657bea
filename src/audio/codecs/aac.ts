import { MalgwiError } from '../../errors.js';
import { AacError } from '../aac/bits.js';
import { AacDecoder } from '../aac/decoder.js';
import type { AacConfig } from '../aac/decoder.js';
import type { DecodedBlock } from '../decoder.js';
import { refuseDamage } from './opus.js';

const FRAME = 1024;

/** Runs what reads an AAC header; its error becomes that of a codec that is not supported. */
export function aacHeader(read: () => AacConfig): AacConfig {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof AacError)) throw cause;
    const detail = `The file holds a kind of AAC that is not supported (${cause.message}).`;
    throw new MalgwiError('audio_unsupported_codec', { detail, cause });
  }
}

/** Frames of one AAC track; a damaged frame becomes silence of its length. */
export class AacStream {
  readonly #decoder: AacDecoder;
  readonly #config: AacConfig;
  #frames = 0;
  #damaged = 0;
  #lastChannels: number;

  constructor(config: AacConfig) {
    this.#config = config;
    this.#decoder = new AacDecoder(config);
    this.#lastChannels = Math.max(1, config.channels);
  }

  decode(frame: Uint8Array): DecodedBlock {
    this.#frames++;
    let channels: Float32Array[] = [];
    try {
      channels = this.#decoder.decode(frame);
    } catch (error) {
      if (!(error instanceof AacError)) throw error;
      this.#damaged++;
    }
    if (channels.length === 0)
      channels = Array.from({ length: this.#lastChannels }, () => new Float32Array(FRAME));
    this.#lastChannels = channels.length;
    return { channels, sampleRate: this.#config.sampleRate };
  }

  /** @throws MalgwiError audio_corrupt when most frames were damaged */
  finish(): void {
    refuseDamage(this.#frames, this.#damaged);
  }
}
