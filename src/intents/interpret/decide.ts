/** Chooses the intent: each rule looks at the phrase and says which intent it speaks for, and how strongly. */
import type { IntentName } from '../contract.js';
import { Class } from '../grammar/lexicon.js';
import type { Mood } from '../lexicon/conjugation.js';
import type { Mention, MentionKind, Phrase, Predicate } from './phrase.js';

export interface Vote {
  readonly intent: IntentName;
  /** Log-odds scale; 0 is undecided. */
  readonly strength: number;
  /** Token of the word that decided, for the explanation. */
  readonly token?: number;
}

const REPORTS = new Set<Mood>(['past', 'past-question', 'quote', 'regret']);
const ASKS = new Set<Mood>(['question', 'able', 'permit']);
const SIDE = new Set<Mood>([
  'connect',
  'condition',
  'purpose',
  'attribute',
  'past-attribute',
  'future-attribute',
  'noun',
  'not-connect',
]);

/** A phrase with the questions the rules ask of it. */
export class Situation {
  readonly main: Predicate | undefined;
  readonly last: Predicate | undefined;

  constructor(
    readonly phrase: Phrase,
    readonly pending: IntentName | undefined,
  ) {
    const { predicates } = phrase;
    this.last = predicates.at(-1);
    this.main = predicates.findLast((predicate) => !SIDE.has(predicate.mood)) ?? this.last;
  }

  has(...senses: string[]): boolean {
    return senses.some((sense) => this.phrase.senses.has(sense));
  }
  mention(...kinds: MentionKind[]): Mention | undefined {
    return this.phrase.mentions.find((mention) => kinds.includes(mention.kind));
  }
  predicate(...senses: string[]): Predicate | undefined {
    return this.phrase.predicates.findLast((predicate) => senses.includes(predicate.sense));
  }
  /** The main predicate, where it is one of these. */
  mainIs(...senses: string[]): boolean {
    return this.main !== undefined && senses.includes(this.main.sense);
  }
  /** A verbal noun or verb that is done, not merely described: its own mood, or that of a bare noun's light verb. */
  active(...senses: string[]): Predicate | undefined {
    const found = this.predicate(...senses);
    if (
      found === undefined ||
      found.mood === 'noun' ||
      found.mood === 'attribute' ||
      found.mood === 'past-attribute'
    )
      return undefined;
    return found;
  }
  get mood(): Mood {
    return this.main?.mood ?? 'plain';
  }
  get asks(): boolean {
    return ASKS.has(this.mood);
  }
  get reports(): boolean {
    return REPORTS.has(this.mood);
  }
  get negated(): boolean {
    return this.main?.negated === true;
  }
  /** Whether something is done after a predicate: 비었으면 잡아 줘. */
  predicateAfter(predicate: Predicate): boolean {
    return this.phrase.predicates.some(
      (other) =>
        other.first > predicate.first && ['TAKE', 'RESERVE', 'GIVE', 'DO', 'MOVE'].includes(other.sense),
    );
  }
  /** 됐어, 됐나: a passive light verb carries the main predicate. */
  get becomes(): boolean {
    return this.phrase.senses.has('BECOME');
  }
  /** 사용 중, 쓰고 있어. */
  get inUse(): boolean {
    return (
      this.main?.sense === 'USE' &&
      (this.main.mood === 'question' || this.main.bare || this.main.mood === 'plain')
    );
  }
  get endsAsStatement(): boolean {
    const last = this.phrase.tokens.at(-1);
    return (
      last !== undefined &&
      (last.sense.startsWith('BE:') ||
        (this.main?.last === this.phrase.tokens.length && this.main.mood !== 'command'))
    );
  }
  /** Any wish about which seat: what makes 부탁해요 a reservation. */
  get place(): boolean {
    return (
      this.mention('seat', 'row', 'room', 'floor', 'preference', 'any', 'relative', 'adjacent') !==
        undefined || this.has('SEAT', 'EMPTYSEAT')
    );
  }
  get numbered(): boolean {
    return this.phrase.mentions.some((mention) => mention.kind === 'seat' && mention.bare !== true);
  }
  get slots(): boolean {
    return this.phrase.mentions.some(
      (mention) =>
        mention.kind !== 'all' &&
        mention.kind !== 'now' &&
        mention.kind !== 'that' &&
        mention.kind !== 'together',
    );
  }
  /** How many tokens say something: fillers and particles left out. */
  get content(): number {
    return this.phrase.tokens.filter(
      (token) => token.cls !== Class.adverb && token.cls !== Class.particle && token.cls !== Class.ending,
    ).length;
  }
  only(...senses: string[]): boolean {
    return this.phrase.tokens.every(
      (token) =>
        token.cls === Class.adverb ||
        token.cls === Class.particle ||
        token.cls === Class.ending ||
        senses.includes(token.sense),
    );
  }
}

