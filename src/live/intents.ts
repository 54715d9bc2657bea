import type { IntentResult, ParseOptions } from '../intents/contract.js';
import type { Segment } from '../recognition/contract.js';
import type { SessionEvent } from './contract.js';

/** `parseIntent` with the session's venue, and whatever is measured around it. */
export type IntentResolver = (
  text: string,
  context: Pick<ParseOptions, 'words' | 'alternatives'>,
  tentative: boolean,
) => IntentResult;
type IntentEvent = Extract<SessionEvent, { type: 'intent' }>;

/** Intents of one session: tentative ones while they change, then exactly one for each final. */
export class SessionIntents {
  #utterance = -1;
  #shown = '';

  constructor(private readonly resolve: IntentResolver) {}

  /** The intent of a partial, when it is another than the one told last. */
  partial(utterance: number, text: string): IntentEvent | undefined {
    const result = this.resolve(text, {}, true);
    const key = result.intent === 'none' ? '' : JSON.stringify([result.intent, result.slots]);
    const shown = this.#utterance === utterance ? this.#shown : '';
    this.#utterance = utterance;
    this.#shown = key;
    return key === shown ? undefined : { type: 'intent', utterance, result, tentative: true };
  }

  final(utterance: number, segment: Segment): IntentEvent {
    const { text, words, alternatives } = segment;
    const result = this.resolve(text, { words, alternatives }, false);
    return { type: 'intent', utterance, result, tentative: false };
  }
}
