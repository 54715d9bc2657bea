import { VAD_WINDOW_SECONDS } from '../vad/contract.js';
import type { UtteranceDecoding } from './utterance/contract.js';

/** Windows between two looks: about a chunk of a model that streams, before which nothing new can have been heard. */
const LOOK_WINDOWS = 8;

/**
 * Tells when the search of one utterance has heard nothing new for long, whatever the detector says: noise that passes for
 * speech. It looks at the same places of an utterance however its audio comes, so its answers do not depend on that.
 */
export class DecoderSilence {
  private readonly limit: number;
  private windows = 0;
  /** When the text became what it is. */
  private since = 0;
  private text = '';

  /** @param limitMs without something new the utterance is over */
  constructor(limitMs: number) {
    this.limit = Math.ceil(limitMs / 1000 / VAD_WINDOW_SECONDS);
  }

  /**
   * Called once for each window behind the beginning of speech.
   * @param to end of what belongs to the utterance
   * @returns whether it is over; never before anything was heard, and never for models that do not stream
   */
  async isOver(decoding: UtteranceDecoding, to: number, signal?: AbortSignal): Promise<boolean> {
    this.windows += 1;
    if (decoding.heard === undefined || this.windows % LOOK_WINDOWS !== 0) return false;
    await decoding.advance(to, signal);
    const text = await decoding.heard();
    if (text !== this.text) {
      this.text = text;
      this.since = this.windows;
    }
    return text !== '' && this.windows - this.since >= this.limit;
  }
}