type Rule = (s: Situation) => Vote | undefined;

const vote = (intent: IntentName, strength: number, by?: Predicate): Vote => ({
  intent,
  strength,
  ...(by === undefined ? {} : { token: by.first }),
});

/** 네, 응, 그렇게 해 줘. */
const confirms: Rule = (s) => {
  if (s.has('NO', 'NEGATE') || s.negated) return undefined;
  const doing =
    s.mainIs('DO', 'PROCEED', 'GIVE', 'BECOME', 'GOOD', 'RIGHT', 'WISH', 'CALLED') || s.main === undefined;
  const talk = [
    'YES',
    'DO',
    'PROCEED',
    'GIVE',
    'BECOME',
    'GOOD',
    'RIGHT',
    'WISH',
    'CALLED',
    'THAT',
    'SHOWN',
    'REQUEST',
    'RIGHTNOW',
    'AT_ONCE',
    'HOW',
  ];
  if (s.has('HOW') || s.reports)
    return s.only('YES', 'SHOWN', 'DO') && s.has('YES') ? vote('confirm', 3) : undefined;
  if (s.only(...talk) && doing && !(s.asks && s.mood !== 'permit' && s.mood !== 'question')) {
    if (s.has('YES', 'RIGHT', 'GOOD', 'PROCEED')) return vote('confirm', 3.5);
    if (s.has('THAT') && s.main !== undefined && s.mood !== 'question')
      return vote('confirm', s.pending === undefined ? 0.6 : 3);
    if (
      s.pending !== undefined &&
      s.main !== undefined &&
      (s.mood === 'command' || s.mood === 'plain' || s.mood === 'intent')
    )
      return vote('confirm', 2.5);
    if (s.only('SHOWN') && s.has('SHOWN')) return vote('confirm', 2);
  }
  // 네 예약해 주세요: the pending command said once more.
  if (s.pending !== undefined && s.has('YES') && !s.slots && s.main !== undefined && !s.asks)
    return vote('confirm', 3.3);
  return undefined;
};

const COMMANDS = [
  'RESERVE',
  'ASSIGN',
  'RETURN',
  'EXTEND',
  'CANCEL',
  'BUY',
  'MOVE',
  'CHANGE',
  'TAKE',
  'SIT',
  'USE',
  'DO',
  'BUY',
  'LEAVE',
  'TAKEOUT',
  'LENGTHEN',
  'VACATE',
  'GO',
  'LOGIN',
  'LOGOUT',
  'ADDTIME',
];

