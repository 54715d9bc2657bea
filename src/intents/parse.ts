/** What a speaker wants with a seat, from a recogniser's text. */
import type {
  IntentCandidate,
  IntentName,
  IntentResult,
  ParseIntent,
  ParseOptions,
  SlotEvidence,
  Slots,
} from './contract.js';
import { readSound, type Reading, type Token } from './grammar/lattice.js';
import { toSound, type Sound } from './grammar/sound.js';
import { assemble, markRepairs, type Filled } from './interpret/assemble.js';
import { clausesOf } from './interpret/clauses.js';
import { confidenceIn, confidenceOf } from './interpret/confidence.js';
import { decide, Situation, type Vote } from './interpret/decide.js';
import { findMentions } from './interpret/mentions.js';
import { findPredicates } from './interpret/predicates.js';
import { withUnknownWords } from './interpret/strange.js';
import type { Phrase } from './interpret/phrase.js';
import { problemsOf } from './venue.js';

/** Longer texts are no command to a seat system: they come back as `none`. */
export const MAX_TEXT_LENGTH = 200;
/** Below this confidence the answer is `none`, unless the caller says otherwise. */
export const REJECT_BELOW = 0.5;
/** Readings this much less likely than the first are still worth asking about. */
const CLOSE = 0.35;
const MAX_HYPOTHESES = 8;

/**
 * What a hypothesis counts beside the one ranked before it. Those of one beam are no independent witnesses: this and
 * SUPPORT were chosen on asr-dev.json, where a weight near 1 lost more right slots than the alternatives brought.
 */
const RANK_WEIGHT = 0.6;
/** Of a recogniser's hypotheses this share must be read as the intent; one that reads well by chance is not enough. */
const SUPPORT = 0.35;

interface Parsed {
  readonly candidates: readonly (IntentCandidate & { readonly filled: Filled; readonly vote: Vote })[];
  readonly text: string;
  readonly sound: Sound;
  readonly reading: Reading;
}

function parseOne(text: string, options: ParseOptions): Parsed {
  const sound = toSound(text, MAX_TEXT_LENGTH);
  const heard = readSound(sound, text);
  const tokens = withUnknownWords(heard.tokens, sound);
  const reading = { ...heard, tokens };
  const situation = situationOf(tokens, options);
  const candidates = decide(situation).map((vote) => {
    const filled = assemble(vote.intent, situation);
    const confidence = confidenceOf(vote, situation, reading, sound);
    return { intent: vote.intent, slots: filled.slots, confidence, filled, vote };
  });
  for (const clause of clausesOf(tokens, sound, text)) {
    const part = situationOf(tokens.slice(clause.first, clause.last), options);
    for (const vote of decide(part)) {
      if (TALK.has(vote.intent) && options.pending === undefined) continue;
      const confidence = confidenceIn(clause, vote, part, reading, sound);
      const known = candidates.findIndex(({ intent }) => intent === vote.intent);
      if (known >= 0 && candidates[known].confidence >= confidence) continue;
      // The clause says what is wanted; with what, the whole utterance.
      const filled = assemble(vote.intent, situation);
      const token = vote.token === undefined ? {} : { token: vote.token + clause.first };
      const candidate = { intent: vote.intent, slots: filled.slots, confidence, filled, vote: { ...vote, ...token } }; // prettier-ignore
      if (known >= 0) candidates[known] = candidate;
      else candidates.push(candidate);
    }
  }
  candidates.sort((a, b) => b.confidence - a.confidence);
  return { candidates, text, sound, reading };
}

/** Answers to what was asked: a clause of something longer is none, unless something was asked. */
const TALK: ReadonlySet<IntentName> = new Set(['confirm', 'deny', 'correct', 'help']);

