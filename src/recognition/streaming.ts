/**
 * Live recognition of one stream, on the thread that holds it: bytes in, events out. Voice activity decides where
 * utterances begin and end; how one becomes text while it is being spoken is the business of utterance/.
 */
import { SampleBuffer } from '../audio/ring-buffer.js';
import { SAMPLE_RATE, type PushDecoder } from '../audio/contract.js';
import { Endpointer, type EndpointEvent } from '../vad/endpointer.js';
import { VAD_WINDOW, type EndpointConfig, type VoiceActivityStream } from '../vad/contract.js';
import type { DecodedHypothesis, DecodeOptions } from '../decoding/contract.js';
import type { RejectionRules } from '../models/schema.js';
import type { LiveEvent, LiveFeedResult, Segment } from './contract.js';
import { DecoderSilence } from './decoder-silence.js';
import type { RecognitionEngine } from './engine.js';
import { isStreaming } from './families/index.js';
import { isAcceptedSoFar, withoutRejected } from './rejection.js';
import { toSegment } from './segment.js';
import { WorkShare } from './work-share.js';
import type { UtteranceDecoding } from './utterance/contract.js';
import { RedecodedUtterance } from './utterance/redecoded.js';
import { StreamedUtterance } from './utterance/streamed.js';

export interface StreamingOptions {
  readonly endpoint: EndpointConfig;
  readonly partialIntervalMs: number;
  /** How each utterance is decoded; partials always without alternatives. */
  readonly decoding?: DecodeOptions;
  /** In place of what the package says. */
  readonly secondPass?: boolean;
}

type EndOf<Type extends EndpointEvent['type']> = Extract<EndpointEvent, { type: Type }>;

/** Kept beyond the longest utterance: its padding, and what one feed may bring. */
const SLACK_SECONDS = 4;
const PIECE = SAMPLE_RATE;

/** Calls of one stream are made one after the other; those of several may be worked on side by side. */
export class StreamingRecognizer {
  private readonly buffer: SampleBuffer;
  private readonly endpointer: Endpointer;
  private readonly rejection: RejectionRules | undefined;
  /** Samples that went through the voice activity detector. */
  private analysed = 0;
  private utterance = -1;
  /** The one that is being spoken. */
  private decoding: UtteranceDecoding | undefined;
  /** The text that was told eagerly of it, unless it was retracted. */
  private early: string | undefined;
  private silence: DecoderSilence | undefined;
  /** No more audio comes. */
  private ended = false;
  /** Of the call under way. */
  private signal: AbortSignal | undefined;

  constructor(
    private readonly engine: RecognitionEngine,
    private readonly decoder: PushDecoder,
    private readonly vad: VoiceActivityStream,
    private readonly options: StreamingOptions,
    private readonly share = new WorkShare(),
  ) {
    const { maxUtteranceMs, prefixPaddingMs, suffixPaddingMs } = options.endpoint;
    const seconds = (maxUtteranceMs + prefixPaddingMs + suffixPaddingMs) / 1000 + SLACK_SECONDS;
    this.buffer = new SampleBuffer(Math.ceil(seconds * SAMPLE_RATE));
    this.endpointer = new Endpointer(options.endpoint);
    const { lmAlpha, lmBeta } = options.decoding ?? {};
    // Weights of the caller's own change what a text is worth.
    if (lmAlpha === undefined && lmBeta === undefined)
      this.rejection = engine.model.manifest.decoder.rejection;
  }

  /**
   * @param signal given up: the search ends, and the stream is of no more use
   * @throws MalgwiError of the decoder (audio_corrupt ...) or the model (inference_failed); cancelled
   */
  feed(bytes: Uint8Array, signal?: AbortSignal): Promise<LiveFeedResult> {
    return this.work(signal, async (events) => {
      await this.take(await this.decoder.push(bytes), events);
      await this.partial(events);
    });
  }

  /** Ends the current utterance here; the stream goes on. */
  flush(signal?: AbortSignal): Promise<LiveFeedResult> {
    return this.work(signal, (events) => this.endUtterance(events));
  }

  finish(signal?: AbortSignal): Promise<LiveFeedResult> {
    return this.work(signal, async (events) => {
      await this.take(await this.decoder.flush(), events);
      this.ended = true;
      await this.endUtterance(events);
    });
  }

  close(): void {
    this.decoder.close();
  }

  private async work(
    signal: AbortSignal | undefined,
    work: (events: LiveEvent[]) => Promise<void>,
  ): Promise<LiveFeedResult> {
    this.signal = signal;
    const events: LiveEvent[] = [];
    const { ms: computeMs } = await this.share.measure(() => work(events));
    return { events, audioSeconds: this.buffer.end / SAMPLE_RATE, computeMs };
  }

