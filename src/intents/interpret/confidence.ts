/** How sure the reading is: the rule's strength, lowered by edits, by words nobody knows, and by words from elsewhere. */
import type { IntentName } from '../contract.js';
import { Class } from '../grammar/lexicon.js';
import type { Reading, Token } from '../grammar/lattice.js';
import type { Mood } from '../lexicon/conjugation.js';
import type { Sound } from '../grammar/sound.js';
import type { Clause } from './clauses.js';
import type { Vote, Situation } from './decide.js';
import { objections } from './scope.js';

/** Endings that tie their verb to what follows; after any other a new clause begins. */
const TIES = new Set(['attribute', 'past-attribute', 'future-attribute', 'noun', 'intent']);

/**
 * Fitted by scripts/calibrate-intents.mjs (Platt, Advances in Large Margin Classifiers, 1999): logistic regression on generated
 * commands with a recogniser's confusions, on rows that a recogniser made (asr-dev.json), on public text and on the
 * development set's look-alikes, each with the same weight, so that about half of what is met is in scope.
 */
export const SCALE = 1.14;
export const SHIFT = -0.4;

/** First token of the clause the main predicate stands in. */
function clauseStart(situation: Situation): number {
  const { tokens } = situation.phrase;
  const end = situation.main?.first ?? tokens.length;
  for (let at = end - 1; at > 0; at--) {
    if (tokens[at].cls === Class.ending && !TIES.has(tokens[at].sense)) return at + 1;
    if (tokens[at].cls === Class.ending && tokens[at].sense === 'intent' && at < end - 2) return at + 1;
  }
  return 0;
}

/** First token of the clause a token stands in; the utterance's end where there is no such token. */
function clauseAround(tokens: readonly Token[], token: number | undefined): number {
  if (token === undefined) return tokens.length;
  for (let at = token - 1; at > 0; at--) {
    if (tokens[at].cls === Class.ending && !TIES.has(tokens[at].sense)) return at + 1;
  }
  return 0;
}

/** What is said with these is no object: 소음 때문에, 가게에서. */
const ADJUNCT = new Set(['BECAUSE', 'FROM', 'SUBJECT', 'AND']);
/** 전망 좋은 자리: what the place is like. */
const describes = (tokens: readonly Token[], at: number): boolean =>
  tokens[at]?.sense !== 'FOREIGN' && ATTRIBUTES.has(tokens[at + 1]?.sense);
/** 칸막이 쳐진 자리. */
const ofSeat = (tokens: readonly Token[], at: number): boolean =>
  ATTRIBUTES.has(tokens[at + 1]?.sense) && tokens[at + 2]?.sense === 'SEAT';
const ATTRIBUTES = new Set(['attribute', 'past-attribute']);
const WORD_PRICE = 2.6;
const WISHES = new Set<Mood>(['command', 'intent', 'want']);
/** Whether the deed was heard as it is written, and asked for in so many words. */
function isClear(vote: Vote, situation: Situation): boolean {
  const deed = situation.phrase.predicates.find((predicate) => predicate.first === vote.token);
  return deed !== undefined && WISHES.has(deed.mood) && situation.phrase.tokens[deed.first].edits === 0;
}

/** What an unknown word before it takes away from us. */
const BOOKED = new Set(['SEAT', 'RESERVE', 'CANCEL', 'RETURN', 'EXTEND', 'BUY', 'MOVE', 'CHANGE']);

/** Words that, heard clearly, make it likely that the rest was meant for us although it was heard badly. */
const SUPPORT = new Set([
  'SEAT',
  'EMPTYSEAT',
  'RESERVE',
  'ROOMWORD',
  'EXTEND',
  'RETURN',
  'CANCEL',
  'MINE',
  'BARCODE',
  'STATUSWORD',
]);
/** Intents that every service has: unknown words beside them mean another service. */
const GENERAL = new Set<IntentName>([
  'help',
  'my_info',
  'status',
  'refresh',
  'login',
  'logout',
  'purchase',
  'show_barcode',
  'confirm',
  'deny',
]);
/** Intents that other services have too: a foreign word beside them makes them somebody else's. */
const OURS = new Set<IntentName>(['confirm', 'deny']);

const logistic = (evidence: number): number => 1 / (1 + Math.exp(-(SCALE * evidence + SHIFT)));

/** Probability that the vote is right. */
export function confidenceOf(vote: Vote, situation: Situation, reading: Reading, sound: Sound): number {
  return logistic(evidenceOf(vote, situation, reading, sound));
}

