import { SampleBuffer } from '../audio/ring-buffer.js';
import { SAMPLE_RATE } from '../audio/contract.js';
import { VAD_WINDOW } from './contract.js';
import type { EndpointConfig, VoiceActivityStream } from './contract.js';
import { Endpointer } from './endpointer.js';
import type { EndpointEvent } from './endpointer.js';
import { SegmentJoiner } from './joiner.js';
import type { JoinOptions, Span } from './joiner.js';

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
  /** Called about once for each second of audio and at the end, with the samples that are done. */
  readonly onProgress?: (samples: number) => void;
}

/** Windows between two reports of progress (about a second). */
const PROGRESS_WINDOWS = 32;

/**
 * Cuts audio at pauses: pulls chunks (of any size), yields segments in order, without overlap. Nothing is read ahead
 * of the consumer, and memory is bounded by `maxUtteranceMs` and the largest chunk, whatever the length of the audio.
 * Ending the iteration early ends that of `chunks`. Errors of either source pass through.
 */
export async function* segmentAudio(
  chunks: AsyncIterable<Float32Array>,
  vad: VoiceActivityStream,
  config: EndpointConfig,
  options: SegmentOptions = {},
): AsyncGenerator<AudioSegment, void, void> {
  for await (const segments of segmentWindows(chunks, vad, config, options)) yield* segments;
}

/**
 * {@link segmentAudio} window by window: yields what became final with each, mostly nothing. For readers that must
 * stop now and then even where nobody speaks for hours.
 */
export async function* segmentWindows(
  chunks: AsyncIterable<Float32Array>,
  vad: VoiceActivityStream,
  config: EndpointConfig,
  options: SegmentOptions = {},
): AsyncGenerator<AudioSegment[], void, void> {
  const segmenter = new Segmenter(vad, config, options);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      at += segmenter.take(chunk.subarray(at));
      if (segmenter.isWindowFull) yield await segmenter.analyse();
    }
  }
  yield await segmenter.finish();
}

class Segmenter {
  private readonly endpointer: Endpointer;
  private readonly joiner: SegmentJoiner;
  private readonly buffer: SampleBuffer;
  private readonly window = new Float32Array(VAD_WINDOW);
  private filled = 0;
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
    // A segment that is held back, the pause after it, and the utterance that is going on.
    const heldMs = Math.max(maxMs, maxUtteranceMs) + maxPauseMs + maxUtteranceMs + prefixPaddingMs;
    this.buffer = new SampleBuffer(Math.ceil((heldMs / 1000) * SAMPLE_RATE) + 4 * VAD_WINDOW);
  }

  get isWindowFull(): boolean {
    return this.filled === VAD_WINDOW;
  }

  /** Takes what the window has room for; returns how many samples that were. */
  take(samples: Float32Array): number {
    const taken = samples.subarray(0, VAD_WINDOW - this.filled);
    this.window.set(taken, this.filled);
    this.filled += taken.length;
    return taken.length;
  }

  /** Analyses the window; returns the segments that are final now. */
  async analyse(): Promise<AudioSegment[]> {
    this.buffer.push(this.window.subarray(0, this.filled));
    // At the end of the audio the window is filled up with silence.
    const probability = await this.vad.process(this.window.fill(0, this.filled));
    this.filled = 0;
    const segments = this.apply(this.endpointer.push(probability));
    const needed = this.endpointer.earliestNeeded;
    segments.push(...this.copy(this.joiner.settle(needed)));
    this.buffer.discardBefore(Math.min(needed, this.joiner.heldFrom, this.buffer.end));
    if (this.endpointer.position % (PROGRESS_WINDOWS * VAD_WINDOW) === 0) this.report();
    return segments;
  }

  async finish(): Promise<AudioSegment[]> {
    const segments = this.filled > 0 ? await this.analyse() : [];
    segments.push(...this.apply(this.endpointer.flush()), ...this.copy(this.joiner.flush()));
    this.report();
    return segments;
  }

  private report(): void {
    this.options.onProgress?.(this.buffer.end);
  }

  private apply(events: readonly EndpointEvent[]): AudioSegment[] {
    const spans: Span[] = [];
    for (const event of events) {
      if (event.type === 'speech_start') {
        this.utteranceStart = event.sample;
        continue;
      }
      // The silence that fills the last window up is not part of the audio.
      const end = Math.min(event.sample, this.buffer.end);
      const { meanProbability } = event;
      spans.push(...this.joiner.add({ start: this.utteranceStart, end, meanProbability }));
    }
    return this.copy(spans);
  }

  private copy(spans: readonly Span[]): AudioSegment[] {
    return spans.map(({ start, end, meanProbability }) => {
      const samples = this.buffer.slice(start, end);
      return { start: start / SAMPLE_RATE, end: end / SAMPLE_RATE, samples, meanProbability };
    });
  }
}