  private async take(samples: Float32Array, events: LiveEvent[]): Promise<void> {
    for (let from = 0; from < samples.length; from += PIECE) {
      this.buffer.push(samples.subarray(from, from + PIECE));
      const ready = this.buffer.end - this.analysed;
      const windows = this.buffer.slice(this.analysed, this.buffer.end - (ready % VAD_WINDOW));
      this.analysed += windows.length;
      for (const probability of await this.vad.process(windows)) {
        await this.apply(this.endpointer.push(probability), events);
        await this.listen(events);
      }
      this.forget();
    }
  }

  private async endUtterance(events: LiveEvent[]): Promise<void> {
    await this.apply(this.endpointer.flush(), events);
    this.forget();
  }

  /** Ends an utterance in which the search hears nothing any more. */
  private async listen(events: LiveEvent[]): Promise<void> {
    const { decoding, silence, endpointer } = this;
    if (decoding === undefined || silence === undefined) return;
    const to = Math.max(decoding.from, endpointer.certainEnd);
    if (await silence.isOver(decoding, to, this.signal))
      await this.apply(endpointer.flush('decoder'), events);
  }

  private async apply(changes: readonly EndpointEvent[], events: LiveEvent[]): Promise<void> {
    const { decoderSilenceMs } = this.options.endpoint;
    for (const change of changes) {
      switch (change.type) {
        case 'speech_start':
          this.utterance += 1;
          this.decoding = this.open(Math.max(change.sample, this.buffer.start));
          if (decoderSilenceMs !== undefined) this.silence = new DecoderSilence(decoderSilenceMs);
          events.push({
            type: 'speech_start',
            utterance: this.utterance,
            time: change.sample / SAMPLE_RATE,
          });
          break;
        case 'eager_end':
          await this.eager(change, events);
          break;
        case 'eager_retracted':
          this.early = undefined;
          events.push({
            type: 'eager_retracted',
            utterance: this.utterance,
            time: change.sample / SAMPLE_RATE,
          });
          break;
        case 'speech_end':
          await this.final(change, events);
      }
    }
  }

  private async eager(change: EndOf<'eager_end'>, events: LiveEvent[]): Promise<void> {
    const decoding = this.decoding!;
    const to = Math.min(change.sample, this.buffer.end);
    const segment = this.segment(decoding, await decoding.eager(to, this.signal), to, change.meanProbability);
    this.early = segment.text;
    events.push({ type: 'eager_end', utterance: this.utterance, segment });
  }

  private async final(change: EndOf<'speech_end'>, events: LiveEvent[]): Promise<void> {
    const decoding = this.decoding!;
    const { early } = this;
    // The detector works in whole windows; at the end of the stream the samples after the last one are speech too.
    // After a flush that is not the end they belong to the next utterance.
    const to =
      this.ended && change.reason === 'flush' ? this.buffer.end : Math.min(change.sample, this.buffer.end);
    this.decoding = undefined;
    this.early = undefined;
    events.push({
      type: 'speech_end',
      utterance: this.utterance,
      time: change.lastSpeechSample / SAMPLE_RATE,
    });
    const segment = this.segment(decoding, await decoding.final(to, this.signal), to, change.meanProbability);
    events.push({
      type: 'final',
      utterance: this.utterance,
      segment,
      ...(early === undefined ? {} : { eager: early === segment.text ? 'confirmed' : 'changed' }),
    });
  }

  private segment(
    decoding: UtteranceDecoding,
    hypotheses: readonly DecodedHypothesis[],
    to: number,
    speechProbability: number,
  ): Segment {
    // What was called stable stays.
    const rules = decoding.stable > 0 ? undefined : this.rejection;
    return toSegment(withoutRejected(hypotheses, speechProbability, rules), {
      id: this.utterance,
      start: decoding.from / SAMPLE_RATE,
      end: to / SAMPLE_RATE,
      speechProbability,
      frameSeconds: this.engine.frameSeconds,
    });
  }

  private async partial(events: LiveEvent[]): Promise<void> {
    const { decoding } = this;
    if (decoding === undefined) return;
    await decoding.advance(Math.max(decoding.from, this.endpointer.certainEnd), this.signal);
    const partial = await decoding.partial(this.buffer.end, this.signal);
    if (partial === undefined) return;
    events.push({
      type: 'partial',
      utterance: this.utterance,
      start: decoding.from / SAMPLE_RATE,
      end: partial.end / SAMPLE_RATE,
      text: partial.text,
      stable: partial.stable,
    });
  }

  private open(from: number): UtteranceDecoding {
    const { engine, buffer, options } = this;
    const { family } = engine;
    if (!isStreaming(family)) return new RedecodedUtterance(engine, buffer, from, options);
    const declared = engine.model.manifest.encoder.streaming?.secondPass ?? false;
    return new StreamedUtterance(engine, family, buffer, from, {
      ...options,
      secondPass: options.secondPass ?? declared,
      earliestCut: this.endpointer.earliestCut(from),
      mayPromise: (text) => isAcceptedSoFar(text, family.languageLogProb?.(text), this.rejection),
    });
  }

  /** Lets go of what no event to come refers to. */
  private forget(): void {
    this.buffer.discardBefore(Math.max(0, Math.min(this.endpointer.earliestNeeded, this.buffer.end)));
  }
}
