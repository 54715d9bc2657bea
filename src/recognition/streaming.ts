/**
 * Live recognition of one stream, on the thread that holds it: bytes in, events out. Voice activity decides where
 * utterances begin and end; the current utterance is decoded again at intervals for partials, and once more for its
 * final result. The interval grows with the utterance, so the cost of a second of audio is bounded.
 */
import { SampleBuffer } from '../audio/ring-buffer.js';
import { SAMPLE_RATE, type PushDecoder } from '../audio/contract.js';
import { Endpointer, type EndpointEvent } from '../vad/endpointer.js';
import { VAD_WINDOW, type EndpointConfig, type VoiceActivityStream } from '../vad/contract.js';
import type { DecodeOptions } from '../decoding/contract.js';
import type { RejectionRules } from '../models/schema.js';
import type { LiveEvent, LiveFeedResult } from './contract.js';
import type { RecognitionEngine, RecognizedUtterance } from './engine.js';
import { withoutRejected } from './rejection.js';
import { toSegment } from './segment.js';

export interface StreamingOptions {
  readonly endpoint: EndpointConfig;
  readonly partialIntervalMs: number;
  /** How each utterance is decoded; partials always without alternatives. */
  readonly decoding?: DecodeOptions;
}

/** Kept beyond the longest utterance: its padding, and what one feed may bring. */
const SLACK_SECONDS = 4;
const PIECE = SAMPLE_RATE;
/** A partial may cost this share of the audio time it covers. */
const PARTIAL_GROWTH = 0.02;
/** A partial is replaced soon: where the package asks for a beam, a narrow one does. */
const PARTIAL_BEAM_WIDTH = 8;

export class StreamingRecognizer {
  private readonly buffer: SampleBuffer;
  private readonly endpointer: Endpointer;
  private readonly partialDecoding: DecodeOptions;
  private readonly rejection: RejectionRules | undefined;
  /** Samples that went through the voice activity detector. */
  private analysed = 0;
  private utterance = -1;
  private utteranceStart: number | undefined;
  private lastPartialEnd = 0;
  /** No more audio comes. */
  private ended = false;
  /** Of the call under way. */
  private signal: AbortSignal | undefined;

  constructor(
    private readonly engine: RecognitionEngine,
    private readonly decoder: PushDecoder,
    private readonly vad: VoiceActivityStream,
    private readonly options: StreamingOptions,
  ) {
    const { maxUtteranceMs, prefixPaddingMs, suffixPaddingMs } = options.endpoint;
    const seconds = (maxUtteranceMs + prefixPaddingMs + suffixPaddingMs) / 1000 + SLACK_SECONDS;
    this.buffer = new SampleBuffer(Math.ceil(seconds * SAMPLE_RATE));
    this.endpointer = new Endpointer(options.endpoint);
    const { method, beamWidth = PARTIAL_BEAM_WIDTH } = engine.model.manifest.decoder;
    const { lmAlpha, lmBeta } = options.decoding ?? {};
    // Weights of the caller's own change what a text is worth.
    if (lmAlpha === undefined && lmBeta === undefined)
      this.rejection = engine.model.manifest.decoder.rejection;
    this.partialDecoding = {
      ...(method === 'beam' ? { beamWidth: Math.min(beamWidth, PARTIAL_BEAM_WIDTH) } : {}),
      ...options.decoding,
      alternatives: 1,
    };
  }

  /**
   * @param signal given up: the search ends, and the stream is of no more use
   * @throws MalgwiError of the decoder (audio_corrupt ...) or the model (inference_failed); cancelled
   */
  async feed(bytes: Uint8Array, signal?: AbortSignal): Promise<LiveFeedResult> {
    this.signal = signal;
    const started = performance.now();
    const events: LiveEvent[] = [];
    await this.take(await this.decoder.push(bytes), events);
    await this.partial(events);
    return this.result(events, started);
  }

  /** Ends the current utterance here; the stream goes on. */
  async flush(signal?: AbortSignal): Promise<LiveFeedResult> {
    this.signal = signal;
    const started = performance.now();
    const events: LiveEvent[] = [];
    await this.endUtterance(events);
    return this.result(events, started);
  }

