/** Finds what is done, wished or asked: verbs with the mood of their endings, verbal nouns with the verb that carries them. */
import { Class } from '../grammar/lexicon.js';
import type { Token } from '../grammar/lattice.js';
import type { Mood } from '../lexicon/conjugation.js';
import type { Predicate } from './phrase.js';

/** Nouns that are deeds. */
const VERBAL = new Set([
  'RESERVE', 'ASSIGN', 'MOVE', 'CHANGE', 'RETURN', 'EXTEND', 'ADDTIME', 'CANCEL', 'BUY', 'USE', 'END', 'SHOWN', 'LOGIN', 'LOGOUT', 'REFRESH', 'HELPWORD',
]); // prettier-ignore
const isVerb = (token: Token | undefined): boolean =>
  token !== undefined && (token.cls === Class.stem || token.cls === Class.eu || token.cls === Class.a);
/** Verbs that only carry a noun. */
const LIGHT = new Set(['DO', 'BECOME', 'GIVE', 'WISH', 'PROCEED', 'HELP']);
/** 예약 걸어 줘, 예약 넣어 줘: light beside a booking only. */
const PUTS = new Set(['PUT', 'ENTER']);
const BETWEEN = new Set([
  'FILLER',
  'OBJECT',
  'TOPIC',
  'ALSO',
  'ONLY',
  'SUBJECT',
  'NOT',
  'MORE',
  'AT_ONCE',
  'TO',
  'ABOUT',
  'ALL',
  'BOTH',
  'AT',
  'OR',
  'RIGHTNOW',
]);

const SPOKEN_MOODS = new Set<Mood>(['plain']);

interface VerbAt {
  readonly sense: string;
  readonly mood: Mood;
  readonly last: number;
  readonly address?: number;
}

function verbAt(tokens: readonly Token[], at: number): VerbAt | undefined {
  const token = tokens[at];
  if (!isVerb(token)) return undefined;
  const ending = tokens[at + 1];
  if (ending?.cls === Class.ending) {
    const address = ending.value === undefined ? {} : { address: ending.value };
    const mood = ending.sense === 'insist' ? 'command' : (ending.sense as Mood);
    return { sense: token.sense, mood, last: at + 2, ...address };
  }
  return { sense: token.sense, mood: 'plain', last: at + 1 };
}

const NEGATIVE_MOODS = new Set<Mood>(['forbid', 'not', 'not-connect']);

/** The mood of a verbal noun, by what carries it. */
function carried(
  tokens: readonly Token[],
  at: number,
): { mood: Mood; last: number; negated: boolean; bare: boolean } {
  let i = at + 1;
  let negated = false;
  while (i < tokens.length && BETWEEN.has(tokens[i].sense)) {
    if (tokens[i].sense === 'NOT') negated = true;
    i++;
  }
  // 이동 중이야
  if (tokens[i]?.sense === 'AMID') return { mood: 'ongoing', last: i + 1, negated, bare: true };
  // 예약 하나 걸어 줘
  if (tokens[i]?.sense === 'native' && tokens[i].value === 1) i++;
  const next = tokens[i];
  const verb = verbAt(tokens, i);
  const puts = verb !== undefined && PUTS.has(verb.sense) && tokens[at].sense === 'RESERVE';
  if (verb !== undefined && (LIGHT.has(verb.sense) || puts)) {
    let { mood } = verb;
    if (
      verb.sense === 'WISH' &&
      (mood === 'plain' || mood === 'intent' || mood === 'connect' || mood === 'permit')
    )
      mood = 'command';
    // 예약되나요 asks whether it can be done; 예약됐어 whether it was.
    if (verb.sense === 'BECOME' && (mood === 'plain' || mood === 'question')) mood = 'permit';
    if (verb.sense === 'GIVE')
      mood = mood === 'past' || mood === 'quote' || mood === 'attribute' ? mood : 'command';
    return { mood, last: verb.last, negated: negated || NEGATIVE_MOODS.has(mood), bare: false };
  }
  // 연장 신청할게요: to apply for a deed is to want it.
  if (next?.sense === 'ASSIGN' && tokens[at].sense !== 'ASSIGN' && tokens[at].sense !== 'USE')
    return carried(tokens, i);
  if (next?.sense === 'REQUEST' || next?.sense === 'NEED') {
    const after = verbAt(tokens, i + 1);
    const past = after?.mood === 'past' || after?.mood === 'quote';
    return { mood: past ? 'past' : 'command', last: after?.last ?? i + 1, negated: false, bare: false };
  }
  // 반납 말고 그냥 둬, 취소 말고 연장: not this deed.
  if (next?.sense === 'NEGATE') return { mood: 'not-connect', last: i + 1, negated: true, bare: false };
  if (next?.sense === 'POSSIBLE') {
    const after = verbAt(tokens, i + 1);
    const mood: Mood =
      after?.mood === 'condition' || after?.mood === 'attribute' || after?.mood === 'past-attribute'
        ? after.mood
        : 'permit';
    return { mood, last: after?.last ?? i + 1, negated: false, bare: false };
  }
  // 예약 안 하고: goes on to something else.
  if (negated && next?.sense === 'AND')
    return { mood: 'not-connect', last: i + 1, negated: true, bare: false };
  if (next?.cls === Class.particle && next.sense.startsWith('BE:')) {
    const mood = next.sense.slice(3) as Mood;
    return { mood: mood === 'correct' ? 'plain' : mood, last: i + 1, negated: mood === 'not', bare: true };
  }
  return { mood: 'plain', last: at + 1, negated, bare: true };
}