/** What it costs to believe that a clause alone holds the request. */
const CLAUSE_PRICE = 0.5;
/** What clauses beside it take away. */
function aside(token: Token): number {
  if (token.sense === 'FOREIGN') return 0.9;
  if (token.sense === 'WORD') return 0.3;
  if (token.sense === 'quote' || token.sense === 'regret' || token.sense === 'offer') return 1.2;
  if (token.sense === 'PASTTIME') return 0.3;
  return token.cls === Class.unknown ? 0.15 * Math.min(8, token.end - token.start) : token.edits * 0.4;
}

/** Probability that a clause's vote is right, `situation` being that of the clause alone. */
export function confidenceIn(
  clause: Clause,
  vote: Vote,
  situation: Situation,
  reading: Reading,
  sound: Sound,
): number {
  const outside = reading.tokens.reduce(
    (sum, token, at) => sum + (at < clause.first || at >= clause.last ? aside(token) : 0),
    0,
  );
  // 예약했는데 자리가 없어요: a complaint, no question.
  const complaint =
    reading.tokens[clause.first - 1]?.sense === 'past' &&
    (vote.intent === 'list_available' || vote.intent === 'check_seat') &&
    situation.mood === 'plain';
  const price = CLAUSE_PRICE + (complaint ? 2.5 : 0) + Math.min(3, outside);
  return logistic(evidenceOf(vote, situation, reading, sound) - price);
}

function evidenceOf(vote: Vote, situation: Situation, reading: Reading, sound: Sound): number {
  const { tokens } = situation.phrase;
  const start = Math.min(clauseStart(situation), clauseAround(tokens, vote.token));
  const seat = situation.numbered ? 0.5 : 0;
  const supported =
    situation.pending !== undefined ||
    tokens.some((token) => token.edits === 0 && SUPPORT.has(token.sense)) ||
    situation.phrase.mentions.some(
      (mention) => mention.kind === 'seat' && mention.bare !== true && tokens[mention.first].edits === 0,
    );
  const editPrice = supported ? 0.6 : 2.2;
  const general = GENERAL.has(vote.intent);
  // 27번 ... 예약해 줘: a seat and what to do with it, both heard clearly; an unknown word between is seldom foreign.
  const core = seat > 0 && isClear(vote, situation);
  let evidence = vote.strength - objections(situation, vote, sound);
  tokens.forEach((token, index) => {
    const inside = index >= start;
    if (token.sense === 'FOREIGN' && token.cls !== Class.noun && ofSeat(tokens, index)) evidence -= 1.5;
    else if (token.sense === 'FOREIGN' || (token.sense === 'JOB' && !situation.numbered))
      evidence -= inside || general ? (OURS.has(vote.intent) ? 4 : 4.5) : 0.8;
    else if (token.sense === 'WORD')
      evidence -=
        inside || general
          ? ADJUNCT.has(tokens[index + 1]?.sense) || describes(tokens, index + 1)
            ? 0.8
            : seat > 0
              ? 1.4
              : WORD_PRICE
          : 0.3;
    else if (token.cls === Class.unknown) {
      const length = token.end - token.start;
      evidence -=
        (general ? 0.8 : inside ? (ADJUNCT.has(tokens[index + 1]?.sense) ? 0.3 : 0.55) : 0.18) *
          Math.min(length, 8) *
          (core ? 0.4 : seat > 0 ? 0.6 : 1) +
        (inside && length > 2 ? 0.6 : 0);
      // 상견례 자리, 번지점프 예약: what nobody knows says what is booked.
      if (length > 2 && tokens[index + 1] !== undefined && BOOKED.has(tokens[index + 1].sense))
        evidence -= situation.numbered
          ? 1
          : situation.has('SEAT') && tokens[index + 1].sense !== 'SEAT'
            ? 2
            : 2.5;
    } else if (token.sense === 'PASTTIME')
      // 아까 잡은 자리 취소해 줘: what is asked for now may be about what was.
      evidence -=
        situation.has('STATUSWORD') ||
        situation.predicate('CANCEL') !== undefined ||
        WISHES.has(situation.mood)
          ? 0.3
          : 3;
    else if (token.sense === 'DATIVE' && tokens[index - 1]?.sense !== 'MINE') evidence -= 2;
    else if (token.sense === 'quote' || token.sense === 'regret' || token.sense === 'offer')
      // 내가 어디 앉아 있더라: asks oneself.
      evidence -=
        vote.intent === 'status' && situation.has('MINE') && situation.has('WHERE', 'WHAT', 'WHICHNUM')
          ? 0
          : 3.5;
    else if (token.sense === 'FEEL' && index === situation.main?.first) evidence -= 3;
    else if (token.sense === 'WEEKEND') evidence -= 0.5;
    if (token.edits > 0) evidence -= token.edits * editPrice;
  });
  evidence -= Math.max(0, reading.cost / Math.max(sound.length, 1) - 0.3) * 3;
  return evidence;
}
