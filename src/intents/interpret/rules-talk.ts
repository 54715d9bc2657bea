/** Talk about a command (yes, no, rather this one) and what every service has (account, help). */
import type { Mood } from '../lexicon/conjugation.js';
import type { Predicate } from './phrase.js';
import { ASKS, vote, type Rule } from './situation.js';

/** 네, 응, 그렇게 해 줘. */
export const confirms: Rule = (s) => {
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
  if (
    s.pending !== undefined &&
    !s.slots &&
    s.mainIs('RESERVE') &&
    s.pending === 'reserve' &&
    (s.mood === 'plain' || s.mood === 'command' || s.mood === 'intent') &&
    s.content <= 3
  )
    return vote('confirm', 3.3);
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

export const denies: Rule = (s) => {
  if (
    s.main !== undefined &&
    s.negated &&
    s.mood !== 'not-connect' &&
    !(s.has('WHO') && (s.mood === 'plain' || s.mood.endsWith('attribute'))) &&
    (!ASKS.has(s.mood) || s.mood === 'permit') &&
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
  // 예약 안 할래 됐어
  const refused = s.phrase.predicates.find(
    (p) => p.negated && COMMANDS.includes(p.sense) && p.mood === 'intent',
  );
  if (refused !== undefined && s.mainIs('BECOME') && s.mood === 'past' && s.content <= 5)
    return vote('deny', 2.6, refused);
  if (
    s.phrase.predicates.some((p) => p.mood === 'not-connect') &&
    (s.mainIs('KEEP') || s.main?.mood === 'not-connect') &&
    !s.slots
  )
    return vote('deny', 2.6, s.main);
  if (s.mainIs('HATE', 'QUIT', 'GIVEUP') && s.content <= 2 && !s.has('STUDY', 'NEUTRAL'))
    return vote('deny', 2.5, s.main);
  if (!s.has('NO')) return undefined;
  if (s.pending !== undefined && s.only('NO', 'CANCEL', 'DO', 'THAT')) return vote('deny', 3.3);
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
      'KEEP',
    ) &&
    !s.slots
  )
    return vote('deny', 3.2);
  return undefined;
};

/** With a pending command, a bare slot replaces that of the command. */
export const corrects: Rule = (s) => {
  const asserted = s.phrase.mentions.some((mention) => mention.role === 'asserted');
  if (s.pending === undefined || !s.slots || (s.reports && !asserted)) return undefined;
  const rejected = s.phrase.mentions.some(
    (mention) => mention.role === 'rejected' || mention.role === 'asserted',
  );
  const no = s.has('NO', 'NEGATE', 'WRONG') || rejected;
  if (s.predicate('CANCEL', 'RETURN', 'BUY', 'EXTEND', 'REMAIN', 'EMPTY') !== undefined) return undefined;
  if (s.asks && !no) return undefined;
  if (no) return vote('correct', 3);
  if (s.predicate('CHANGE') !== undefined || s.has('CHANGE')) return vote('correct', 3.2);
  if (s.predicate('RESERVE', 'MOVE', 'TAKE', 'SIT', 'GO') !== undefined) return undefined;
  if (s.main === undefined || s.mainIs('DO', 'WISH', 'GIVE', 'BECOME', 'GOOD')) return vote('correct', 2.7);
  return undefined;
};

const SHOWS = [
  'SHOW',
  'TELL',
  'LOOK',
  'SHOWN',
  'DO',
  'WISH',
  'GIVE',
  'EXIST',
  'SEEK',
  'CALLED',
  'BECOME',
  'BARCODE',
  'USE',
  'KNOW',
];

export const account: Rule = (s) => {
  const short = s.content <= 6 && !s.reports;
  if (s.has('NO')) return undefined;
  if (s.has('LOGIN') && s.mainIs('CUT') && short && !s.negated) return vote('logout', 2.6, s.main);
  // 내 계정으로 들어가 줘, 내 계정에서 나갈래.
  if (s.has('MYINFO') && s.mainIs('GO') && s.has('TO') && s.mood === 'command')
    return vote('my_info', 2.2, s.main);
  if (s.has('ACCOUNT') && s.mainIs('LEAVE', 'ENTER', 'GO') && short && !s.negated && !s.asks) {
    if (s.has('FROM')) return vote('logout', 2.6, s.main);
    if (s.has('TO', 'AT')) return vote('login', 2.6, s.main);
  }
  if (s.has('LOGOUT')) return short && !s.negated ? vote('logout', 3, s.predicate('LOGOUT')) : undefined;
  if (s.has('LOGIN') && s.has('LIST', 'STATE')) return undefined;
  if (s.has('LOGIN'))
    return short && !s.negated && s.mood !== 'connect' ? vote('login', 3, s.predicate('LOGIN')) : undefined;
  // 새로고침해도 그대로야: something is said about it.
  const again = s.predicate('REFRESH');
  if (
    again !== undefined &&
    again.last < s.phrase.tokens.length &&
    (again.mood === 'connect' || again.mood === 'condition')
  )
    return undefined;
  if (s.has('REFRESH') && short && !s.negated && s.mood !== 'permit') return vote('refresh', 3);
  const load = s.active('LOAD');
  if (load !== undefined && short) return vote('refresh', 2.5, s.predicate('LOAD'));
  if (
    s.has('BARCODE') &&
    short &&
    !s.negated &&
    !s.has('WHAT', 'NOT') &&
    (s.main === undefined || s.mainIs(...SHOWS) || (s.mainIs('GO') && s.mood === 'command' && s.has('TO')))
  )
    return vote('show_barcode', 3);
  if (
    s.has('MYINFO', 'ACCOUNT') &&
    short &&
    (s.main === undefined ||
      s.mainIs('SHOW', 'TELL', 'LOOK', 'SHOWN', 'KNOW', 'SEEK', 'DO', 'WISH', 'CALLED') ||
      // 학번이 뭐로 등록되어 있죠
      (s.has('WHAT', 'HOW') && s.mainIs('BECOME', 'ASSIGN', 'EXIST')))
  )
    return vote('my_info', 2.8);
  if (s.has('INFO') && s.has('MINE') && short) return vote('my_info', 2.5);
  return undefined;
};