/** All predicates, in order. A verbal noun that only describes the next one (예약 취소) has the mood `noun`. */
export function findPredicates(tokens: readonly Token[]): Predicate[] {
  const out: Predicate[] = [];
  let at = 0;
  while (at < tokens.length) {
    const token = tokens[at];
    if (token.cls === Class.noun && VERBAL.has(token.sense)) {
      const { mood, last, negated, bare } = carried(tokens, at);
      const before = tokens[at - 1]?.sense === 'NOT';
      out.push({ sense: token.sense, mood, negated: negated || before, first: at, last, bare });
      at = last;
      continue;
    }
    const verb = verbAt(tokens, at);
    if (verb !== undefined) {
      let { mood } = verb;
      if (verb.sense === 'WISH' && (SPOKEN_MOODS.has(mood) || mood === 'intent' || mood === 'connect'))
        mood = 'command';
      // 부탁드려도 될까요
      if (verb.sense === 'WISH' && mood === 'permit') mood = 'command';
      // 주시면 돼요, 줄 수 있어요: asked for all the same.
      if (verb.sense === 'GIVE' && (mood === 'permit' || mood === 'able')) mood = 'command';
      const negated = NEGATIVE_MOODS.has(mood) || tokens[at - 1]?.sense === 'NOT';
      const address = verb.address === undefined ? {} : { address: verb.address };
      out.push({ sense: verb.sense, mood, negated, first: at, last: verb.last, bare: false, ...address });
      at = verb.last;
      continue;
    }
    if (token.sense === 'REQUEST' || token.sense === 'NEED') {
      const after = verbAt(tokens, at + 1);
      const past = after?.mood === 'past' || after?.mood === 'quote';
      out.push({
        sense: 'WISH',
        mood: past ? 'past' : 'command',
        negated: false,
        first: at,
        last: after?.last ?? at + 1,
        bare: false,
      });
      at = after?.last ?? at + 1;
      continue;
    }
    if (token.sense === 'POSSIBLE') {
      const after = verbAt(tokens, at + 1);
      out.push({
        sense: 'POSSIBLE',
        mood: after?.mood ?? 'question',
        negated: false,
        first: at,
        last: after?.last ?? at + 1,
        bare: false,
      });
      at = after?.last ?? at + 1;
      continue;
    }
    at++;
  }
  return out.map((predicate, index) => {
    const next = out[index + 1];
    // 구매하기, 자리 바꾸기: what is written on a button.
    if (predicate.mood === 'noun' && !predicate.bare && predicate.last === tokens.length)
      return { ...predicate, mood: 'plain' as const };
    const adjacent =
      next !== undefined &&
      predicate.bare &&
      tokens.slice(predicate.last, next.first).every((t) => BETWEEN.has(t.sense));
    return adjacent ? { ...predicate, mood: 'noun' as const } : predicate;
  });
}
