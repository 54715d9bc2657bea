import { SampleBuffer } from '../audio/ring-buffer.js';
import { SAMPLE_RATE } from '../audio/contract.js';
import { VAD_WINDOW } from './contract.js';
import type { EndpointConfig, VoiceActivityStream } from './contract.js';
import { Endpointer } from './endpointer.js';
import type { EndpointEvent } from './endpointer.js';
import { SegmentJoiner } from './joiner.js';
import type { JoinOptions } from './joiner.js';

/** A stretch of speech, padding included. */
export interface AudioSegment {
  /** Seconds from the start of the audio. */
  readonly start: number;
  readonly end: number;
  /** 16 kHz mono; a copy, to be transferred at will. */
  readonly samples: Float32Array;
  /** Mean probability of speech. */
  readonly meanProbability: number;
}

export interface SegmentOptions {
  /** Joins segments with short pauses between them; without it every pause of `silenceDurationMs` separates. */
  readonly join?: JoinOptions;
  /** Called as analysis goes on, with the samples that are done. */
  readonly onProgress?: (samples: number) => void;
}

/** Windows analysed at a time: few at first, so that the first segment comes soon; then many, which is faster. */
const FIRST_BLOCK = 128;
const LARGEST_BLOCK = 2048;

/**
 * Cuts audio at pauses: pulls chunks (of any size), yields segments in order, without overlap. Nothing is read ahead
 * of the consumer beyond one block (65 s); memory is bounded by that and `maxUtteranceMs`, whatever the length.
 * Ending the iteration early ends that of `chunks`. Errors of either source pass through.
 */
export async function* segmentAudio(
  chunks: AsyncIterable<Float32Array>,
  vad: VoiceActivityStream,
  config: EndpointConfig,
  options: SegmentOptions = {},
): AsyncGenerator<AudioSegment, void, void> {
  const segmenter = new Segmenter(vad, config, options);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      at += segmenter.take(chunk.subarray(at));
      if (segmenter.isBlockFull) yield* await segmenter.analyse();
    }
  }
  yield* await segmenter.finish();
}

class Segmenter {
  private readonly endpointer: Endpointer;
  private readonly joiner: SegmentJoiner;
  private readonly buffer: SampleBuffer;
  private analysed = 0;
  private block = FIRST_BLOCK;
  private utteranceStart = 0;

  constructor(
    private readonly vad: VoiceActivityStream,
    config: EndpointConfig,
    private readonly options: SegmentOptions,
  ) {
    this.endpointer = new Endpointer(config);
    this.joiner = new SegmentJoiner(options.join);
    const { maxUtteranceMs, prefixPaddingMs } = config;
    const { maxMs, maxPauseMs } = options.join ?? { maxMs: 0, maxPauseMs: 0 };
    // A held segment, the pause after it and the utterance that is going on.
    const heldMs = Math.max(maxMs, maxUtteranceMs) + maxPauseMs + maxUtteranceMs + prefixPaddingMs;
    const held = (heldMs / 1000) * SAMPLE_RATE;
    this.buffer = new SampleBuffer(Math.ceil(held) + (LARGEST_BLOCK + 2) * VAD_WINDOW);
  }

  get isBlockFull(): boolean {
    return this.missing <= 0;
  }

  private get missing(): number {
    return this.analysed + this.block * VAD_WINDOW - this.buffer.end;
  }

  /** Takes what fits into the block; returns how many samples that were. */
  take(samples: Float32Array): number {
    const count = Math.min(samples.length, this.missing);
    this.buffer.push(samples.subarray(0, count));
    return count;
  }

  /** Analyses the windows that are complete; the segments that are final now. */
  async analyse(): Promise<AudioSegment[]> {
    const windows = Math.floor((this.buffer.end - this.analysed) / VAD_WINDOW);
    const samples = this.buffer.slice(this.analysed, this.analysed + windows * VAD_WINDOW);
    this.block = Math.min(this.block * 2, LARGEST_BLOCK);
    return this.advance(samples, samples.length);
  }

  async finish(): Promise<AudioSegment[]> {
    const segments = await this.analyse();
    const rest = this.buffer.end - this.analysed;
    if (rest > 0) {
      const padded = new Float32Array(VAD_WINDOW);
      padded.set(this.buffer.slice(this.analysed, this.buffer.end));
      segments.push(...(await this.advance(padded, rest)));
    }
    this.apply(this.endpointer.flush(), segments);
    this.emit(this.joiner.flush(), segments);
    return segments;
  }

  private async advance(windows: Float32Array, samples: number): Promise<AudioSegment[]> {
    const segments: AudioSegment[] = [];
    const probabilities = await this.probabilities(windows);
    this.analysed += samples;
    for (const probability of probabilities) this.apply(this.endpointer.push(probability), segments);
    const needed = this.endpointer.earliestNeeded;
    this.emit(this.joiner.settle(needed), segments);
    this.buffer.discardBefore(Math.min(needed, this.joiner.heldFrom, this.buffer.end));
    this.options.onProgress?.(this.analysed);
    return segments;
  }

  private async probabilities(samples: Float32Array): Promise<Float32Array> {
    if (this.vad.processMany !== undefined) return this.vad.processMany(samples);
    const probabilities = new Float32Array(samples.length / VAD_WINDOW);
    for (let i = 0; i < probabilities.length; i++) {
      probabilities[i] = await this.vad.process(samples.subarray(i * VAD_WINDOW, (i + 1) * VAD_WINDOW));
    }
    return probabilities;
  }

  private apply(events: readonly EndpointEvent[], segments: AudioSegment[]): void {
    for (const event of events) {
      if (event.type === 'speech_start') {
        this.utteranceStart = event.sample;
        continue;
      }
      // The last window is filled up with silence that is not part of the audio.
      const end = Math.min(event.sample, this.buffer.end);
      const { utteranceStart: start } = this;
      this.emit(this.joiner.add({ start, end, meanProbability: event.meanProbability }), segments);
    }
  }

  private emit(
    spans: readonly { start: number; end: number; meanProbability: number }[],
    segments: AudioSegment[],
  ): void {
    for (const { start, end, meanProbability } of spans) {
      const samples = this.buffer.slice(start, end);
      segments.push({ start: start / SAMPLE_RATE, end: end / SAMPLE_RATE, samples, meanProbability });
    }
  }
}
