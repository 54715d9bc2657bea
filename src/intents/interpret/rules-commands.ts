/** Commands that change something: cancel, return, extend, purchase, move, reserve. */
import type { Mood } from '../lexicon/conjugation.js';
import type { MentionKind } from './phrase.js';
import { Class } from '../grammar/lexicon.js';
import { SIDE, vote, type Rule } from './situation.js';

export const cancels: Rule = (s) => {
  const cancel = s.active('CANCEL', 'UNDO');
  if (s.inquires || s.has('WHERE')) return undefined;
  // 잡아 둔 거 풀어 줘
  if (s.mainIs('UNTIE') && s.has('RESERVE', 'STATUSWORD') && !s.asks && !s.negated && !s.reports)
    return vote('cancel', 2.4, s.main);
  // 예약은 빼 줘: what is taken out is the booking, not the bag on a seat.
  if (
    cancel === undefined &&
    s.mainIs('TAKEOUT') &&
    s.has('RESERVE', 'STATUSWORD') &&
    !s.asks &&
    !s.negated &&
    !s.reports
  )
    return vote('cancel', 2.6, s.main);
  if (
    cancel === undefined &&
    !(s.named('CANCEL') && (s.mainIs('DO', 'WISH', 'GIVE') || s.main === undefined))
  )
    return undefined;
  if (s.reports || s.negated || s.mood === 'condition') return undefined;
  const strong = cancel?.sense !== 'UNDO';
  if (!strong && cancel !== s.main) return undefined;
  if (!strong && !s.has('RESERVE', 'STATUSWORD') && !s.numbered) return undefined;
  const about = s.has('RESERVE', 'STATUSWORD', 'SEAT', 'MINE') || s.numbered;
  const alone = s.content <= 3 && !s.has('NEUTRAL');
  return vote('cancel', about ? 3.2 : alone ? 2 : 0.2, cancel);
};

export const returns: Rule = (s) => {
  if (s.reports && !(s.has('ALL', 'FILLER') && s.mainIs('USE') && s.content <= 5)) return undefined;
  if (s.negated || s.inquires || s.has('WHEN', 'UNTILWHEN', 'WHERE')) return undefined;
  const back = s.active('RETURN');
  if (
    back !== undefined ||
    (s.named('RETURN') && (s.mainIs('DO', 'WISH', 'GIVE', 'BECOME') || s.main === undefined))
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
      (s.mood === 'want' && (s.has('SEAT') || s.numbered)) ||
      s.mood === 'plain' ||
      s.mood === 'permit') &&
    s.content <= 3
  ) {
    return vote(
      'return',
      s.mood === 'plain' ? (s.content <= 2 && s.has('MINE') ? 0.9 : -0.2) : s.content <= 2 ? 1.8 : 0.9,
      s.main,
    );
  }
  if (s.mention('any', 'clock', 'max', 'date') !== undefined && s.mainIs('GO', 'LEAVE') && !s.has('SEAT'))
    return undefined;
  if (
    s.mainIs('GO') &&
    s.mood === 'intent' &&
    s.main?.address === undefined &&
    !s.has('TOGETHER', 'WHERE', 'PERSON') &&
    s.content <= 3 &&
    s.mention('seat', 'room', 'row', 'preference', 'floor', 'other', 'relative') === undefined
  )
    return vote('return', s.has('NEUTRAL') ? 0.2 : s.content <= 2 ? 1 : 0.4, s.main);
  if (
    s.has('ENOUGH') &&
    s.mainIs('USE', 'SIT', 'DO', 'EXIST', 'GO', 'STUDY') &&
    (s.mood === 'intent' || s.mood === 'want' || s.mood === 'plain')
  )
    return vote('return', s.mainIs('USE', 'SIT') || seat ? 2.4 : s.mood === 'plain' ? 0.2 : 1.2, s.main);
  if (
    s.mainIs('END') &&
    !s.asks &&
    (s.has('USE') || seat) &&
    (s.mood === 'intent' || s.mood === 'command' || s.mood === 'plain' || s.mood === 'want')
  )
    return vote('return', 2.2, s.main);
  if (s.mainIs('END', 'QUIT') && s.mood === 'intent' && s.main?.address === undefined && s.content <= 2)
    return vote('return', 1.2, s.main);
  if (
    s.has('ALL') &&
    s.mainIs('USE') &&
    s.mood === 'past' &&
    s.only('ALL', 'USE', 'MINE', 'SEAT', 'THAT', 'ENOUGH', 'RIGHTNOW')
  )
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