const denies: Rule = (s) => {
  if (
    s.main !== undefined &&
    s.negated &&
    s.mood !== 'not-connect' &&
    !ASKS.has(s.mood) &&
    s.mainIs(...COMMANDS) &&
    !s.reports &&
    s.mood !== 'command'
  ) {
    if (s.mainIs('GO', 'LEAVE', 'COME') && !s.has('SEAT')) return undefined;
    const about =
      s.numbered ||
      s.place ||
      s.predicate('RESERVE', 'RETURN', 'EXTEND', 'CANCEL', 'BUY', 'MOVE') !== undefined ||
      s.content <= 2 ||
      s.has('NO');
    return about ? vote('deny', 3, s.main) : undefined;
  }
  if (
    s.phrase.predicates.some((p) => p.mood === 'not-connect') &&
    (s.mainIs('KEEP') || s.main?.mood === 'not-connect') &&
    !s.slots
  )
    return vote('deny', 2.6, s.main);
  if (s.mainIs('HATE', 'QUIT', 'GIVEUP') && s.content <= 2) return vote('deny', 2.5, s.main);
  if (!s.has('NO')) return undefined;
  if (
    s.only(
      'NO',
      'YES',
      'GOOD',
      'DO',
      'THAT',
      'BECOME',
      'NOT',
      'ENOUGH',
      'HATE',
      'WRONG',
      'QUIT',
      'RIGHTNOW',
    ) &&
    !s.slots
  )
    return vote('deny', 3.2);
  return undefined;
};

/** With a pending command, a bare slot replaces that of the command. */
const corrects: Rule = (s) => {
  if (s.pending === undefined || !s.slots || s.reports) return undefined;
  const rejected = s.phrase.mentions.some(
    (mention) => mention.role === 'rejected' || mention.role === 'asserted',
  );
  const no = s.has('NO', 'NEGATE', 'WRONG') || rejected;
  if (s.predicate('CANCEL', 'RETURN', 'BUY', 'EXTEND', 'REMAIN', 'EMPTY') !== undefined) return undefined;
  if (s.asks && !no) return undefined;
  if (no) return vote('correct', 3);
  if (s.predicate('CHANGE') !== undefined || s.has('CHANGE')) return vote('correct', 3.2);
  if (s.predicate('RESERVE', 'MOVE', 'TAKE', 'SIT', 'GO') !== undefined) return undefined;
  if (s.main === undefined || s.mainIs('DO', 'WISH', 'GIVE', 'BECOME', 'GOOD')) return vote('correct', 2);
  return undefined;
};

const account: Rule = (s) => {
  const short = s.content <= 6 && !s.reports;
  if (s.has('NO')) return undefined;
  if (s.has('LOGOUT')) return short && !s.negated ? vote('logout', 3, s.predicate('LOGOUT')) : undefined;
  if (s.has('LOGIN'))
    return short && !s.negated && s.mood !== 'connect' ? vote('login', 3, s.predicate('LOGIN')) : undefined;
  if (s.has('REFRESH') && short) return vote('refresh', 3);
  if (s.predicate('LOAD') !== undefined && short) return vote('refresh', 2.5, s.predicate('LOAD'));
  if (s.has('BARCODE') && short && !s.negated) return vote('show_barcode', 3);
  if (s.has('MYINFO') && short) return vote('my_info', 2.8);
  if (s.has('INFO') && s.has('MINE') && short) return vote('my_info', 2.5);
  return undefined;
};

const helps: Rule = (s) => {
  if (s.reports) return undefined;
  if (s.has('HELPWORD')) return vote('help', 3);
  if (s.mainIs('HELP') && s.content <= 3 && s.mood !== 'attribute') return vote('help', 2.5, s.main);
  if (
    s.has('HOW') &&
    s.predicate('USE', 'DO', 'RESERVE', 'TAKE', 'RETURN', 'EXTEND', 'TELL', 'MOVE', 'CANCEL', 'BUY') !==
      undefined &&
    s.content <= 5
  ) {
    return s.has('REMAINTIME') || s.numbered ? undefined : vote('help', 3.2);
  }
  if (
    s.has('WHAT') &&
    s.predicate('DO', 'TELL') !== undefined &&
    s.content <= 4 &&
    (s.asks || s.mood === 'condition')
  )
    return vote('help', 2);
  return undefined;
};

