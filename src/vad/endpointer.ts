import { VAD_WINDOW } from './contract.js';
import type { EndpointConfig } from './contract.js';

/** Positions are samples at 16 kHz from the start of the stream. */
export type EndpointEvent =
  | { readonly type: 'speech_start'; readonly sample: number }
  | {
      readonly type: 'speech_end';
      /** End of the utterance, padding included; what follows belongs to the next. */
      readonly sample: number;
      /** End of the last window that held speech. */
      readonly lastSpeechSample: number;
      /** Mean probability of speech from the first to the last window of speech. */
      readonly meanProbability: number;
      readonly reason: EndReason;
    }
  /**
   * The silence has lasted `eagerSilenceMs`: the utterance may be over. Either `eager_retracted` follows, or `speech_end`, never
   * both, and no other event comes between.
   */
  | {
      readonly type: 'eager_end';
      /** Where it ends if nothing more is said. */
      readonly sample: number;
      readonly lastSpeechSample: number;
      readonly meanProbability: number;
    }
  /** It goes on: its window that begins at this sample is speech. */
  | { readonly type: 'eager_retracted'; readonly sample: number };

/** `decoder`: the search heard nothing new for long, whatever the detector said. */
export type EndReason = 'silence' | 'max_length' | 'flush' | 'decoder';

/** For recorded audio. */
export const DEFAULT_ENDPOINT: EndpointConfig = {
  threshold: 0.5,
  negativeThreshold: 0.35,
  minSpeechMs: 100,
  silenceDurationMs: 500,
  prefixPaddingMs: 200,
  suffixPaddingMs: 200,
  maxUtteranceMs: 20_000,
};

/** For live audio: ends sooner, because someone waits for the answer. */
export const DEFAULT_LIVE_ENDPOINT: EndpointConfig = {
  ...DEFAULT_ENDPOINT,
  silenceDurationMs: 350,
  prefixPaddingMs: 300,
};

/** Where an {@link Endpointer} stands: plain values. */
export interface EndpointerState {
  readonly window: number;
  readonly active: boolean;
  readonly previousEnd: number;
  readonly utterance?: Readonly<Utterance>;
}

/** An utterance that is too long is cut within this last part of it. */
const CUT_REGION = 1 / 3;
const SAMPLES_PER_MS = 16;

interface Utterance {
  /** First window that counted as speech (after a cut: the first window after it). */
  readonly firstWindow: number;
  /** Where the utterance starts, padding included. */
  readonly start: number;
  /** Probability of each window from `firstWindow` on. */
  readonly probabilities: number[];
  speechWindows: number;
  lastSpeechWindow: number;
  /** Whether it lasted `minSpeechMs` and was announced. */
  announced: boolean;
  /** Whether its end was told eagerly, in the silence that is going on. */
  eager: boolean;
}

/**
 * Finds utterances in the probabilities of a voice activity detector, window by window: a Schmitt trigger with a
 * hangover, as in Silero's `get_speech_timestamps`, that also works live. Every `speech_start` is followed by its
 * `speech_end`, and no two utterances overlap. Memory is bounded by `maxUtteranceMs`. An `eager_end` in between is either
 * retracted, because speech goes on, or confirmed by the `speech_end`.
 */
export class Endpointer {
  private window = 0;
  private active = false;
  private previousEnd = 0;
  private utterance: Utterance | undefined;
  /** The durations of the config in samples. */
  private readonly minSpeech: number;
  private readonly silence: number;
  private readonly eagerSilence: number;
  private readonly prefix: number;
  private readonly suffix: number;
  private readonly maxUtterance: number;

  /** @param restored where another one with the same config stood: this one goes on as that one would */
  constructor(
    private readonly config: EndpointConfig,
    restored?: EndpointerState,
  ) {
    if (restored !== undefined) {
      const { window, active, previousEnd, utterance } = restored;
      this.window = window;
      this.active = active;
      this.previousEnd = previousEnd;
      if (utterance !== undefined) {
        this.utterance = { ...utterance, probabilities: [...utterance.probabilities] };
      }
    }
    const samples = (ms: number): number => Math.round(ms * SAMPLES_PER_MS);
    this.maxUtterance = samples(config.maxUtteranceMs);
    this.silence = samples(config.silenceDurationMs);
    this.eagerSilence = samples(config.eagerSilenceMs ?? Infinity);
    this.suffix = samples(config.suffixPaddingMs);
    // Both must fit into an utterance with room to spare, or it would reach its limit before it is announced.
    this.prefix = Math.min(samples(config.prefixPaddingMs), Math.floor(this.maxUtterance / 2));
    this.minSpeech = Math.min(samples(config.minSpeechMs), this.maxUtterance / 4);
  }

  save(): EndpointerState {
    const { window, active, previousEnd, utterance } = this;
    return {
      window,
      active,
      previousEnd,
      ...(utterance === undefined
        ? {}
        : { utterance: { ...utterance, probabilities: [...utterance.probabilities] } }),
    };
  }

  /** Samples seen so far. */
  get position(): number {
    return this.window * VAD_WINDOW;
  }

  /** No event to come refers to a sample before this one: what lies before it may be forgotten. */
  get earliestNeeded(): number {
    return this.utterance?.start ?? this.paddedStart(this.window);
  }

