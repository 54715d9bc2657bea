import { MalgwiError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { SAMPLE_RATE } from './contract.js';
import type { AudioStream, OpenAudioOptions } from './contract.js';
import type { FormatDecoder } from './decoder.js';
import { toMono } from './mono.js';
import { createResampler, isResamplable } from './resampler.js';
import type { Resampler } from './resampler.js';

/** Anything a decoder throws that is not yet an error of the table means that the data is damaged. */
export function asAudioError(error: unknown): MalgwiError {
  if (error instanceof MalgwiError) return error;
  return new MalgwiError('audio_corrupt', { cause: error });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new MalgwiError('cancelled');
}

/** Cuts a sequence of arrays of any length into pieces of one second; the last is shorter. */
class Pieces {
  #piece = new Float32Array(SAMPLE_RATE);
  #filled = 0;

  *add(samples: Float32Array): Generator<Float32Array> {
    for (let at = 0; at < samples.length;) {
      const take = Math.min(samples.length - at, SAMPLE_RATE - this.#filled);
      this.#piece.set(samples.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled === SAMPLE_RATE) {
        yield this.#piece;
        this.#piece = new Float32Array(SAMPLE_RATE);
        this.#filled = 0;
      }
    }
  }

  rest(): Float32Array {
    return this.#piece.subarray(0, this.#filled);
  }
}

/** The way from a format's blocks to 16 kHz mono pieces of one second, with the limits that hold for every format. */
export class DecodedAudioStream implements AudioStream {
  readonly info;
  readonly #decoder: FormatDecoder;
  readonly #source: ByteSource;
  readonly #options: OpenAudioOptions;
  #resampler: { readonly rate: number; readonly resampler: Resampler } | undefined;
  #started = false;
  #closed = false;
  #invalid = 0;
  #samplesIn = 0;
  #seconds = 0;

  constructor(decoder: FormatDecoder, source: ByteSource, options: OpenAudioOptions) {
    this.info = decoder.info;
    this.#decoder = decoder;
    this.#source = source;
    this.#options = options;
  }

  async *chunks(): AsyncGenerator<Float32Array> {
    if (this.#started) throw new Error('chunks() may be read once');
    this.#started = true;
    const pieces = new Pieces();
    let empty = true;
    try {
      for await (const samples of this.#resampled()) {
        for (const piece of pieces.add(samples)) {
          empty = false;
          yield piece;
          if (this.#closed) return;
          throwIfAborted(this.#options.signal);
        }
      }
      const rest = pieces.rest();
      if (rest.length > 0) yield rest;
      else if (empty) throw new MalgwiError('audio_empty');
    } catch (error) {
      throw asAudioError(error);
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#resampler?.resampler.close();
    try {
      this.#decoder.close();
    } finally {
      await this.#source.close();
    }
  }

  async *#resampled(): AsyncGenerator<Float32Array> {
    for await (const block of this.#decoder.blocks()) {
      throwIfAborted(this.#options.signal);
      const length = block.channels[0]?.length ?? 0;
      if (length === 0) continue;
      if (this.#resampler?.rate !== block.sampleRate) {
        if (this.#resampler !== undefined) yield this.#flush();
        if (!isResamplable(block.sampleRate)) {
          throw new MalgwiError('audio_corrupt', {
            detail: `A sample rate of ${String(block.sampleRate)} Hz is not accepted.`,
          });
        }
        this.#resampler = { rate: block.sampleRate, resampler: await createResampler(block.sampleRate) };
      }
      this.#count(length / block.sampleRate);
      const mono = toMono(block);
      this.#samplesIn += length;
      this.#invalid += mono.invalid;
      yield this.#resampler.resampler.process(mono.samples);
    }
    if (this.#invalid > this.#samplesIn / 2) {
      throw new MalgwiError('audio_corrupt', { detail: 'Most samples of the audio are not numbers.' });
    }
    if (this.#resampler !== undefined) yield this.#flush();
  }

  #flush(): Float32Array {
    const current = this.#resampler;
    this.#resampler = undefined;
    if (current === undefined) return new Float32Array(0);
    try {
      return current.resampler.flush();
    } finally {
      current.resampler.close();
    }
  }

  #count(seconds: number): void {
    this.#seconds += seconds;
    refuseTooLong(this.#seconds, this.#options.maxSeconds);
  }
}

/** @throws MalgwiError audio_too_long when `seconds` is beyond the limit, where there is one */
export function refuseTooLong(seconds: number | undefined, maxSeconds: number | undefined): void {
  if (seconds === undefined || maxSeconds === undefined || seconds <= maxSeconds) return;
  throw new MalgwiError('audio_too_long', {
    detail: `The audio is longer than the ${String(maxSeconds)} s that are accepted.`,
  });
}