function situationOf(tokens: readonly Token[], { venue, pending }: ParseOptions): Situation {
  const schemes =
    venue === undefined ? [] : [venue.seats, ...(venue.rooms ?? []).flatMap((room) => room.seats ?? [])];
  const letters = schemes.length === 0 || schemes.some((scheme) => scheme.kind === 'letter');
  const only = (kind: string): boolean =>
    schemes.length > 0 && schemes.every((scheme) => scheme.kind === kind);
  const phrase: Phrase = {
    tokens,
    mentions: findMentions(tokens, { letters, onlyLetters: only('letter'), onlyNumbers: only('number') }),
    predicates: findPredicates(tokens),
    senses: new Set(tokens.map((token) => token.sense)),
  };
  markRepairs(phrase);
  return new Situation(phrase, pending?.intent);
}

type Candidate = Parsed['candidates'][number];

const keyOf = ({ intent, slots }: Pick<IntentCandidate, 'intent' | 'slots'>): string =>
  `${intent} ${JSON.stringify(Object.entries(slots).sort())}`;

/** The vote of all hypotheses over readings: each gives each of its readings its weight times its confidence. */
class Ballot {
  private readonly scores = new Map<
    string,
    { score: number; top: number; parsed: Parsed; candidate: Candidate }
  >();
  private readonly byIntent = new Map<IntentName, number>();
  private weight = 0;

  cast(parsed: Parsed, weight: number, venue: ParseOptions['venue']): void {
    this.weight += weight;
    const intents = new Map<IntentName, number>();
    for (const candidate of parsed.candidates) {
      // A reading that the venue can serve is preferred: nobody asks for a seat that is not there.
      const share = weight * candidate.confidence * (problemsOf(candidate, venue).length === 0 ? 1 : 0.45);
      const known = this.scores.get(keyOf(candidate));
      const better = known === undefined || share > known.top;
      this.scores.set(keyOf(candidate), {
        score: (known?.score ?? 0) + share,
        top: better ? share : known.top,
        parsed: better ? parsed : known.parsed,
        candidate: better ? candidate : known.candidate,
      });
      intents.set(
        candidate.intent,
        Math.max(intents.get(candidate.intent) ?? 0, weight * candidate.confidence),
      );
    }
    for (const [intent, share] of intents)
      this.byIntent.set(intent, (this.byIntent.get(intent) ?? 0) + share);
  }

  elected(): { parsed: Parsed; candidate: Candidate } | undefined {
    let best: { score: number; parsed: Parsed; candidate: Candidate } | undefined;
    for (const entry of this.scores.values())
      if (best === undefined || entry.score > best.score + 1e-9) best = entry;
    return best;
  }

  /** The share of the hypotheses' weight that speaks for an intent. */
  support(intent: IntentName): number {
    return (this.byIntent.get(intent) ?? 0) / this.weight;
  }
}

const plain = ({ intent, slots, confidence }: IntentCandidate): IntentCandidate => ({
  intent,
  slots,
  confidence,
});

/** Times of the recogniser's words by their place in the text. */
function wordSpans(
  text: string,
  words: ParseOptions['words'],
): { from: number; to: number; start: number; end: number }[] {
  const spans: { from: number; to: number; start: number; end: number }[] = [];
  let at = 0;
  for (const { word, start, end } of words ?? []) {
    const from = text.indexOf(word, at);
    if (from < 0 || word === '') continue;
    at = from + word.length;
    spans.push({ from, to: at, start, end });
  }
  return spans;
}

