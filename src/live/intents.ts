import {
  initialDialogue,
  type DialogueState,
  type DialogueTurn,
  type PendingCommand,
} from '../intents/index.js';
import type { IntentResult, ParseOptions } from '../intents/contract.js';
import type { Segment } from '../recognition/contract.js';
import type { SessionEvent } from './contract.js';

/** The intent grammar with the session's venue, and whatever is measured around it. */
export interface IntentResolver {
  parse(
    text: string,
    context: Pick<ParseOptions, 'words' | 'alternatives' | 'pending'>,
    tentative: boolean,
  ): IntentResult;
  /** One utterance of a conversation; `now` in milliseconds of the clock that the state's times come from. */
  converse(
    state: DialogueState,
    text: string,
    context: Pick<ParseOptions, 'words' | 'alternatives'>,
    now: number,
  ): DialogueTurn;
}
type IntentEvent = Extract<SessionEvent, { type: 'intent' }>;

/** Intents of one session: tentative ones while they change, then exactly one for each final. */
export class SessionIntents {
  #utterance = -1;
  #shown = '';
  #dialogue: DialogueState | undefined;

  /** @param conversing whether the session keeps a pending command from one utterance to the next */
  constructor(
    private readonly resolver: IntentResolver,
    conversing: boolean,
    now: number,
  ) {
    if (conversing) this.#dialogue = initialDialogue(now);
  }

  /** The intent of a partial, when it is another than the one told last. A partial never moves the conversation. */
  partial(utterance: number, text: string): IntentEvent | undefined {
    const shown = this.#utterance === utterance ? this.#shown : '';
    const event = this.#tentative(utterance, text, {});
    return this.#shown === shown ? undefined : event;
  }

  /** The intent of an eager end, always: someone may act on it. The conversation waits for the final. */
  eager(utterance: number, { text, words, alternatives }: Segment): IntentEvent {
    return { ...this.#tentative(utterance, text, { words, alternatives }), eager: true };
  }

  final(utterance: number, segment: Segment, now: number): IntentEvent {
    const { text, words, alternatives } = segment;
    // Noise that was taken for speech is no answer: a pending command must not be asked for again because of it.
    if (this.#dialogue === undefined || text === '') {
      const result = this.resolver.parse(text, { words, alternatives }, false);
      return { type: 'intent', utterance, result, tentative: false };
    }
    const turn = this.resolver.converse(this.#dialogue, text, { words, alternatives }, now);
    this.#dialogue = turn.state;
    return { type: 'intent', utterance, result: turn.result, tentative: false, turn };
  }

  /** The app knows better: a button was pressed, a seat was chosen on the screen. `false` without a conversation. */
  setPending(pending: PendingCommand | undefined, now: number): boolean {
    if (this.#dialogue === undefined) return false;
    this.#dialogue = pending === undefined ? initialDialogue(now) : { pending, at: now };
    return true;
  }

  #tentative(
    utterance: number,
    text: string,
    context: Pick<ParseOptions, 'words' | 'alternatives'>,
  ): IntentEvent {
    const pending = this.#dialogue?.pending;
    const result = this.resolver.parse(text, pending === undefined ? context : { ...context, pending }, true);
    this.#utterance = utterance;
    this.#shown = result.intent === 'none' ? '' : JSON.stringify([result.intent, result.slots]);
    return { type: 'intent', utterance, result, tentative: true };
  }
}