const asksStatus: Rule = (s) => {
  if (s.has('REMAINTIME', 'ENDTIME')) return vote('status', 3);
  const seatless = !s.numbered;
  if (s.has('HOWLONG') && s.predicate('REMAIN', 'USE') !== undefined) return vote('status', 2.8);
  if (s.has('UNTILWHEN') && s.content <= 6 && !s.mainIs('GO', 'COME', 'STUDY', 'BUY', 'LOOK'))
    return vote('status', 2.5);
  if (s.has('WHEN') && s.predicate('END', 'RETURN') !== undefined && s.content <= 6)
    return vote('status', 2.3);
  if (s.has('TIMEWORD') && s.predicate('REMAIN') !== undefined) return vote('status', 2.3);
  if (
    s.has('MINE') &&
    s.has('SEAT', 'NUMBERWORD') &&
    (s.has('WHERE', 'WHICHNUM', 'NUMBERWORD') ||
      s.has('SHOWN') ||
      s.predicate('TELL', 'SHOW') !== undefined) &&
    seatless
  )
    return vote('status', 3);
  if (s.has('SEAT') && s.has('WHICHNUM', 'WHERE') && s.predicate('SIT') !== undefined && s.has('MINE'))
    return vote('status', 2.5);
  if (
    s.has('MINE') &&
    s.has('WHERE', 'WHICHNUM') &&
    s.predicate('SIT', 'EXIST') !== undefined &&
    !s.has('EMPTYSEAT')
  )
    return vote('status', 2.2);
  if (
    s.has('STATUSWORD') &&
    !s.has('CANCEL', 'BUY', 'RETURN', 'EXTEND', 'MOVE', 'CHANGE') &&
    s.predicate('CANCEL', 'UNDO', 'BUY', 'MOVE', 'CHANGE') === undefined
  )
    return vote('status', 2.8);
  if (s.has('RESERVE') && s.has('SHOWN', 'LIST', 'STATE') && !s.numbered) return vote('status', 2.8);
  if (
    s.has('RESERVE') &&
    !s.has('SEAT') &&
    s.predicate('SHOW', 'TELL', 'SEEK', 'LOOK') !== undefined &&
    seatless &&
    s.predicate('RESERVE')?.mood !== 'able'
  )
    return vote('status', 2);
  if (
    s.has('RESERVE') &&
    s.mainIs('EXIST') &&
    s.predicate('RESERVE')?.mood !== 'command' &&
    seatless &&
    !s.has('SEAT', 'EMPTYSEAT')
  )
    return vote('status', 1.8);
  if (
    s.has('MINE') &&
    s.mainIs('RESERVE') &&
    (s.mood === 'past-question' || s.mood === 'permit') &&
    s.content <= 4
  )
    return vote('status', 1.4);
  return undefined;
};

const EXISTENCE = ['EMPTY', 'EXIST', 'REMAIN', 'NOTEXIST', 'FULL', 'POSSIBLE'];

