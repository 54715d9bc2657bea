/**
 * What speaks against a command being ours: its object is something else, somebody else does it or is told to do it,
 * it is asked about rather than asked for. Each objection is a price in log-odds; the rules' votes pay them all.
 */
import type { IntentName } from '../contract.js';
import { Class } from '../grammar/lexicon.js';
import type { Sound } from '../grammar/sound.js';
import type { Token } from '../grammar/lattice.js';
import type { Situation, Vote } from './situation.js';

/** What stands between a deed and its object without being it. */
const TRANSPARENT = new Set([
  'FILLER', 'ALL', 'BOTH', 'MORE', 'AT_ONCE', 'RIGHTNOW', 'TOGETHER', 'MAX', 'NOT', 'ENOUGH', 'ALONE', 'WEEKEND', 'WHEN', 'HOW', 'IF', 'REQUEST',
  'TICKET', 'UNTILWHEN', 'HOWLONG', 'WHY', 'TIMEWORD', 'ADDTIME', 'THAT', 'OBJECT', 'ONLY', 'ALSO', 'SUBJECT', 'TOPIC', 'OF', 'PUT', 'DO', 'USE', 'LIST', 'STATE', 'SHOWN',
]); // prettier-ignore
/** Particles that set a noun apart from the deed. */
const APART = new Set(['AT', 'FROM', 'SINCE', 'UNTIL', 'BECAUSE']);
/** Particles behind a noun that make it the deed's object or leave that open. */
const OBJECTIVE = new Set(['OBJECT', 'ONLY', 'ALSO', 'TOPIC', 'SUBJECT', 'OF']);
/** Deeds that are named by nouns: 식당 예약 취소, 노트북 대여 연장. */
const DEEDS = new Set([
  'RESERVE',
  'CANCEL',
  'RETURN',
  'EXTEND',
  'BUY',
  'MOVE',
  'CHANGE',
  'ASSIGN',
  'USE',
  'TIMEWORD',
  'INFO',
]);
const TIMES = /^(DATE|DAY|WEEK|PART|CLOCK):/;

const isTime = (token: Token): boolean =>
  TIMES.test(token.sense) ||
  token.cls === Class.number ||
  (token.cls === Class.unit && ['OCLOCK', 'HOURS', 'MINUTES', 'MONTH', 'DAY', 'PEOPLE', 'PIECES'].includes(token.sense)) ||
  ['HALF', 'AT', 'SINCE', 'UNTIL', 'FROM', 'ABOUT'].includes(token.sense); // prettier-ignore

/**
 * The noun that a deed is done to, looking left from it: 책상 in 책상 좀 옮겨 줘, 약속 in 저녁에 약속을 잡을 수 있어.
 * Undefined where it is one of ours, or where another clause begins first.
 */
export function foreignObject(s: Situation, deed: number): Token | undefined {
  const { tokens, mentions } = s.phrase;
  for (let at = deed - 1; at >= 0; at--) {
    const token = tokens[at];
    const after = tokens[at + 1];
    if (token.sense === 'NEUTRAL' || token.sense === 'WORD' || token.sense === 'CHAIR' || token.sense === 'FOREIGN') {
      // 학교에서, 과제 때문에: not what the deed is done to.
      const near = !APART.has(after.sense);
      return near ? token : undefined;
    } // prettier-ignore
    // What nobody knows, with a time or a filler between it and the deed; right before it, its own price says so.
    if (token.cls === Class.unknown)
      return token.end - token.start > 2 && at < deed - 1 && !APART.has(after.sense) ? token : undefined;
    if (isTime(token) || TRANSPARENT.has(token.sense) || DEEDS.has(token.sense)) {
      const seat = mentions.some((m) => m.first <= at && at < m.last && SEATS.has(m.kind) && m.bare !== true);
      if (seat) return undefined;
      continue;
    }
    return undefined;
  }
  return undefined;
}
/** 라이터를 창가로 옮겨 줘: a thing marked as the object is one, wherever it stands in the deed's clause. */
function markedObject(s: Situation, deed: number): Token | undefined {
  const { tokens } = s.phrase;
  for (let at = deed - 1; at > 0; at--) {
    if (tokens[at].cls === Class.ending && !TIED.has(tokens[at].sense)) return undefined;
    const { sense, cls, start, end } = tokens[at - 1];
    const thing = sense === 'WORD' || sense === 'NEUTRAL' || sense === 'CHAIR' || (cls === Class.unknown && end - start > 2);
    if ((tokens[at].sense === 'OBJECT' || tokens[at].sense === 'TOPIC') && thing) return tokens[at - 1];
  } // prettier-ignore
  return undefined;
}
const TIED = new Set(['attribute', 'past-attribute', 'future-attribute', 'noun']);
const THINGS = new Set(['WORD', 'NEUTRAL']);
const SEATS = new Set(['seat', 'row', 'room', 'floor', 'preference', 'relative', 'any', 'other', 'adjacent']);

