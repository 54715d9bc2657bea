import { Lru } from 'toad-cache';

/** What was answered to one request, kept for a while so that a reference text posted later can be scored. */
export interface Hypothesis {
  readonly model: string;
  readonly text: string;
  /** Set once it was scored: posting a reference twice must not count twice. */
  scored: boolean;
}

export const MAX_HYPOTHESES = 2000;
export const HYPOTHESIS_MINUTES = 30;
/** Scoring costs the square of the length, on the event loop: 2,000 characters (about five minutes of speech) cost some milliseconds. */
export const MAX_SCORED_CHARACTERS = 2000;

/**
 * The last hypotheses by request id, in memory only: bounded in number, length and time, never written anywhere.
 * Longer ones are not kept.
 */
export class Hypotheses {
  readonly #recent = new Lru<Hypothesis>(MAX_HYPOTHESES, HYPOTHESIS_MINUTES * 60_000);

  remember(requestId: string, hypothesis: { readonly model: string; readonly text: string }): void {
    if (hypothesis.text.length > MAX_SCORED_CHARACTERS) return;
    this.#recent.set(requestId, { model: hypothesis.model, text: hypothesis.text, scored: false });
  }

  find(requestId: string): Hypothesis | undefined {
    return this.#recent.get(requestId);
  }

  get size(): number {
    return this.#recent.size;
  }
}
