/** Questions: the state of one's own booking, of a seat, of the venue. */
import { ASKS, REPORTS, SIDE, vote, type Rule } from './situation.js';

export const asksStatus: Rule = (s) => {
  // 남은 시간 동안 뭐 하지: what is done in it, not how long it is.
  if (s.has('REMAINTIME', 'ENDTIME'))
    return s.main === undefined || !s.mainIs('DO', 'STUDY', 'FEEL', 'FOREIGN') || !s.has('WHAT', 'FOREIGN')
      ? vote('status', 3)
      : undefined;
  const seatless = !s.numbered;
  if (s.has('NEUTRAL') && !s.has('SEAT', 'RESERVE', 'USE') && s.predicate('USE', 'SIT') === undefined)
    return undefined;
  // 도착까지 얼마나 남았어: until something that is none of ours.
  const { tokens } = s.phrase;
  const until = tokens.findIndex((token) => token.sense === 'UNTIL');
  const foreignEnd =
    until > 0 &&
    !['END', 'RETURN', 'USE', 'TIMEWORD', 'ENDTIME', 'OCLOCK', 'MINUTES', 'EXTEND'].includes(
      tokens[until - 1].sense,
    );
  if (s.has('HOWLONG') && foreignEnd) return undefined;
  // 일열람실 자리 얼마나 남았어: seats, not time.
  if (
    s.has('SEAT') &&
    s.mainIs('REMAIN') &&
    !s.has('MINE', 'TIMEWORD') &&
    seatless &&
    s.mention('that') === undefined
  )
    return undefined;
  if (
    s.has('MINE') &&
    s.has('WHAT', 'WHERE') &&
    s.mainIs('RESERVE') &&
    s.reports &&
    seatless &&
    s.content <= 4
  )
    return vote('status', 2.2, s.main);
  if (s.has('HOWLONG') && s.has('MORE') && s.mainIs('USE', 'SIT', 'EXIST', 'DO', 'STUDY') && s.asks)
    return vote('status', 2.9);
  if (s.has('HOWLONG') && s.predicate('REMAIN', 'USE') !== undefined) return vote('status', 2.8);
  if (s.has('HOWLONG') && s.mainIs('LEAVE') && s.mood === 'must' && s.content <= 6)
    return vote('status', 1.8);
  if (
    s.has('WHEN', 'UNTILWHEN') &&
    (s.predicate('RETURN') !== undefined ||
      (s.predicate('TAKEOUT', 'VACATE', 'LEAVE') !== undefined && s.has('SEAT', 'MINE'))) &&
    s.content <= 6 &&
    (s.mood === 'must' || s.mood === 'question')
  )
    return vote('status', 3.2);
  if (
    s.has('UNTILWHEN') &&
    s.predicate('COME', 'FOREIGN') === undefined &&
    s.content <= 6 &&
    (s.main === undefined ||
      s.mainIs(
        'USE',
        'SIT',
        'EXIST',
        'BECOME',
        'REMAIN',
        'RESERVE',
        'END',
        'CALLED',
        'TELL',
        'SHOWN',
        'KNOW',
        'POSSIBLE',
        'RETURN',
        'EXTEND',
        'LEAVE',
        'SHOW',
      ))
  )
    return vote('status', 2.5);
  if (s.has('WHEN') && s.predicate('END', 'RETURN') !== undefined && s.content <= 6)
    return vote(
      'status',
      s.has('MINE', 'SEAT', 'USE', 'TIMEWORD', 'RETURN', 'RESERVE') || s.mention('that') !== undefined
        ? 2.3
        : 1,
    );
  if (s.has('TIMEWORD') && s.predicate('REMAIN') !== undefined) return vote('status', 2.3);
  if (
    s.has('MINE') &&
    s.has('SEAT', 'NUMBERWORD') &&
    (s.has('WHERE', 'WHICHNUM', 'NUMBERWORD') ||
      s.has('SHOWN') ||
      s.predicate('TELL', 'SHOW', 'SEEK') !== undefined) &&
    seatless
  )
    return vote('status', 3);
  // 네 자리 몇 번이야: nobody asks which number four seats have; 내 was heard as 네.
  if (
    s.has('WHICHNUM', 'WHERE') &&
    s.content <= 4 &&
    tokens.some(
      (token, at) => token.sense === 'attributive' && token.value === 4 && tokens[at + 1]?.sense === 'PIECES',
    ) &&
    (s.main === undefined || s.mainIs('TELL', 'SHOW', 'DO', 'BECOME', 'EXIST'))
  )
    return vote('status', 2.4);
  if (
    seatless &&
    s.has('SEAT', 'NUMBERWORD') &&
    s.phrase.predicates.some(
      (p) =>
        p.mood === 'past-attribute' &&
        ['TAKE', 'ASSIGN', 'SIT'].includes(p.sense) &&
        tokens[p.first].edits === 0,
    ) &&
    (s.has('WHERE', 'WHICHNUM', 'NUMBERWORD', 'SHOWN') || s.mainIs('TELL', 'SHOW', 'SEEK', 'LOOK'))
  )
    return vote('status', 2.4);
  if (s.has('SEAT') && s.has('WHICHNUM', 'WHERE') && s.predicate('SIT') !== undefined && s.has('MINE'))
    return vote('status', 2.5);
  if (s.has('MINE') && s.has('WHERE', 'WHICHNUM') && s.predicate('SIT') !== undefined && !s.has('EMPTYSEAT'))
    return vote('status', 2.2);
  if (s.has('RESERVE') && s.has('NUMBERWORD', 'WHEN') && seatless && s.content <= 4)
    return vote('status', 2.2);
  if (s.has('MINE') && s.has('WHICHNUM', 'WHERE') && s.main === undefined && s.content <= 3)
    return vote('status', 2);
  if (
    s.has('STATUSWORD') &&
    !s.mainIs('TAKEOUT', 'UNDO', 'UNTIE', 'RETURN', 'EXTEND') &&
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
  // 내 예약 어떻게 됐어
  if (s.has('MINE') && s.has('RESERVE') && s.has('HOW') && s.becomes && seatless) return vote('status', 2);
  // 예약됐나요, 내 예약 잘 됐어: whether there is one.
  const done = s.predicate('RESERVE')?.mood;
  if (
    s.becomes &&
    seatless &&
    s.content <= 4 &&
    !s.slots &&
    (done === 'past-question' || (done === 'past' && s.has('MINE')))
  )
    return vote('status', 1.8);
  return undefined;
};

const EXISTENCE = ['EMPTY', 'EXIST', 'REMAIN', 'NOTEXIST', 'FULL', 'POSSIBLE'];

export const asksSeat: Rule = (s) => {
  const seat = s.mention('seat');
  const inside = seat !== undefined && s.phrase.tokens[seat.last]?.sense === 'AT';
  // 사 번 칸에 있어: where something is, not whether the seat is free.
  if (
    inside &&
    s.mainIs('EXIST') &&
    s.mood === 'plain' &&
    s.mention('preference') === undefined &&
    !s.has('WHO')
  )
    return undefined;
  const that = s.mention('that') !== undefined;
  if (!s.numbered && !(that && s.predicate('EMPTY') !== undefined)) return undefined;
  const wants = s.predicate('TAKE', 'GIVE', 'MOVE', 'RETURN', 'EXTEND', 'CANCEL', 'BUY', 'CHANGE');
  const taken = s.has('WHO') && wants?.sense === 'TAKE' && wants.mood === 'past';
  if (wants !== undefined && !taken && !ASKS.has(wants.mood) && !SIDE.has(wants.mood)) return undefined;
  const state = s.predicate(...EXISTENCE);
  // 이십칠번이 비면 좋겠다
  if (state?.mood === 'want') return undefined;
  if (s.mainIs('SOLD') && s.content <= 5 && s.mood !== 'quote') return vote('check_seat', 2.2, s.main);
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
    (state === main || s.mainIs('SHOWN', 'TELL', 'LOOK', 'KNOW')) &&
    !SIDE.has(main.mood) &&
    !s.predicateAfter(state)
  ) {
    return vote('check_seat', 2.8, state);
  }
  // 육십삼번 빈자리예요, 누구 거예요
  if (
    s.has('EMPTYSEAT', 'WHO') &&
    main === undefined &&
    s.phrase.tokens.at(-1)?.sense.startsWith('BE:') === true
  )
    return vote('check_seat', 1.5);
  // 에이 사 자리 나갔어
  if (s.mainIs('LEAVE') && s.reports && s.mood !== 'quote' && s.content <= 4)
    return vote('check_seat', 1.4, main);
  if (s.has('EMPTYSEAT') && s.mainIs('RIGHT') && s.content <= 8) return vote('check_seat', 2.4, main);
  if (
    s.mention('preference') !== undefined &&
    (s.mainIs('RIGHT') || (main === undefined && s.phrase.tokens.at(-1)?.sense === 'YES'))
  )
    return vote('check_seat', 2.2, main);
  if (s.has('WHO') && (taken || s.predicate('USE', 'SIT', 'EXIST', 'RESERVE') !== undefined))
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
  // 이십칠번 예약이 가능한지 궁금해요
  if (s.mainIs('KNOW', 'TELL', 'SHOWN', 'LOOK') && (reserve?.mood === 'permit' || reserve?.mood === 'able'))
    return vote('check_seat', 2.2, reserve);
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

export const asksList: Rule = (s) => {
  if (
    s.numbered ||
    (s.reports && s.predicate(...EXISTENCE) === undefined) ||
    (s.has('WHO') && !s.has('SEAT', 'EMPTYSEAT'))
  )
    return undefined;
  if (s.mainIs('EXIST') && s.mood === 'command') return undefined;
  // 자리 비우면 누가 앉을까
  if (s.has('WHO') && s.mainIs('SIT')) return undefined;
  // 가방만 있고 사람이 없어요
  if (s.has('WHO') && s.mainIs('NOTEXIST')) return undefined;
  if (s.mainIs('FULL') && !s.reports) return undefined;
  if (s.mainIs('EXIST') && s.phrase.predicates.some((p) => p.mood === 'connect' && p.last === s.main?.first))
    return undefined;
  const free = s.has('EMPTYSEAT');
  const seat =
    s.has('SEAT', 'EMPTYSEAT') ||
    (s.has('ROOMWORD') && s.has('LIST', 'STATE')) ||
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
    if (s.has('WHERE') && s.predicate('EMPTY') !== undefined && s.content <= 3)
      return vote('list_available', 2);
    return s.has('WHERE') && s.predicate('SIT') !== undefined && (s.asks || s.mainIs('SHOW', 'TELL', 'KNOW'))
      ? vote('list_available', 2)
      : undefined;
  }
  if (s.has('MINE') && s.has('WHERE', 'WHICHNUM')) return undefined;
  const about =
    s.has('SEAT', 'PLACE', 'ROOMWORD', 'NEXT') ||
    s.mention('room', 'row', 'floor', 'adjacent') !== undefined ||
    s.predicate('SIT') !== undefined;
  if (!about)
    return s.mention('preference') !== undefined && s.predicate('REMAIN', 'EMPTY') !== undefined
      ? vote('list_available', 1.5)
      : undefined;
  // 자리 좀 볼게요
  if (s.has('SEAT') && s.mainIs('LOOK') && (s.mood === 'intent' || s.mood === 'want') && !s.has('MINE'))
    return vote('list_available', 1.6, main);
  const state = s.predicate(...EXISTENCE);
  // 예약했는데 자리가 없어요: a complaint.
  if (s.mainIs('NOTEXIST') && s.phrase.predicates.some((p) => p !== main && p.mood === 'past'))
    return undefined;
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
    (s.has('SEAT', 'ROOMWORD', 'NEXT') || s.mention('room') !== undefined)
  )
    return vote('list_available', 2.2, state);
  if (state !== undefined && s.mainIs('SHOW', 'TELL', 'SEEK', 'LOOK', 'SHOWN', 'KNOW'))
    return vote('list_available', 2.4, state);
  if (
    s.predicate('RESERVE', 'SIT', 'USE')?.mood !== undefined &&
    s.has('SEAT') &&
    s.mainIs('SHOW', 'TELL', 'SEEK', 'EXIST', 'SHOWN')
  )
    return vote('list_available', 2.4);
  if (s.has('HOWMANY', 'WHERE') && s.has('SEAT')) return vote('list_available', 1.8);
  if (s.has('HOWLONG', 'SEAT') && s.mainIs('REMAIN') && !s.has('MINE', 'TIMEWORD'))
    return vote('list_available', 2);
  if (
    (s.has('LIST', 'STATE') || s.mainIs('SHOW', 'TELL')) &&
    (s.has('SEAT', 'ROOMWORD') || s.mention('room', 'floor') !== undefined)
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
