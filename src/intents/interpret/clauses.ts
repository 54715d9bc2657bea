/**
 * Where an utterance falls into clauses: 시험이 코앞이라 | 조용한 자리로 부탁드립니다. What is wanted is said in one of
 * them; the others tell why, and what they hold is no objection to it.
 */
import { Class } from '../grammar/lexicon.js';
import type { Token } from '../grammar/lattice.js';
import type { Sound } from '../grammar/sound.js';

export interface Clause {
  /** Token indices, end exclusive. */
  readonly first: number;
  readonly last: number;
}

/** Endings that let a clause end before the next: reasons, circumstances, statements of their own. */
const LINKING = new Set(['connect', 'cause', 'past', 'plain', 'must', 'quote', 'unable', 'able', 'not', 'question', 'ongoing']); // prettier-ignore
/** Endings after which the speaker has said what is wanted. */
const COMPLETE = new Set(['command', 'intent', 'want', 'must', 'permit']);
const COPULAS = new Set(['BE:connect', 'BE:plain', 'BE:past', 'BECAUSE']);
/** What makes of the clause before it something that was said or thought. */
const SAID = new Set(['quote', 'past', 'past-question', 'regret', 'insist']);

/** Words that end a clause, whether their stem is known or not: 들락날락해서, 깜빡거리니까. */
const ENDS =
  /(?:^|\s)(?:\S+(?:[해려여워와어아돼져대]서|니까|[는은던]데|길래|느라고?|지만|더니|거든요|잖아요?)요?|[나와가커해돼봐세]서)$/;

const spaced = (tokens: readonly Token[], at: number, sound: Sound): boolean =>
  at < tokens.length && sound.starts[tokens[at].start] === 2;

/** Position behind the particles that belong to an ending (했는데 + 요). */
function behind(tokens: readonly Token[], at: number): number {
  let end = at;
  while (end < tokens.length && tokens[end].sense === 'POLITE') end++;
  return end;
}

const MOST = 4;

/**
 * The clauses that may hold the request by themselves, without the whole: every end of the utterance that begins behind
 * a clause, and every beginning of it that ends in a request. At most {@link MOST} of each.
 */
export function clausesOf(tokens: readonly Token[], sound: Sound, text: string): Clause[] {
  const ends: Clause[] = [];
  const beginnings: Clause[] = [];
  for (let at = 0; at < tokens.length - 1; at++) {
    const token = tokens[at];
    const ending = token.cls === Class.ending;
    const links = ending ? LINKING.has(token.sense) || COMPLETE.has(token.sense) : COPULAS.has(token.sense);
    const next = links ? behind(tokens, at + 1) : at + 1;
    if (!spaced(tokens, next, sound)) continue;
    if (!links && !ENDS.test(text.slice(0, sound.source[tokens[next].start]).trimEnd())) continue;
    const rest = tokens.slice(next);
    ends.push({ first: next, last: tokens.length });
    const request = ending && COMPLETE.has(token.sense);
    if (request && !rest.some((other) => other.cls === Class.ending && SAID.has(other.sense)))
      beginnings.push({ first: 0, last: next });
  }
  return [...ends.slice(-MOST), ...beginnings.slice(-MOST)];
}