function explain(
  parsed: Parsed,
  best: Parsed['candidates'][number],
  words: ParseOptions['words'],
): SlotEvidence[] {
  const { tokens } = parsed.reading;
  const { source, length } = parsed.sound;
  const spans = wordSpans(parsed.text, words);
  const evidence = (slot: keyof Slots | 'intent', first: number, last: number): SlotEvidence | undefined => {
    if (tokens[first] === undefined || last <= first) return undefined;
    const start = source[tokens[first].start];
    const stop = tokens[last - 1].end;
    // A word cut inside its last syllable takes the whole syllable.
    let end = stop < length ? source[stop] : Math.min(parsed.text.length, MAX_TEXT_LENGTH);
    if (end <= start) end = start + 1;
    const text = parsed.text.slice(start, end).trimEnd();
    const inside = spans.filter((span) => span.from < start + text.length && span.to > start);
    const times =
      inside.length === 0 ? {} : { startTime: inside[0].start, endTime: inside[inside.length - 1].end };
    return { slot, start, end: start + text.length, text, ...times };
  };
  const out: (SlotEvidence | undefined)[] = [];
  if (best.vote.token !== undefined) out.push(evidence('intent', best.vote.token, best.vote.token + 1));
  for (const { slot, mention } of best.filled.sources) out.push(evidence(slot, mention.first, mention.last));
  return out.filter((item) => item !== undefined);
}

const NONE: IntentName = 'none';

/**
 * Reads a command out of a recogniser's text. Pure, synchronous, bounded: at most {@link MAX_TEXT_LENGTH} characters
 * are read, longer texts are `none`. Further hypotheses vote: the reading that most of them believe in wins.
 */
export const parseIntent: ParseIntent = (text, options = {}) => {
  const threshold = options.rejectBelow ?? REJECT_BELOW;
  const result = (intent: IntentName, slots: Slots, confidence: number, rest: Partial<IntentResult> = {}): IntentResult => ({
    text, intent, slots, confidence, evidence: [], alternatives: [], problems: [], ...rest,
  }); // prettier-ignore
  if (text.length > MAX_TEXT_LENGTH) return result(NONE, {}, 0.99);
  const hypotheses = [
    text,
    ...(options.alternatives ?? []).slice(0, MAX_HYPOTHESES).map((other) => other.text),
  ];
  const all: IntentCandidate[] = [];
  const ballot = new Ballot();
  hypotheses.forEach((hypothesis, rank) => {
    if (hypothesis.length > MAX_TEXT_LENGTH) return;
    const parsed = parseOne(hypothesis.normalize('NFC'), options);
    ballot.cast(parsed, RANK_WEIGHT ** rank, options.venue);
    all.push(
      ...parsed.candidates.map((candidate) =>
        rank === 0
          ? plain(candidate)
          : { ...plain(candidate), confidence: candidate.confidence * 0.9 ** rank },
      ),
    );
  });
  const elected = ballot.elected();
  const chosen = elected?.parsed;
  const best = elected?.candidate;
  const alternatives = distinct(all, best)
    .filter(
      (candidate) => candidate.confidence >= (best?.confidence ?? 0) - CLOSE && candidate.confidence >= 0.2,
    )
    .slice(0, 3);
  if (chosen === undefined || best === undefined) return result(NONE, {}, 0.95);
  if (best.confidence < threshold || ballot.support(best.intent) < Math.min(SUPPORT, threshold)) {
    return result(NONE, {}, 1 - Math.min(best.confidence, ballot.support(best.intent)), {
      alternatives: [plain(best), ...alternatives].filter((c) => c.confidence >= 0.2).slice(0, 3),
    });
  }
  return result(best.intent, best.slots, best.confidence, {
    evidence: explain(chosen, best, options.words),
    alternatives,
    problems: problemsOf(best, options.venue),
  });
};

/** Candidates unlike the best and unlike each other. */
function distinct(all: readonly IntentCandidate[], best: IntentCandidate | undefined): IntentCandidate[] {
  const key = (candidate: IntentCandidate): string =>
    `${candidate.intent} ${JSON.stringify(candidate.slots)}`;
  const seen = new Set(best === undefined ? [] : [key(best)]);
  return [...all]
    .sort((a, b) => b.confidence - a.confidence)
    .filter((candidate) => {
      const known = seen.has(key(candidate));
      seen.add(key(candidate));
      return !known;
    });
}