const OFFERS = new Set<Mood>(['attribute', 'future-attribute', 'able']);
const hypothetical = (predicate: Predicate): boolean =>
  predicate.mood === 'condition' || predicate.mood === 'not-connect';

export const helps: Rule = (s) => {
  if (s.reports) return undefined;
  // 반납 안 하면 어떻게 돼요: asks what would follow.
  if (s.has('HOW') && s.predicate('BECOME') !== undefined && s.phrase.predicates.some(hypothetical))
    return undefined;
  // 넌 할 수 있는 게 뭐니, 뭐 할 줄 알아
  if (
    s.has('WHAT') &&
    s.content <= 6 &&
    s.phrase.predicates.some((p) => p.sense === 'DO' && OFFERS.has(p.mood)) &&
    s.only(
      'WHAT',
      'DO',
      'YOU',
      'THAT',
      'KNOW',
      'EXIST',
      'TELL',
      'ROWWORD',
      'MINE',
      'USE',
      'BE:question',
      'BE:plain',
    )
  )
    return vote('help', 2.4);
  if (s.has('FUNCTION') && s.has('WHAT') && s.content <= 4) return vote('help', 2.4);
  if (s.has('FIRST') && s.has('HOW') && s.predicate('DO', 'USE', 'RESERVE') !== undefined && s.content <= 6)
    return vote('help', 2.4);
  if (s.has('HELPWORD')) {
    const asked =
      s.main === undefined ||
      (s.mainIs('BECOME') && s.has('HOW')) ||
      s.mainIs('HELPWORD', 'SHOW', 'TELL', 'LOOK', 'SEEK', 'KNOW', 'WISH', 'SHOWN', 'DO', 'GIVE', 'CALLED');
    const told =
      s.phrase.tokens.some(
        (token) =>
          token.sense === 'FEEL' || token.sense === 'NO' || (token.sense === 'BECOME' && !s.has('HOW')),
      ) ||
      s.phrase.predicates.some(
        (p) => (p.sense === 'WISH' || p.sense === 'HELPWORD') && p.mood === 'condition',
      ) ||
      (s.mainIs('BECOME') && !s.has('HOW')) ||
      s.predicate('HELPWORD')?.mood === 'permit';
    return asked && !told ? vote('help', 3) : undefined;
  }
  if (
    s.mainIs('HELP') &&
    !s.inquires &&
    (s.content <= 3 || (s.has('FIRST') && s.content <= 6)) &&
    s.phrase.predicates.length === 1 &&
    ['plain', 'command', 'want', 'question', 'permit'].includes(s.mood)
  )
    return vote('help', 2.5, s.main);
  if (s.has('HOW') && s.mainIs('TELL') && s.mood !== 'command' && s.content <= 3)
    return vote('help', 2, s.main);
  if (s.has('HOW') && s.content <= 5 && !s.has('REMAINTIME') && !s.numbered) {
    if (s.predicate('USE', 'RESERVE', 'RETURN', 'EXTEND', 'MOVE', 'CANCEL') !== undefined)
      return vote('help', 3.2);
    const bare = s.phrase.predicates.length <= 1 && s.content <= (s.mention('that') === undefined ? 2 : 3);
    if (s.predicate('DO', 'TELL') !== undefined && bare && s.mood !== 'must') return vote('help', 1.6);
  }
  if (
    s.has('WHAT') &&
    s.phrase.predicates.some(
      (p) =>
        (p.sense === 'DO' && (p.mood === 'able' || p.mood === 'permit')) ||
        (p.sense === 'TELL' && p.mood !== 'command'),
    ) &&
    s.content <= 4 &&
    (s.asks || s.mood === 'condition' || s.mainIs('TELL'))
  )
    return vote('help', 2);
  return undefined;
};
