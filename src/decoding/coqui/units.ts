import { invalid } from '../lm/bytes.js';
import { NO_LABEL } from './prefix.js';
import type { History, Prefix, ScoredUnit } from './prefix.js';
import type { CoquiScorer } from './scorer.js';

/** For a word that the language model does not know, and for its neighbours. */
const UNKNOWN = -1000;
/** log10(e) as Coqui writes it down: a float32. */
const LOG10_E = Math.fround(0.4342944819);
const MAX_CACHED_WORDS = 1 << 16;
/** Of any magnitude that a language model has; beyond it float32 scores lose their meaning. */
const MAX_LOG_PROB = 1e6;

/** The units along a path of labels, and what the language model and the hot words say to them. */
export abstract class Units {
  readonly start: History;
  private readonly nothing: ScoredUnit;
  private readonly ids = new Map<string, number>();

  /** @param hotWords by their bytes; the boosts are float32 */
  constructor(
    readonly scorer: CoquiScorer,
    private readonly hotWords: ReadonlyMap<string, number>,
  ) {
    const state = scorer.model.begin();
    this.start = { previous: undefined, length: 0, known: 0, boost: 0, state };
    this.nothing = { logProb: 0, boost: 0, history: this.start };
  }

  /** The unit that a label completes after this prefix; undefined where it completes none. */
  abstract completed(prefix: Prefix, label: number): ScoredUnit | undefined;

  /** The unit that the prefix ends in, complete or not, where none was scored when it came about. */
  abstract unfinished(prefix: Prefix): ScoredUnit | undefined;

  /** Of a child by this label. */
  abstract historyAfter(prefix: Prefix, label: number): History;

  protected abstract spell(prefix: Prefix): string;

  protected last(prefix: Prefix): ScoredUnit {
    prefix.unit ??=
      prefix.character === NO_LABEL ? this.nothing : this.score(prefix.history!, this.spell(prefix));
    return prefix.unit;
  }

  protected score(history: History, word: string): ScoredUnit {
    const { model } = this.scorer;
    const id = this.index(word);
    const { logProb, state } = model.score(history.state, id);
    if (Math.abs(logProb) > MAX_LOG_PROB) invalid('a probability in it is out of all reason');
    const before = Math.min(model.order - 1, history.length);
    const known = id === 0 ? 0 : history.known + 1;
    const boost = this.hotWords.get(word) ?? 0;
    return {
      logProb: known > before ? logProb / LOG10_E : UNKNOWN,
      boost: this.hotWords.size === 0 ? 0 : sumOfBoosts(history, before, boost),
      history: { previous: history, length: history.length + 1, known, boost, state },
    };
  }

  private index(word: string): number {
    let id = this.ids.get(word);
    if (id === undefined) {
      id = this.scorer.index(word);
      if (this.ids.size >= MAX_CACHED_WORDS) this.ids.clear();
      this.ids.set(word, id);
    }
    return id;
  }
}

/** In float32, the first of the units first. */
function sumOfBoosts(history: History, count: number, last: number): number {
  const boosts: number[] = [];
  let unit: History | undefined = history;
  for (let i = 0; i < count && unit !== undefined; i++, unit = unit.previous) boosts.push(unit.boost);
  let sum = 0;
  for (let i = boosts.length - 1; i >= 0; i--) sum = Math.fround(sum + boosts[i]);
  return Math.fround(sum + last);
}

/** Words between spaces: a space completes the word before it. */
class Words extends Units {
  completed(prefix: Prefix, label: number): ScoredUnit | undefined {
    return label === this.scorer.alphabet.space ? this.last(prefix) : undefined;
  }

  unfinished(prefix: Prefix): ScoredUnit | undefined {
    const { character } = prefix;
    return character === NO_LABEL || character === this.scorer.alphabet.space ? undefined : this.last(prefix);
  }

  historyAfter(prefix: Prefix, label: number): History {
    return label === this.scorer.alphabet.space ? this.last(prefix).history : prefix.history!;
  }

  protected spell(prefix: Prefix): string {
    const { labels, space } = this.scorer.alphabet;
    let word = '';
    for (let node = prefix; node.parent !== undefined && node.character !== space; node = node.parent) {
      word = labels[node.character] + word;
    }
    return word;
  }
}

/** Code points spelt in UTF-8: the last of its bytes completes one. */
class CodePoints extends Units {
  completed(prefix: Prefix, label: number): ScoredUnit | undefined {
    const byte = this.scorer.alphabet.labels[label];
    const continues = isContinuation(byte);
    const bytes = continues ? this.spell(prefix) + byte : byte;
    if (bytes.length !== bytesOfCodePoint(bytes)) return undefined;
    prefix.ahead ??= new Map();
    let unit = prefix.ahead.get(label);
    if (unit === undefined) {
      unit = this.score(this.historyAfter(prefix, label), bytes);
      prefix.ahead.set(label, unit);
    }
    return unit;
  }

  unfinished(prefix: Prefix): ScoredUnit | undefined {
    if (prefix.character !== NO_LABEL) {
      const bytes = this.spell(prefix);
      if (bytes.length === bytesOfCodePoint(bytes)) return undefined;
    }
    return this.last(prefix);
  }

  historyAfter(prefix: Prefix, label: number): History {
    return isContinuation(this.scorer.alphabet.labels[label]) ? prefix.history! : this.last(prefix).history;
  }

  protected spell(prefix: Prefix): string {
    const { labels } = this.scorer.alphabet;
    let bytes = '';
    for (let node = prefix; node.parent !== undefined; node = node.parent) {
      const byte = labels[node.character];
      bytes = byte + bytes;
      if (!isContinuation(byte)) break;
    }
    return bytes;
  }
}

export function unitsOf(scorer: CoquiScorer, hotWords: ReadonlyMap<string, number>): Units {
  return scorer.codePoints ? new CodePoints(scorer, hotWords) : new Words(scorer, hotWords);
}

function isContinuation(byte: string): boolean {
  return (byte.charCodeAt(0) & 0xc0) === 0x80;
}

/** How many bytes the first one announces; -1 for one that begins nothing. */
function bytesOfCodePoint(bytes: string): number {
  const first = bytes.charCodeAt(0);
  if (first < 0x80) return 1;
  if (first >> 5 === 0x06) return 2;
  if (first >> 4 === 0x0e) return 3;
  return first >> 3 === 0x1e ? 4 : -1;
}