const asksSeat: Rule = (s) => {
  const that = s.mention('that') !== undefined;
  if (!s.numbered && !(that && s.predicate('EMPTY') !== undefined)) return undefined;
  const wants = s.predicate('TAKE', 'GIVE', 'MOVE', 'RETURN', 'EXTEND', 'CANCEL', 'BUY', 'CHANGE');
  if (wants !== undefined && !ASKS.has(wants.mood) && !SIDE.has(wants.mood)) return undefined;
  const state = s.predicate(...EXISTENCE);
  const reserve = s.predicate('RESERVE');
  if (
    reserve !== undefined &&
    (reserve.mood === 'command' || reserve.mood === 'intent' || reserve.mood === 'want')
  )
    return undefined;
  const main = s.main;
  if (
    state !== undefined &&
    main !== undefined &&
    (state === main || s.mainIs('SHOWN', 'TELL', 'LOOK')) &&
    !SIDE.has(main.mood) &&
    !s.predicateAfter(state)
  ) {
    return vote('check_seat', 2.8, state);
  }
  if (s.has('WHO') && s.predicate('USE', 'SIT', 'EXIST', 'RESERVE') !== undefined)
    return vote('check_seat', 2.4);
  if (s.mainIs('RESERVE', 'TAKE') && s.mood === 'able') return vote('check_seat', 1.3, main);
  if (
    s.mainIs('USE', 'SIT', 'RESERVE', 'TAKE') &&
    (s.mood === 'able' || s.mood === 'permit' || s.mood === 'past-question')
  )
    return vote('check_seat', 2.2, main);
  if (
    s.mainIs('RESERVE') &&
    s.mood === 'past' &&
    s.predicate('RESERVE')?.last === s.phrase.tokens.length &&
    s.becomes
  )
    return vote('check_seat', 1.2, main);
  if (s.mainIs('USE', 'RESERVE') && s.mood === 'question') return vote('check_seat', 1.6, main);
  if (s.mainIs('USE') && s.inUse) return vote('check_seat', 2, main);
  if (
    s.mention('preference') !== undefined &&
    (main === undefined || s.mainIs('EXIST', 'BECOME')) &&
    s.endsAsStatement
  )
    return vote('check_seat', 2);
  if (s.mainIs('BECOME') && s.mood === 'question') return vote('check_seat', 1);
  if (s.has('STATE') || (s.has('SHOWN') && !s.has('RESERVE'))) return vote('check_seat', 1.6);
  if (s.mainIs('CALLED') && s.asks) return vote('check_seat', 1);
  return undefined;
};

const asksList: Rule = (s) => {
  if (
    s.numbered ||
    (s.reports && s.predicate(...EXISTENCE) === undefined) ||
    (s.has('WHO') && !s.has('SEAT', 'EMPTYSEAT'))
  )
    return undefined;
  const free = s.has('EMPTYSEAT');
  const seat =
    s.has('SEAT', 'EMPTYSEAT') ||
    s.mention('preference', 'room', 'row', 'floor', 'adjacent', 'party') !== undefined;
  const main = s.main;
  const commands = s.predicate('TAKE', 'GIVE', 'RESERVE', 'MOVE');
  if (
    commands !== undefined &&
    commands === main &&
    (commands.mood === 'command' ||
      commands.mood === 'intent' ||
      commands.mood === 'want' ||
      commands.mood === 'plain')
  )
    return undefined;
  if (s.predicate('RETURN', 'EXTEND', 'CANCEL', 'BUY', 'CHANGE') !== undefined) return undefined;
  if (free) {
    if (s.mainIs('SHOW', 'TELL', 'SEEK', 'LOOK', 'SHOWN', ...EXISTENCE) || main === undefined)
      return vote('list_available', 3, main);
    if (s.has('LIST', 'SHOWN', 'WHERE', 'HOWMANY', 'STATE')) return vote('list_available', 2.6);
    if (s.mainIs('DO', 'WISH') && (s.has('SHOWN') || s.mood === 'command'))
      return vote('list_available', 0.8);
    return s.mood === 'question' || s.mood === 'able' ? vote('list_available', 1.5) : undefined;
  }
  if (!seat) {
    return s.has('WHERE') && s.predicate('SIT') !== undefined && s.asks
      ? vote('list_available', 2)
      : undefined;
  }
  if (s.has('MINE') && s.has('WHERE', 'WHICHNUM')) return undefined;
  const state = s.predicate(...EXISTENCE);
  if (state !== undefined && state === main && !REPORTS.has(state.mood))
    return vote(
      'list_available',
      s.has('SEAT') || s.mention('room', 'row', 'floor', 'preference') !== undefined ? 2.4 : 1.2,
      state,
    );
  if (
    state !== undefined &&
    state === main &&
    state.sense !== 'EXIST' &&
    (s.has('SEAT', 'ROOMWORD') || s.mention('room') !== undefined)
  )
    return vote('list_available', 2.2, state);
  if (state !== undefined && s.mainIs('SHOW', 'TELL', 'SEEK', 'LOOK', 'SHOWN'))
    return vote('list_available', 2.4, state);
  if (
    s.predicate('RESERVE', 'SIT', 'USE')?.mood !== undefined &&
    s.has('SEAT') &&
    s.mainIs('SHOW', 'TELL', 'SEEK', 'EXIST', 'SHOWN')
  )
    return vote('list_available', 2.4);
  if (s.has('HOWMANY', 'WHERE') && s.has('SEAT')) return vote('list_available', 1.8);
  if (
    (s.has('LIST', 'STATE') || s.mainIs('SHOW', 'TELL')) &&
    (s.has('SEAT') || s.mention('room', 'floor') !== undefined)
  )
    return vote('list_available', 1.8);
  if (
    s.mainIs('SIT', 'USE', 'RESERVE') &&
    (s.mood === 'able' || s.mood === 'permit' || s.mood === 'question') &&
    s.place
  )
    return vote('list_available', 1.2);
  return undefined;
};