export const extends_: Rule = (s) => {
  if (s.reports || s.negated || s.inquires || s.has('WHERE')) return undefined;
  if (s.has('MAXEXTEND') && s.mainIs('DO', 'WISH', 'GIVE') && extendable.has(s.mood))
    return vote('extend', 2.8, s.main);
  const said = s.active('EXTEND');
  // 연장할 수 있으면 해 줘: the condition names what is to be done.
  const conditional = said?.mood === 'condition';
  if (conditional && (said === s.main || !s.mainIs('DO', 'LENGTHEN', 'USE', 'WISH', 'GIVE', 'EXTEND')))
    return undefined;
  if (conditional && extendable.has(s.mood)) return vote('extend', 2.6, s.main);
  const word = conditional ? undefined : said;
  if (word !== undefined || (s.named('EXTEND') && s.main === undefined)) return vote('extend', 3, word);
  if (s.named('EXTEND') && s.mainIs('DO', 'WISH', 'GIVE', 'BECOME')) return vote('extend', 2.8);
  const length = s.mention('duration') !== undefined || s.has('TIMEWORD');
  if (s.mainIs('LENGTHEN') && s.mood !== 'condition') {
    if (length || s.mention('clock', 'max') !== undefined) return vote('extend', 2.8, s.main);
    return vote('extend', s.numbered ? 1.5 : s.has('MORE') || s.content > 2 ? -0.5 : 0.6, s.main);
  }
  if (s.predicate('ADDTIME') !== undefined && length) return vote('extend', 2.6, s.predicate('ADDTIME'));
  // 오후 열 시까지 있을래
  if (
    s.mainIs('EXIST') &&
    s.mood === 'intent' &&
    s.phrase.mentions.some((m) => m.kind === 'clock' && m.role === 'until')
  )
    return vote('extend', 1.8, s.main);
  if (!s.has('MORE')) return undefined;
  if (s.mention('preference') !== undefined && s.mention('duration', 'clock') === undefined) return undefined;
  if (s.mainIs('USE', 'SIT', 'EXIST', 'DO', 'STUDY', 'WISH', 'GIVE', 'RESERVE') && extendable.has(s.mood)) {
    return vote(
      'extend',
      s.mainIs('USE', 'SIT', 'EXIST') || length || s.mention('clock') !== undefined
        ? 2.5
        : s.mainIs('GIVE', 'WISH')
          ? -0.5
          : 0.5,
      s.main,
    );
  }
  if (s.main === undefined && s.mention('duration') !== undefined) return vote('extend', 2);
  return undefined;
};