/** Whether a word is only the piece of a longer one: 연장 in 공연장, 로가 in 위로가. */
function partOfWord(s: Situation, at: number, sound: Sound): boolean {
  const { tokens, mentions } = s.phrase;
  const before = tokens[at - 1];
  const stray = (token: Token | undefined): boolean =>
    token !== undefined &&
    (token.cls === Class.unknown ||
      (token.cls === Class.number &&
        token.end - token.start <= 3 &&
        !mentions.some((m) => m.bare !== true && m.first < at && m.last >= at)));
  return sound.starts[tokens[at].start] !== 2 && stray(before) && before.end === tokens[at].start;
}

/** Those who do or are told to do it. */
function somebodyElse(s: Situation, vote: Vote): number {
  const { tokens } = s.phrase;
  let price = 0;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token.sense === 'insist' && s.has('PERSON')) price = Math.max(price, 3.5);
    if (token.sense === 'YOU' && vote.intent !== 'help') price = Math.max(price, 3.5);
    if (token.sense !== 'PERSON') return;
    if (next?.cls === Class.particle && ['SUBJECT', 'TOPIC'].includes(next.sense)) {
      // 할머니가 앉을 자리: who it is for.
      const verb = s.phrase.predicates.find((predicate) => predicate.first > at);
      const aside = verb !== undefined && verb !== s.main && verb.mood !== 'noun';
      price = Math.max(price, aside ? 0.3 : s.mood === 'command' && s.place ? 1 : 3.5);
    } else if (next?.sense === 'DATIVE' && token.sense === 'PERSON') price = Math.max(price, 2);
    else price = Math.max(price, 0.1);
  });
  return price;
}

const BORROWED = new Set<IntentName>(['return', 'extend', 'cancel', 'purchase']);
/** 충전기 반납할게요, 멀티탭 구매: a thing that seats have, by itself. */
function thingOfDesk(s: Situation, vote: Vote, deed: number): boolean {
  if (!BORROWED.has(vote.intent) || s.numbered || s.has('SEAT', 'EMPTYSEAT', 'RESERVE', 'STATUSWORD'))
    return false;
  const { tokens } = s.phrase;
  const at =
    tokens[deed - 1]?.sense === 'OBJECT' || tokens[deed - 1]?.sense === 'FILLER' ? deed - 2 : deed - 1;
  return s.has('BORROW') || ['OUTLET', 'PARTITION', 'CHAIR', 'DOOR', 'WINDOW'].includes(tokens[at]?.sense);
}

const LIGHT = new Set(['GIVE', 'DO']);
const CUT_OFF = new Set(['SUBJECT', 'OBJECT', 'TOPIC', 'AND']);
const COMMANDS = new Set<IntentName>(['reserve', 'move', 'return', 'extend', 'cancel', 'purchase']);
/** Deeds of a body: told to do them is a person. */
const BODILY = new Set(['SIT', 'GO', 'LEAVE', 'COME']);

/** What is named where no predicate decided: the word for help, the booking asked about. */
function deedOf(s: Situation, vote: Vote): number | undefined {
  const senses = NAMED[vote.intent];
  if (senses === undefined) return undefined;
  const at = s.phrase.tokens.findIndex((token) => senses.includes(token.sense));
  return at < 0 ? s.main?.first : at;
}
const NAMED: Readonly<Partial<Record<IntentName, readonly string[]>>> = {
  help: ['HELPWORD', 'HOW'],
  status: ['STATUSWORD', 'RESERVE', 'REMAINTIME', 'ENDTIME', 'UNTILWHEN', 'HOWLONG'],
  reserve: ['RESERVE'],
  cancel: ['CANCEL'],
  extend: ['EXTEND'],
  refresh: ['REFRESH'],
};

/** 예약이 밀렸어, 취소는 언제까지 가능해요: something is said or asked about the deed itself. */
function stated(s: Situation, vote: Vote): number {
  if (
    vote.intent === 'help' ||
    vote.intent === 'confirm' ||
    vote.intent === 'deny' ||
    vote.intent === 'correct'
  )
    return 0;
  const { tokens } = s.phrase;
  let price = 0;
  tokens.forEach((token, at) => {
    if (token.cls !== Class.noun || !ABSTRACT.has(token.sense)) return;
    const particle = tokens[at + 1];
    if (particle?.cls !== Class.particle) return;
    // 예약을 음 그: cut off.
    if (
      particle.sense === 'OBJECT' &&
      s.phrase.predicates.every(
        (predicate) => predicate.first < at || (predicate.first === at && predicate.bare),
      )
    )
      price = 3;
    // 예약이 잘 들어갔는지: its own verb carries it.
    if (s.phrase.predicates.some((predicate) => predicate.first === at && !predicate.bare)) return;
    const verb = s.phrase.predicates.find((predicate) => predicate.first >= at + 2);
    if (particle.sense === 'SUBJECT' && verb !== undefined && !CARRIES.has(verb.sense)) price = 3;
    if (
      particle.sense === 'TOPIC' &&
      (s.asks || s.mainIs('POSSIBLE')) &&
      !s.place &&
      s.mention('that') === undefined
    )
      price = 2.5;
  });
  return price;
}
const ABSTRACT = new Set(['RESERVE', 'CANCEL', 'RETURN', 'EXTEND', 'BUY', 'MOVE', 'CHANGE']);
const CARRIES = new Set(['ENTER', 'BECOME', 'WISH', 'GOOD', 'EXIST', 'NOTEXIST', 'DO', 'POSSIBLE', 'END']);