const cancels: Rule = (s) => {
  const cancel = s.active('CANCEL', 'UNDO');
  if (cancel === undefined && !(s.has('CANCEL') && (s.mainIs('DO', 'WISH', 'GIVE') || s.main === undefined)))
    return undefined;
  if (s.reports || s.negated || s.mood === 'condition') return undefined;
  const strong = cancel?.sense !== 'UNDO';
  if (!strong && !s.has('RESERVE', 'STATUSWORD') && !s.numbered) return undefined;
  const about = s.has('RESERVE', 'STATUSWORD', 'SEAT', 'MINE') || s.numbered;
  const alone = s.content <= 3 && !s.has('NEUTRAL');
  return vote('cancel', about ? 3.2 : alone ? 2 : 0.2, cancel);
};

const returns: Rule = (s) => {
  if (s.reports && !(s.has('ALL', 'FILLER') && s.mainIs('USE') && s.content <= 3)) return undefined;
  if (s.negated) return undefined;
  const back = s.active('RETURN');
  if (
    back !== undefined ||
    (s.has('RETURN') && (s.mainIs('DO', 'WISH', 'GIVE', 'BECOME') || s.main === undefined))
  ) {
    return s.mood === 'question' && !s.has('SEAT') && !s.numbered
      ? vote('return', 0.6, back)
      : vote('return', 3, back);
  }
  const seat = s.has('SEAT') || s.numbered || s.mention('that') !== undefined;
  if (s.mainIs('TAKEOUT', 'VACATE') && s.mood !== 'question')
    return vote('return', seat ? 2.6 : s.content <= 2 ? 0.8 : -1, s.main);
  if (
    s.mainIs('LEAVE') &&
    (s.mood === 'intent' ||
      s.mood === 'must' ||
      s.mood === 'want' ||
      s.mood === 'plain' ||
      s.mood === 'permit') &&
    s.content <= 3
  ) {
    return vote('return', s.mood === 'plain' ? 0.4 : 1.8, s.main);
  }
  if (
    s.mainIs('GO') &&
    s.mood === 'intent' &&
    s.content <= 3 &&
    s.mention('seat', 'room', 'row', 'preference', 'floor', 'other', 'relative') === undefined
  )
    return vote('return', s.has('NEUTRAL') ? 0.2 : s.content <= 2 ? 1 : 0.4, s.main);
  if (
    s.has('ENOUGH') &&
    s.mainIs('USE', 'SIT', 'DO', 'EXIST', 'GO', 'STUDY') &&
    (s.mood === 'intent' || s.mood === 'want' || s.mood === 'plain')
  )
    return vote('return', s.mainIs('USE', 'SIT') || seat ? 2.4 : 1.2, s.main);
  if (
    s.mainIs('END') &&
    !s.asks &&
    (s.has('USE') || seat) &&
    (s.mood === 'intent' || s.mood === 'command' || s.mood === 'plain' || s.mood === 'want')
  )
    return vote('return', 2.2, s.main);
  if (s.mainIs('END', 'QUIT') && s.mood === 'intent' && s.content <= 3) return vote('return', 1.2, s.main);
  if (s.has('ALL') && s.mainIs('USE') && s.mood === 'past' && s.content <= 3)
    return vote('return', 1.8, s.main);
  return undefined;
};