export const buys: Rule = (s) => {
  if (s.reports || s.negated || s.inquires) return undefined;
  // 결제 내역 보여 줘
  if (s.has('LIST', 'SHOWN') && !s.mainIs('BUY')) return undefined;
  const word = s.active('BUY');
  const about =
    s.has('SEAT', 'TICKET', 'RESERVE', 'STATUSWORD') || s.numbered || s.mention('that') !== undefined;
  if (word !== undefined && s.phrase.tokens[word.first].cls === Class.noun)
    return vote('purchase', s.asks && !about ? 0.5 : 3, word);
  if (s.named('BUY') && (s.mainIs('DO', 'WISH', 'GIVE', 'PROCEED', 'BECOME') || s.main === undefined))
    return vote('purchase', 2.8);
  if (
    word !== undefined &&
    !s.has('WHAT') &&
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

export const moves: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  const goal = s.mention(...GOALS) !== undefined || s.has('SEAT');
  const move = s.active('MOVE');
  if (move !== undefined)
    return vote('move', goal ? 3 : s.content <= 2 && !s.has('NEUTRAL') ? 1 : -0.5, move);
  const change = s.active('CHANGE');
  if (change !== undefined || (s.named('CHANGE') && s.mainIs('DO', 'WISH', 'GIVE', 'BECOME'))) {
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

export const reserves: Rule = (s) => {
  if (s.reports || s.negated) return undefined;
  // 자리는 누가 정해요
  if (s.has('WHO') && s.mood !== 'command' && !s.numbered) return undefined;
  const { main } = s;
  const found = s.active('RESERVE') ?? s.active('ASSIGN');
  // 예약 번호가 뭐지: the noun alone, in a question about something else.
  const word =
    found?.bare === true &&
    s.has('WHAT', 'WHEN', 'UNTILWHEN', 'NUMBERWORD', 'WHO', 'HOWMANY', 'HOWLONG', 'WHY')
      ? undefined
      : found;
  if (s.has('HOW', 'WHAT', 'WHY') && s.mood !== 'command' && s.has('MYINFO', 'LOGIN')) return undefined;
  const asked = s.mood === 'able' || s.mood === 'permit' || s.mood === 'question';
  if (
    word !== undefined &&
    (word === main || s.mainIs('DO', 'WISH', 'GIVE', 'GOOD', 'BECOME', 'HURRY') || SIDE.has(s.mood))
  ) {
    if (word.mood === 'condition') return vote('reserve', -1, word);
    const solid = word.sense === 'RESERVE' || s.place;
    return vote('reserve', s.mood === 'able' ? 1.9 : asked ? (s.place ? 1.5 : 1) : solid ? 3 : -0.5, word);
  }
  if (
    s.has('RESERVE') &&
    (main === undefined || (s.mainIs('DO', 'WISH', 'GIVE', 'PROCEED') && RESERVING.has(s.mood)))
  )
    return vote('reserve', 2.6);
  if (s.onlyQuiet) return undefined;
  const fragment = main === undefined || (main.mood === 'future-attribute' && s.mainIs('SIT', 'USE'));
  if (
    fragment &&
    s.pending === undefined &&
    s.content <= 6 &&
    !s.has('WHERE', 'WHICHNUM', 'WHO', 'WHAT', 'HOWMANY')
  ) {
    const any = s.mention('any') !== undefined;
    const wish = s.mention('preference', 'adjacent') !== undefined && s.has('SEAT', 'PLACE', 'EMPTYSEAT');
    const rather = s.numbered && s.phrase.mentions.some((mention) => mention.role === 'rejected');
    if (any || wish || rather) return vote('reserve', 0.95);
  }
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
      ? vote(
          'reserve',
          s.mood === 'question' ? 1 : s.place || s.mention('party') !== undefined ? 2.8 : 1,
          main,
        )
      : vote('reserve', s.content <= 2 ? 0.4 : -1, main);
  if (s.mainIs('SEEK') && s.place && s.mood === 'command') return vote('reserve', 1);
  if (s.mainIs('SIT', 'USE') && !asked) {
    const wish = s.mood === 'intent' || s.mood === 'want' || s.mood === 'command' || s.mood === 'must';
    return s.place || s.mention('duration') !== undefined
      ? vote('reserve', wish ? 2.4 : 0.3, main)
      : undefined;
  }
  // 이십칠번에 앉아서 공부할래요: what is done there tells what the seat is for.
  const sits = s.predicate('SIT');
  if (
    s.mainIs('STUDY') &&
    sits?.mood === 'cause' &&
    !asked &&
    s.place &&
    (s.mood === 'want' || s.mood === 'intent')
  )
    return vote('reserve', 1.9, sits);
  if (s.mainIs('BORROW') && s.numbered && (s.mood === 'want' || s.mood === 'intent' || s.mood === 'command'))
    return vote('reserve', 2, main);
  if (s.mainIs('CUT') && s.numbered && !asked) return vote('reserve', 2.2, main);
  if (s.mainIs('DO', 'WISH', 'GIVE', 'GOOD', 'GO') && s.solidPlace && !asked) {
    const wish = s.mood === 'command' || s.mood === 'intent' || s.mood === 'want' || s.mood === 'plain';
    // 저 이제 가요: nowhere in particular.
    if (s.mainIs('GO') && !s.has('RESERVE') && !s.phrase.mentions.some((mention) => mention.role === 'to'))
      return undefined;
    return wish ? vote('reserve', s.mainIs('GO', 'GOOD') ? 1.2 : 2.2, main) : undefined;
  }
  if (s.mainIs('DO', 'WISH') && s.mention('party') !== undefined && !asked && !s.has('MORE', 'ALONE'))
    return vote('reserve', 1, main);
  if (s.mainIs('DO') && s.mood === 'able' && s.phrase.mentions.some((mention) => mention.role === 'to'))
    return vote('reserve', 1.5, main);
  if (s.mainIs('EXIST', 'EMPTY') && s.mood === 'condition' && s.place) return vote('reserve', 0.4, main);
  return undefined;
};