  async finish(signal?: AbortSignal): Promise<LiveFeedResult> {
    this.signal = signal;
    const started = performance.now();
    const events: LiveEvent[] = [];
    await this.take(await this.decoder.flush(), events);
    this.ended = true;
    await this.endUtterance(events);
    return this.result(events, started);
  }

  close(): void {
    this.decoder.close();
  }

  private result(events: LiveEvent[], started: number): LiveFeedResult {
    return { events, audioSeconds: this.buffer.end / SAMPLE_RATE, computeMs: performance.now() - started };
  }

  private async take(samples: Float32Array, events: LiveEvent[]): Promise<void> {
    for (let from = 0; from < samples.length; from += PIECE) {
      this.buffer.push(samples.subarray(from, from + PIECE));
      while (this.buffer.end - this.analysed >= VAD_WINDOW) {
        const window = this.buffer.slice(this.analysed, this.analysed + VAD_WINDOW);
        this.analysed += VAD_WINDOW;
        await this.apply(this.endpointer.push(await this.vad.process(window)), events);
      }
      this.forget();
    }
  }

  private async endUtterance(events: LiveEvent[]): Promise<void> {
    await this.apply(this.endpointer.flush(), events);
    this.forget();
  }

  private async apply(changes: readonly EndpointEvent[], events: LiveEvent[]): Promise<void> {
    for (const change of changes) {
      if (change.type === 'speech_start') {
        this.utterance += 1;
        this.utteranceStart = change.sample;
        this.lastPartialEnd = change.sample;
        events.push({ type: 'speech_start', utterance: this.utterance, time: change.sample / SAMPLE_RATE });
      } else {
        await this.final(change, events);
      }
    }
  }

  private async final(
    change: Extract<EndpointEvent, { type: 'speech_end' }>,
    events: LiveEvent[],
  ): Promise<void> {
    const from = Math.max(this.utteranceStart ?? change.sample, this.buffer.start);
    // The detector works in whole windows; at the end of the stream the samples after the last one are speech too.
    // After a flush that is not the end they belong to the next utterance.
    const to =
      this.ended && change.reason === 'flush' ? this.buffer.end : Math.min(change.sample, this.buffer.end);
    this.utteranceStart = undefined;
    events.push({
      type: 'speech_end',
      utterance: this.utterance,
      time: change.lastSpeechSample / SAMPLE_RATE,
    });
    const { hypotheses } = await this.recognize(from, to, this.options.decoding);
    const kept = withoutRejected(hypotheses, change.meanProbability, this.rejection);
    const segment = toSegment(kept, {
      id: this.utterance,
      start: from / SAMPLE_RATE,
      end: to / SAMPLE_RATE,
      speechProbability: change.meanProbability,
      frameSeconds: this.engine.frameSeconds,
    });
    events.push({ type: 'final', utterance: this.utterance, segment });
  }

  private async partial(events: LiveEvent[]): Promise<void> {
    if (this.utteranceStart === undefined) return;
    const from = Math.max(this.utteranceStart, this.buffer.start);
    const to = this.buffer.end;
    const grown = ((to - from) / SAMPLE_RATE) * 1000 * PARTIAL_GROWTH;
    const interval = Math.max(this.options.partialIntervalMs, grown);
    if (((to - this.lastPartialEnd) / SAMPLE_RATE) * 1000 < interval) return;
    this.lastPartialEnd = to;
    const { hypotheses } = await this.recognize(from, to, this.partialDecoding);
    events.push({
      type: 'partial',
      utterance: this.utterance,
      start: from / SAMPLE_RATE,
      end: to / SAMPLE_RATE,
      text: hypotheses[0]!.text,
      // Decoded anew each time: any part of it may change.
      stable: 0,
    });
  }

  private recognize(
    from: number,
    to: number,
    options: DecodeOptions | undefined,
  ): Promise<RecognizedUtterance> {
    return this.engine.recognize(this.buffer.slice(from, to), options, this.signal);
  }

  /** Lets go of what no event to come refers to. */
  private forget(): void {
    this.buffer.discardBefore(Math.max(0, Math.min(this.endpointer.earliestNeeded, this.buffer.end)));
  }
}
