import type { LiveEvent } from '../recognition/contract.js';
import type { SessionEvent } from './contract.js';
import type { SessionIntents } from './intents.js';
import type { SessionMeter } from './meter.js';
import type { SettledAudio } from './settled.js';

/** Where a session stands between two utterances or within one. */
export type HearingState = 'idle' | 'speech' | 'endpointing';

/** What a client is told of what the recogniser heard: its events, with intents behind them, and measured. */
export class Heard {
  /** An end that was told eagerly and is neither confirmed nor retracted: its utterance, and where it would end. */
  #eager: { readonly utterance: number; readonly time: number } | undefined;

  /** @param emit tells the client, in this order */
  constructor(
    private readonly meter: SessionMeter,
    private readonly settled: SettledAudio,
    private readonly intents: SessionIntents | undefined,
    private readonly emit: (event: SessionEvent) => void,
  ) {}

  /**
   * @param all what came together with it
   * @returns where the session stands then; undefined where it stood before
   */
  take(event: LiveEvent, all: readonly LiveEvent[], now: number): HearingState | undefined {
    const { meter, settled, intents } = this;
    switch (event.type) {
      case 'speech_start':
        settled.speechStart(event.time);
        meter.speechStart(event.time);
        this.emit(event);
        return 'speech';
      case 'partial': {
        meter.partial(event.end, now);
        this.emit(event);
        const intent = intents?.partial(event.utterance, event.text);
        if (intent !== undefined) this.emit(intent);
        return undefined;
      }
      case 'eager_end':
        this.#eager = { utterance: event.utterance, time: event.segment.end };
        this.emit(event);
        if (intents !== undefined) this.emit(intents.eager(event.utterance, event.segment));
        return 'endpointing';
      case 'eager_retracted':
        this.#eager = undefined;
        meter.eagerEnd('retracted');
        this.emit(event);
        return 'speech';
      case 'speech_end': {
        // Where a long utterance was cut the speech goes on: there is no end to wait from.
        const cut = all.some((other) => other.type === 'speech_start' && other.time === event.time);
        if (!cut) meter.speechEnd(event.time, now);
        this.emit(event);
        return 'endpointing';
      }
      case 'final':
        this.#eager = undefined;
        settled.final(event.segment.end);
        meter.final(event.segment.end);
        if (event.eager !== undefined) meter.eagerEnd(event.eager);
        this.emit(event);
        if (intents !== undefined) this.emit(intents.final(event.utterance, event.segment, now));
        return 'idle';
    }
  }

  /** No more is heard: nobody will confirm what was told eagerly. */
  end(): void {
    if (this.#eager === undefined) return;
    this.meter.eagerEnd('retracted');
    this.emit({ type: 'eager_retracted', ...this.#eager });
    this.#eager = undefined;
  }
}
