import { SampleBuffer } from '../audio/ring-buffer.js';
import { SAMPLE_RATE } from '../audio/contract.js';
import { VAD_WINDOW } from './contract.js';
import type { EndpointConfig, VoiceActivityStream } from './contract.js';
import { Endpointer } from './endpointer.js';
import type { EndpointerState, EndpointEvent } from './endpointer.js';
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

/** Where cutting stands, between two windows: plain values. With what the detector remembers it can go on elsewhere. */
export interface SegmenterState {
  readonly endpointer: EndpointerState;
  readonly utteranceStart: number;
  /** First sample that is still needed. */
  readonly from: number;
}

/** Windows that are analysed at once (about a second); and between two reports of progress. */
const BATCH_WINDOWS = 32;

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
 * {@link segmentAudio} second by second: yields what became final with each, mostly nothing. For readers that must
 * stop now and then even where nobody speaks for hours.
 */
export async function* segmentWindows(
  chunks: AsyncIterable<Float32Array>,
  vad: VoiceActivityStream,
  config: EndpointConfig,
  options: SegmentOptions = {},
): AsyncGenerator<AudioSegment[], void, void> {
  yield* resumableSegments(chunks, vad, config, options).windows;
}

/**
 * {@link segmentWindows} that can be interrupted: `save`, called between two seconds whose segments were all taken, says where it
 * stands. With that, and a detector that was restored, it goes on over the same audio exactly as it would have.
 * @param restored of an earlier one with the same config; `chunks` begin at the beginning all the same
 */
export function resumableSegments(
  chunks: AsyncIterable<Float32Array>,
  vad: VoiceActivityStream,
  config: EndpointConfig,
  options: SegmentOptions = {},
  restored?: SegmenterState,
): { readonly windows: AsyncGenerator<AudioSegment[], void, void>; save(): SegmenterState } {
  const segmenter = new Segmenter(vad, config, options, restored);
  async function* windows(): AsyncGenerator<AudioSegment[], void, void> {
    let known = restored?.from ?? 0;
    for await (const whole of chunks) {
      const chunk = whole.subarray(Math.min(known, whole.length));
      known -= whole.length - chunk.length;
      // Readers stop now and then, also while what is known is passed over.
      if (chunk.length === 0) yield [];
      for (let at = segmenter.remember(chunk); at < chunk.length;) {
        at += segmenter.take(chunk.subarray(at));
        if (!segmenter.isFull) continue;
        yield await segmenter.analyse();
        segmenter.report();
      }
    }
    yield await segmenter.finish();
  }
  return { windows: windows(), save: () => segmenter.save() };
}

class Segmenter {
  private readonly endpointer: Endpointer;
  private readonly joiner: SegmentJoiner;
  private readonly buffer: SampleBuffer;
  /** What is analysed next, as far as it is there. */
  private readonly batch = new Float32Array(BATCH_WINDOWS * VAD_WINDOW);
  private filled = 0;
  private utteranceStart = 0;

  constructor(
    private readonly vad: VoiceActivityStream,
    config: EndpointConfig,
    private readonly options: SegmentOptions,
    restored?: SegmenterState,
  ) {
    this.endpointer = new Endpointer(config, restored?.endpointer);
    this.utteranceStart = restored?.utteranceStart ?? 0;
    this.joiner = new SegmentJoiner(options.join);
    const { maxUtteranceMs, prefixPaddingMs } = config;
    const { maxMs, maxPauseMs } = options.join ?? { maxMs: 0, maxPauseMs: 0 };
    // A segment that is held back, the pause after it, and the utterance that is going on.
    const heldMs = Math.max(maxMs, maxUtteranceMs) + maxPauseMs + maxUtteranceMs + prefixPaddingMs;
    this.buffer = new SampleBuffer(
      Math.ceil((heldMs / 1000) * SAMPLE_RATE) + (BATCH_WINDOWS + 4) * VAD_WINDOW,
      restored?.from,
    );
  }

  get isFull(): boolean {
    return this.filled === this.batch.length;
  }

  save(): SegmenterState {
    if (this.options.join !== undefined) throw new Error('segments that are joined cannot be saved');
    const endpointer = this.endpointer.save();
    return { endpointer, utteranceStart: this.utteranceStart, from: this.buffer.start };
  }

  /** Takes samples that were analysed before they were saved; returns how many those are. */
  remember(samples: Float32Array): number {
    const known = samples.subarray(0, Math.max(0, this.endpointer.position - this.buffer.end));
    this.buffer.push(known);
    return known.length;
  }

  /** Takes what there is room for; returns how many samples that were. */
  take(samples: Float32Array): number {
    const taken = samples.subarray(0, this.batch.length - this.filled);
    this.batch.set(taken, this.filled);
    this.filled += taken.length;
    return taken.length;
  }

  /** Analyses what was taken; returns the segments that are final now. */
  async analyse(): Promise<AudioSegment[]> {
    this.buffer.push(this.batch.subarray(0, this.filled));
    // At the end of the audio the last window is filled up with silence.
    this.batch.fill(0, this.filled);
    const windows = Math.ceil(this.filled / VAD_WINDOW);
    const probabilities = await this.vad.process(this.batch.subarray(0, windows * VAD_WINDOW));
    this.filled = 0;
    const segments: AudioSegment[] = [];
    for (const probability of probabilities) {
      segments.push(...this.apply(this.endpointer.push(probability)));
      segments.push(...this.copy(this.joiner.settle(this.endpointer.earliestNeeded)));
    }
    const needed = Math.min(this.endpointer.earliestNeeded, this.joiner.heldFrom, this.buffer.end);
    this.buffer.discardBefore(needed);
    return segments;
  }

  async finish(): Promise<AudioSegment[]> {
    const segments = await this.analyse();
    segments.push(...this.apply(this.endpointer.flush()), ...this.copy(this.joiner.flush()));
    this.report();
    return segments;
  }

  report(): void {
    this.options.onProgress?.(this.buffer.end);
  }

  private apply(events: readonly EndpointEvent[]): AudioSegment[] {
    const spans: Span[] = [];
    for (const event of events) {
      if (event.type === 'speech_start') {
        this.utteranceStart = event.sample;
        continue;
      }
      // Recordings have nobody to be told early.
      if (event.type !== 'speech_end') continue;
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