const extendable = new Set<Mood>([
  'intent',
  'want',
  'command',
  'plain',
  'must',
  'permit',
  'able',
  'question',
  'connect',
]);

const extends_: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  const word = s.active('EXTEND');
  if (word !== undefined || (s.has('EXTEND') && s.main === undefined)) return vote('extend', 3, word);
  if (s.has('EXTEND') && s.mainIs('DO', 'WISH', 'GIVE', 'BECOME')) return vote('extend', 2.8);
  const length = s.mention('duration') !== undefined || s.has('TIMEWORD');
  if (s.mainIs('LENGTHEN') && s.mood !== 'condition') {
    if (length || s.mention('clock', 'max') !== undefined) return vote('extend', 2.8, s.main);
    return vote('extend', s.numbered ? 1.5 : s.content <= 2 ? 0.6 : -0.5, s.main);
  }
  if (s.predicate('ADDTIME') !== undefined && length) return vote('extend', 2.6, s.predicate('ADDTIME'));
  if (!s.has('MORE')) return undefined;
  if (s.mention('preference') !== undefined && s.mention('duration', 'clock') === undefined) return undefined;
  if (s.mainIs('USE', 'SIT', 'EXIST', 'DO', 'STUDY', 'WISH', 'GIVE', 'RESERVE') && extendable.has(s.mood)) {
    return vote(
      'extend',
      s.mainIs('USE', 'SIT', 'EXIST') || length || s.mention('clock') !== undefined ? 2.5 : 0.5,
      s.main,
    );
  }
  if (s.main === undefined && s.mention('duration') !== undefined) return vote('extend', 2);
  return undefined;
};

const buys: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  const word = s.active('BUY');
  const about =
    s.has('SEAT', 'TICKET', 'RESERVE', 'STATUSWORD') || s.numbered || s.mention('that') !== undefined;
  if (word !== undefined && s.phrase.tokens[word.first].cls === Class.noun)
    return vote('purchase', s.asks && !about ? 0.5 : 3, word);
  if (s.has('BUY') && (s.mainIs('DO', 'WISH', 'GIVE', 'PROCEED', 'BECOME') || s.main === undefined))
    return vote('purchase', 2.8);
  if (
    word !== undefined &&
    s.mainIs('BUY') &&
    (s.mood === 'intent' ||
      s.mood === 'want' ||
      s.mood === 'command' ||
      s.mood === 'must' ||
      s.mood === 'able')
  )
    return vote('purchase', about ? 2.4 : s.content <= 1 ? 0.8 : -1, word);
  return undefined;
};

const GOALS: readonly MentionKind[] = [
  'seat',
  'row',
  'room',
  'floor',
  'preference',
  'relative',
  'any',
  'other',
  'that',
];

const moves: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  const goal = s.mention(...GOALS) !== undefined || s.has('SEAT');
  const move = s.active('MOVE');
  if (move !== undefined) return vote('move', goal ? 3 : s.content <= 2 ? 1 : -0.5, move);
  const change = s.active('CHANGE');
  if (change !== undefined || (s.has('CHANGE') && s.mainIs('DO', 'WISH', 'GIVE', 'BECOME'))) {
    if (s.has('RESERVE') && s.mention('date', 'clock', 'duration') !== undefined && !s.numbered)
      return vote('move', 0.4);
    return goal ? vote('move', s.mood === 'quote' ? -1 : 2.8, change) : undefined;
  }
  if (
    s.mainIs('GO', 'LEAVE', 'COME') &&
    (s.mood === 'intent' || s.mood === 'want' || s.mood === 'command' || s.mood === 'plain')
  ) {
    const to = s.phrase.mentions.some(
      (mention) =>
        GOALS.includes(mention.kind) &&
        (mention.role === 'to' || mention.kind === 'other') &&
        mention.kind !== 'that',
    );
    return to ? vote('move', 1.8, s.main) : undefined;
  }
  return undefined;
};