  /** The utterance under way ends nowhere before this sample, unless it is cut for its length. */
  get certainEnd(): number {
    const { utterance } = this;
    if (utterance === undefined || this.active) return this.position;
    return Math.min(this.position, (utterance.lastSpeechWindow + 1) * VAD_WINDOW + this.suffix);
  }

  /** An utterance that starts at sample `start` is cut for its length nowhere before this one. */
  earliestCut(start: number): number {
    return start + Math.floor(this.maxUtterance * (1 - CUT_REGION));
  }

  /** @param probability of speech in the next {@link VAD_WINDOW} samples; NaN counts as silence */
  push(probability: number): EndpointEvent[] {
    const { threshold, negativeThreshold } = this.config;
    const value = probability >= 0 ? probability : 0;
    const window = this.window++;
    this.active = value >= threshold || (this.active && value >= negativeThreshold);
    if (this.active) this.utterance ??= this.open(window);
    const { utterance } = this;
    if (utterance === undefined) return [];
    utterance.probabilities.push(value);
    const events: EndpointEvent[] = [];
    if (this.active) {
      utterance.speechWindows += 1;
      utterance.lastSpeechWindow = window;
      if (utterance.eager) events.push({ type: 'eager_retracted', sample: window * VAD_WINDOW });
      utterance.eager = false;
    }
    this.advance(utterance, events);
    return events;
  }

  /**
   * Ends the utterance here; the stream may go on. Speech that was going on counts even if it was shorter than
   * `minSpeechMs`, because nobody knows how it would have gone on.
   */
  flush(reason: 'flush' | 'decoder' = 'flush'): EndpointEvent[] {
    const { utterance } = this;
    const events: EndpointEvent[] = [];
    if (utterance !== undefined && (utterance.announced || this.active)) {
      if (!utterance.announced) events.push({ type: 'speech_start', sample: utterance.start });
      events.push(this.close(utterance, reason));
    }
    this.utterance = undefined;
    this.active = false;
    return events;
  }

  private open(window: number): Utterance {
    return {
      firstWindow: window,
      start: this.paddedStart(window),
      probabilities: [],
      speechWindows: 0,
      lastSpeechWindow: window,
      announced: false,
      eager: false,
    };
  }

  private paddedStart(window: number): number {
    return Math.max(this.previousEnd, window * VAD_WINDOW - this.prefix, 0);
  }

  private advance(utterance: Utterance, events: EndpointEvent[]): void {
    if (!utterance.announced && utterance.speechWindows * VAD_WINDOW >= this.minSpeech) {
      utterance.announced = true;
      events.push({ type: 'speech_start', sample: utterance.start });
    }
    const silence = this.position - (utterance.lastSpeechWindow + 1) * VAD_WINDOW;
    if (!this.active && silence >= this.silence) {
      if (utterance.announced) events.push(this.close(utterance, 'silence'));
      this.utterance = undefined;
    } else if (this.position - utterance.start >= this.maxUtterance) {
      // What stayed below minSpeechMs for so long is a row of clicks.
      if (utterance.announced) events.push(...this.cut(utterance));
      else this.utterance = undefined;
    } else if (utterance.announced && !utterance.eager && !this.active && silence >= this.eagerSilence) {
      utterance.eager = true;
      events.push({ type: 'eager_end', ...this.endOf(utterance) });
    }
  }

  private close(utterance: Utterance, reason: EndReason): EndpointEvent {
    const end = this.endOf(utterance);
    this.previousEnd = end.sample;
    return { type: 'speech_end', ...end, reason };
  }

  private endOf({ firstWindow, lastSpeechWindow, probabilities }: Utterance) {
    const lastSpeechSample = (lastSpeechWindow + 1) * VAD_WINDOW;
    const speech = probabilities.slice(0, lastSpeechWindow - firstWindow + 1);
    return {
      sample: Math.min(lastSpeechSample + this.suffix, this.position),
      lastSpeechSample,
      meanProbability: mean(speech),
    };
  }

  /** Cuts at the quietest recent window (the latest of equals); the next utterance starts at that very sample. */
  private cut(utterance: Utterance): EndpointEvent[] {
    const { firstWindow, probabilities, start } = utterance;
    const earliest = start + (this.position - start) * (1 - CUT_REGION);
    let quietest = probabilities.length - 1;
    for (let i = quietest - 1; i > 0 && (firstWindow + i) * VAD_WINDOW >= earliest; i--) {
      if (probabilities[i] < probabilities[quietest]) quietest = i;
    }
    const window = firstWindow + quietest;
    if (utterance.lastSpeechWindow <= window && !this.active) {
      // Nothing was said after the quietest moment: the utterance is over.
      this.utterance = undefined;
      return [this.close(utterance, 'max_length')];
    }
    const sample = window * VAD_WINDOW + VAD_WINDOW / 2;
    const rest = probabilities.slice(quietest + 1);
    this.utterance = {
      firstWindow: window + 1,
      start: sample,
      probabilities: rest,
      speechWindows: rest.length,
      lastSpeechWindow: Math.max(window, utterance.lastSpeechWindow),
      announced: true,
      eager: false,
    };
    this.previousEnd = sample;
    const meanProbability = mean(probabilities.slice(0, quietest + 1));
    return [
      { type: 'speech_end', sample, lastSpeechSample: sample, meanProbability, reason: 'max_length' },
      { type: 'speech_start', sample },
    ];
  }
}

function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