/**
 * Words between two spaces that only scraps add up to: 자막 read as 자 and 막, 과로 as 과 and 로. Such a word is one
 * that nobody here knows.
 */
function scraps(s: Situation, sound: Sound): number[] {
  const { tokens } = s.phrase;
  const found: number[] = [];
  for (let at = 0; at < tokens.length; at++) {
    if (sound.starts[tokens[at].start] !== 2) continue;
    let end = at;
    while (
      end < tokens.length &&
      isScrap(tokens[end]) &&
      (end === at || sound.starts[tokens[end].start] !== 2)
    )
      end++;
    const whole = end === tokens.length || sound.starts[tokens[end].start] === 2;
    if (whole && end - at >= 2) found.push(at);
  }
  return found;
}
const isScrap = (token: Token): boolean =>
  token.sense === 'FILLER' ||
  token.sense === 'PLACE' ||
  (token.cls === Class.particle && !token.sense.startsWith('BE:'));

/** The sum of what speaks against this vote. */
export function objections(s: Situation, vote: Vote, sound: Sound): number {
  const { tokens } = s.phrase;
  let price = somebodyElse(s, vote);
  const deed = vote.token ?? deedOf(s, vote);
  if (deed !== undefined) {
    const object = foreignObject(s, deed) ?? markedObject(s, deed);
    const paid = vote.intent !== 'purchase' && tokens[deed - 1]?.sense === 'PAYMEANS';
    if (object !== undefined || paid)
      price +=
        object?.sense === 'FOREIGN' ? 0.5 : object?.cls === Class.unknown ? (s.numbered ? 1 : 2.2) : 3.5;
    if (partOfWord(s, deed, sound)) price += 3;
  }
  if (deed !== undefined && thingOfDesk(s, vote, deed)) price += 3.5;
  const { main } = s;
  // 자리 깔아 줘, where 깔아 is unknown: what is to be done is.
  if (
    main !== undefined &&
    LIGHT.has(main.sense) &&
    deed === main.first &&
    tokens[deed - 1]?.cls === Class.unknown
  )
    price += 2;
  if (
    main !== undefined &&
    BODILY.has(main.sense) &&
    main.mood === 'forbid' &&
    !s.numbered &&
    s.pending === undefined
  )
    price += 2.5;
  // 자리 좀 비워 주세요: told to who sits there.
  if (main?.sense === 'VACATE' && main.mood === 'command') price += 3;
  if (main !== undefined && BODILY.has(main.sense) && vote.intent !== 'login' && vote.intent !== 'logout') {
    if (main.address === 1) price += 3.5;
    else if (main.mood === 'command' && main.address !== 3 && !s.numbered) price += 2.5;
  }
  if (s.has('WHY')) price += 3.5;
  price += stated(s, vote);
  // 예약만 하고 안 가면 어떻게 돼요
  if (s.has('HOW') && s.mainIs('BECOME') && s.phrase.predicates.some((p) => p.mood === 'condition'))
    price += 3;
  price += 1.5 * Math.min(2, scraps(s, sound).length);
  // 아 그러니까 이십칠번이: cut off.
  const end = tokens.at(-1);
  if (
    main === undefined &&
    end?.cls === Class.particle &&
    CUT_OFF.has(end.sense) &&
    s.pending === undefined &&
    COMMANDS.has(vote.intent)
  )
    price += 2;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    // 상견례 자리: a place of another kind. 연장 가방, 예약 손님: the deed only says which.
    if (token.sense === 'WORD' && next?.sense === 'SEAT' && !s.numbered) price += 2;
    if (DEEDS.has(token.sense) && token.cls === Class.noun && next !== undefined && THINGS.has(next.sense)) price += 3;
    // 이동 수단이 뭐야: the deed names the kind of a thing nobody here knows.
    if (DEEDS.has(token.sense) && token.cls === Class.noun && next?.cls === Class.unknown && next.end - next.start >= 3 && OBJECTIVE.has(tokens[at + 2]?.sense)) price += 2;
    // 그 사람 자리: somebody's.
    if (token.sense === 'PERSON' && (next?.sense === 'SEAT' || (next?.sense === 'NEXT' && !s.numbered))) price += 2.5;
  }); // prettier-ignore
  return price;
}
