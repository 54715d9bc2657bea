/**
 * Words that nobody here knows, although scraps of them are known: 공유기 is no row of numbers, 전기담요 no outlet. What
 * stands between two spaces and holds nothing that makes a word by itself is read again as one unknown word, so that
 * its scraps give neither slots nor intents.
 */
import { Class, KEYWORDS } from '../grammar/lexicon.js';
import type { Token } from '../grammar/lattice.js';
import { symbolOf, type Sound } from '../grammar/sound.js';

const VERB: ReadonlySet<number> = new Set([Class.stem, Class.eu, Class.a]);
/** A noun's unknown head of so many symbols makes another noun of it: 전기 + 담요. */
const HEAD = 4;

/** What a number may stand before without a unit. */
const COUNTED = new Set(['SEAT', 'EMPTYSEAT', 'CHAIR', 'ROOMWORD', 'ROWWORD', 'TIMEWORD', 'JOB', 'THAT', 'RESERVE', 'NO', 'NEGATE']); // prettier-ignore
/** Nouns that stay themselves behind an unknown word that lacks its space. */
const OURS = new Set([
  'SEAT', 'EMPTYSEAT', 'ROOMWORD', 'RESERVE', 'CANCEL', 'RETURN', 'EXTEND', 'MOVE', 'CHANGE', 'BUY', 'ASSIGN', 'USE', 'END', 'POSSIBLE', 'REQUEST', 'NEED', 'STATUSWORD', 'TIMEWORD', 'BECAUSE', 'NEGATE',
]); // prettier-ignore
const ANSWERS = new Set(['YES', 'NO']);
/** Edits for each symbol beyond which a word was heard too badly to vouch for itself; keywords are found by them. */
const BADLY = 0.119;
/** The same for a word that stands alone. */
const ALONE = 0.16;
const H = symbolOf('ㅎ');

class Words {
  constructor(
    private readonly tokens: readonly Token[],
    private readonly sound: Sound,
  ) {}

  private syllables(first: number, last: number): number {
    let count = 0;
    for (let at = this.tokens[first].start; at < this.tokens[last - 1].end; at++)
      if (this.sound.starts[at] > 0) count++;
    return count;
  }

  /** Whether a token, with what follows it inside its word, is a word by itself. */
  private solid(at: number, first: number, last: number): boolean {
    const token = this.tokens[at];
    const next = at + 1 < last ? this.tokens[at + 1] : undefined;
    // A verb is judged together with its ending.
    const end = next?.cls === Class.ending ? next.end : token.end;
    // 삼십 붕, 네 본째: a number and its unit vouch for each other, in one word or in two.
    if (token.cls === Class.unit && this.tokens[at - 1]?.cls === Class.number) return true;
    if (token.cls === Class.number && this.tokens[at + 1]?.cls === Class.unit) return true;
    if (this.badly(token, BADLY, end)) return false;
    switch (token.cls) {
      case Class.noun:
      case Class.adverb:
        if (ANSWERS.has(token.sense) && ['OBJECT', 'AT', 'FROM'].includes(this.tokens[last]?.sense))
          return false;
        return (
          last - first === 1 || this.syllables(at, at + 1) >= 2 || (next !== undefined && VERB.has(next.cls))
        );
      case Class.number:
        if (token.sense === 'arabic') return true;
        if (last - first === 1) return token.edits === 0;
        // 백구십칠 + 본: a number of several syllables is heard by no chance.
        if (next?.cls === Class.letter || (token.edits === 0 && this.syllables(at, at + 1) >= 2)) return true;
        if (next?.cls === Class.noun && COUNTED.has(next.sense)) return true;
        // 이십칠, 삼사: digits said one by one.
        return (
          token.sense === 'sino' && this.tokens.slice(first, last).every((other) => other.sense === 'sino')
        );
      case Class.letter:
        return next?.cls === Class.number || next?.cls === Class.unit || next?.cls === Class.noun || last - first === 1; // prettier-ignore
      case Class.unit:
        return at === first;
      default:
        // 템페라: 하다 is said 페 behind a consonant only.
        if (
          at > first &&
          token.sense === 'DO' &&
          this.tokens[at - 1].cls === Class.unknown &&
          !this.does(token)
        )
          return false;
        return VERB.has(token.cls) && this.syllables(at, next?.cls === Class.ending ? at + 2 : at + 1) >= 2;
    }
  }