const RESERVING = new Set<Mood>([
  'plain',
  'command',
  'intent',
  'want',
  'must',
  'permit',
  'able',
  'connect',
  'question',
]);

const reserves: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  const { main } = s;
  const word = s.active('RESERVE') ?? s.active('ASSIGN');
  const asked = s.mood === 'able' || s.mood === 'permit' || s.mood === 'question';
  if (
    word !== undefined &&
    (word === main || s.mainIs('DO', 'WISH', 'GIVE', 'GOOD', 'BECOME', 'HURRY') || SIDE.has(s.mood))
  ) {
    if (word.mood === 'condition') return vote('reserve', -1, word);
    const solid = word.sense === 'RESERVE' || s.place;
    return vote('reserve', s.mood === 'able' ? 1.9 : asked ? (s.place ? 1.5 : 1) : solid ? 3 : 0.5, word);
  }
  if (
    s.has('RESERVE') &&
    (main === undefined || (s.mainIs('DO', 'WISH', 'GIVE', 'PROCEED') && RESERVING.has(s.mood)))
  )
    return vote('reserve', 2.6);
  if (main === undefined) {
    return s.slots && s.place && s.has('REQUEST')
      ? vote('reserve', 1.5)
      : s.phrase.mentions.some((m) => m.role === 'to') && s.place
        ? vote('reserve', 0.9)
        : s.numbered && s.content <= 3
          ? vote('reserve', 0.5)
          : undefined;
  }
  if (!RESERVING.has(s.mood)) return undefined;
  const take = s.mainIs('TAKE');
  if (take)
    return s.place || s.slots
      ? vote('reserve', s.mood === 'question' ? 1 : 2.8, main)
      : vote('reserve', s.content <= 2 ? 0.4 : -1, main);
  if (s.mainIs('SEEK') && s.place && s.mood === 'command') return vote('reserve', 1);
  if (s.mainIs('SIT', 'USE') && !asked) {
    const wish = s.mood === 'intent' || s.mood === 'want' || s.mood === 'command' || s.mood === 'must';
    return s.place || s.mention('duration') !== undefined
      ? vote('reserve', wish ? 2.4 : 0.3, main)
      : undefined;
  }
  if (s.mainIs('DO', 'WISH', 'GIVE', 'GOOD', 'GO') && s.place && !asked) {
    const wish = s.mood === 'command' || s.mood === 'intent' || s.mood === 'want' || s.mood === 'plain';
    return wish ? vote('reserve', s.mainIs('GO', 'GOOD') ? 1.2 : 2.2, main) : undefined;
  }
  if (s.mainIs('DO', 'WISH', 'GIVE') && s.mention('party') !== undefined && !asked)
    return vote('reserve', 1, main);
  if (s.mainIs('EXIST', 'EMPTY') && s.mood === 'condition' && s.place) return vote('reserve', 0.4, main);
  return undefined;
};

const RULES: readonly Rule[] = [
  corrects, confirms, denies, account, helps, asksStatus, cancels, returns, extends_, buys, moves, asksSeat, asksList, reserves,
]; // prettier-ignore
/** Earlier rules win ties and near ties: what is said more exactly comes first. */
const PRECEDENCE = 0.15;

/** All votes, strongest first, at most one for each intent. */
export function decide(situation: Situation): Vote[] {
  const best = new Map<IntentName, Vote>();
  RULES.forEach((rule, index) => {
    const cast = rule(situation);
    if (cast === undefined) return;
    const ranked = { ...cast, strength: cast.strength - (index * PRECEDENCE) / RULES.length };
    const known = best.get(cast.intent);
    if (known === undefined || known.strength < ranked.strength) best.set(cast.intent, ranked);
  });
  return [...best.values()].sort((a, b) => b.strength - a.strength);
}
