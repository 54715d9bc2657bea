import { venueHotWords, type Venue } from '../intents/index.js';
import { MAX_HOT_WORDS } from '../decoding/options.js';
import type { HotWord } from '../decoding/contract.js';
import type { InstalledModel } from '../recognition/contract.js';

const known = new WeakMap<Venue, readonly HotWord[]>();

/**
 * Hot words of a request where a venue is known: the caller's own, then the venue's seats, rooms and verbs as they are
 * said. Only for CTC models: Coqui's decoder is to give what the original gives, and attention models would have to
 * search with a beam for it.
 */
export function withVenue(
  own: readonly HotWord[],
  venue: Venue | undefined,
  model: Pick<InstalledModel, 'family'>,
): readonly HotWord[] {
  if (venue === undefined || model.family !== 'ctc') return own;
  let words = known.get(venue);
  if (words === undefined) {
    words = venueHotWords(venue, MAX_HOT_WORDS);
    known.set(venue, words);
  }
  const given = new Set(own.map(({ phrase }) => phrase));
  return [...own, ...words.filter(({ phrase }) => !given.has(phrase))].slice(0, MAX_HOT_WORDS);
}