  private badly(token: Token, bound: number, end = token.end): boolean {
    return token.edits > bound * (end - token.start) && !KEYWORDS.has(token.sense);
  }

  /** 하다, spelled so: 캐 and 패 are 하 behind a consonant only. */
  private does(token: Token): boolean {
    return this.sound.symbols[token.start] === H;
  }

  /** Range of the tokens of the word from `first` to `last` that are none of ours; undefined where all are. */
  strange(first: number, last: number): { first: number; last: number } | undefined {
    const { tokens } = this;
    let end = last;
    while (end > first && tokens[end - 1].cls === Class.particle) end--;
    // Particles alone: 과로, 에서도.
    if (end === first) return last - first >= 2 && this.syllables(first, last) >= 2 && !this.marks(first, last) ? { first, last } : undefined; // prettier-ignore
    const unknown = tokens.findIndex((token, at) => at >= first && at < end && token.cls === Class.unknown);
    const scrap = (at: number): boolean => !this.solid(at, first, end);
    if (unknown < 0) {
      if (end - first === 1)
        return [Class.noun, Class.number].includes(tokens[first].cls as 1 | 2) &&
          !this.solid(first, first, end) &&
          this.badly(tokens[first], ALONE)
          ? { first, last: end }
          : undefined;
      for (let at = first; at < end; at++) if (!scrap(at)) return undefined;
      return this.syllables(first, end) >= 2 ? { first, last: end } : undefined;
    }
    let from = unknown;
    let to = unknown + 1;
    // 취소핵라: what ends a known word is garbled, not the word.
    while (from > first && scrap(from - 1) && !this.attached(from - 1, first)) from--;
    while (to < end && (tokens[to].cls === Class.unknown || scrap(to))) to++;
    const length = tokens[to - 1].end - tokens[from].start;
    const before = tokens[from - 1];
    const compound = before?.cls === Class.noun && !OURS.has(before.sense) && !KEYWORDS.has(before.sense);
    if (to === end && from > first && compound && (length >= HEAD || before.edits > 0)) from--;
    // 룸 + 서비스: an unknown word makes another word of the noun it leads.
    else if (to === end - 1 && tokens[to].cls === Class.noun && !OURS.has(tokens[to].sense) && length > 2)
      to++;
    if (tokens.slice(from + 1, to).some((token) => this.sound.starts[token.start] === 2)) return undefined;
    return to - from > 1 ? { first: from, last: to } : undefined;
  }

  /** Particles, endings, and the verb of a noun. */
  private attached(at: number, first: number): boolean {
    const { cls } = this.tokens[at];
    if (cls === Class.particle || cls === Class.ending) return true;
    return VERB.has(cls) && at > first && this.tokens[at - 1].cls === Class.noun;
  }

  private marks(first: number, last: number): boolean {
    return this.tokens.slice(first, last).some((token) => token.sense === 'DASH' || token.sense.startsWith('BE:')); // prettier-ignore
  }
}

/** The tokens, with those that are only scraps of unknown words made into one unknown token each. Linear time. */
export function withUnknownWords(tokens: readonly Token[], sound: Sound): Token[] {
  const words = new Words(tokens, sound);
  const out: Token[] = [];
  let first = 0;
  while (first < tokens.length) {
    let last = first + 1;
    while (last < tokens.length && sound.starts[tokens[last].start] !== 2) last++;
    const part = words.strange(first, last);
    if (part === undefined) out.push(...tokens.slice(first, last));
    else {
      const { start } = tokens[part.first];
      const { end } = tokens[part.last - 1];
      out.push(...tokens.slice(first, part.first), { cls: Class.unknown, sense: 'UNKNOWN', value: undefined, text: undefined, start, end, edits: 0 }, ...tokens.slice(part.last, last)); // prettier-ignore
    }
    first = last;
  }
  return out;
}
