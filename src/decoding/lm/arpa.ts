/** N-gram models from ARPA text files, the format that every language model toolkit writes. */
import { MalgwiError } from '../../errors.js';
import { PairMap } from '../pair-map.js';
import type { NgramModel, NgramScore, NgramState } from './contract.js';

export const MAX_ARPA_BYTES = 256 * 1024 * 1024;
const MAX_NGRAMS = 4_000_000;
const MAX_ORDER = 10;
const MAX_LINE_BYTES = 8192;
/** What an unknown word costs (log10) in a model without `<unk>`, as with KenLM. */
const NO_UNKNOWN = -100;
const UNKNOWN = 0;
const ROOT = 0;
const LINE_FEED = 0x0a;

/**
 * Reads a whole file. The work and the memory are bounded by its size: the counts in its header are only compared.
 * @param bytes UTF-8, at most {@link MAX_ARPA_BYTES}
 * @throws MalgwiError manifest_invalid, with the line at fault
 */
export function readArpa(bytes: Uint8Array): ArpaModel {
  if (bytes.length > MAX_ARPA_BYTES) {
    fail(`is larger than ${String(MAX_ARPA_BYTES / 1024 / 1024)} MiB: convert it to KenLM's binary format`);
  }
  const lines = new Lines(bytes);
  const counts = readHeader(lines);
  const builder = new Builder(counts.length);
  for (let order = 1; order <= counts.length; order++) readSection(lines, builder, order, counts[order - 1]);
  if (lines.line !== '\\end\\') lines.fail('\\end\\ is missing');
  return new ArpaModel(builder);
}

/** A back-off model (Katz 1987) in memory: some 50 bytes for each n-gram, and its words. */
export class ArpaModel implements NgramModel {
  readonly order: number;
  private readonly ids: ReadonlyMap<string, number>;
  private readonly children: PairMap;
  private readonly logProbs: Float32Array;
  private readonly backoffs: Float32Array;
  private readonly first: number;

  constructor(builder: Builder) {
    this.order = builder.order;
    this.ids = builder.ids;
    this.children = builder.children;
    this.logProbs = builder.logProbs.slice(0, builder.nodes);
    this.backoffs = builder.backoffs.slice(0, builder.nodes);
    this.first = builder.ids.get('<s>') ?? UNKNOWN;
  }

  get size(): number {
    return this.ids.size;
  }

  index(word: string): number {
    return this.ids.get(word) ?? UNKNOWN;
  }

  /** Every word of the model, <unk>, <s> and </s> included. */
  words(): Iterable<string> {
    return this.ids.keys();
  }

  begin(): NgramState {
    return this.first === UNKNOWN ? [] : this.known([this.first]);
  }

  empty(): NgramState {
    return [];
  }

  score(state: NgramState, word: number): NgramScore {
    let logProb = 0;
    for (let from = 0; from <= state.length; from++) {
      const context = this.walk(state, from);
      if (context < 0) continue;
      const node = this.children.find(context, word) ? this.children.value : -1;
      if (node >= 0 && this.logProbs[node] <= 0) {
        logProb += this.logProbs[node];
        break;
      }
      if (from === state.length) logProb += NO_UNKNOWN;
      else logProb += this.backoffs[context];
    }
    return { logProb, state: this.known([...state, word]), unknown: word === UNKNOWN };
  }

  /** The longest suffix that some n-gram begins with: a longer context would make no difference. */
  private known(words: readonly number[]): NgramState {
    let from = Math.max(0, words.length - (this.order - 1));
    while (from < words.length && this.walk(words, from) < 0) from++;
    return words.slice(from);
  }

  private walk(words: readonly number[], from: number): number {
    let node = ROOT;
    for (let i = from; i < words.length; i++) {
      if (!this.children.find(node, words[i])) return -1;
      node = this.children.value;
    }
    return node;
  }
}

/** Grows with what is read. Nodes are n-grams; node 0 is the empty one. */
class Builder {
  readonly ids = new Map<string, number>([['<unk>', UNKNOWN]]);
  readonly children = new PairMap(1024);
  /** NaN for an n-gram that only longer ones name. */
  logProbs = new Float32Array(1024).fill(NaN);
  backoffs = new Float32Array(1024);
  nodes = 1;

  constructor(readonly order: number) {}

  child(node: number, word: number): number {
    if (this.children.find(node, word)) return this.children.value;
    if (this.nodes === this.logProbs.length) this.grow();
    const id = this.nodes++;
    this.children.add(node, word, id);
    return id;
  }

  private grow(): void {
    const { logProbs, backoffs } = this;
    this.logProbs = new Float32Array(logProbs.length * 2).fill(NaN);
    this.logProbs.set(logProbs);
    this.backoffs = new Float32Array(backoffs.length * 2);
    this.backoffs.set(backoffs);
  }
}

/** \data\ and the counts of each order. */
function readHeader(lines: Lines): number[] {
  // Toolkits write remarks before it.
  while (lines.next() && lines.line !== '\\data\\');
  if (lines.ended) lines.fail('\\data\\ is missing');
  const counts: number[] = [];
  while (lines.nextFilled()) {
    const match = /^ngram\s+(\d{1,2})\s*=\s*(\d{1,12})$/.exec(lines.line);
    if (match === null) break;
    if (Number(match[1]) !== counts.length + 1) lines.fail('the orders do not follow one another');
    if (counts.length === MAX_ORDER)
      lines.fail(`n-grams of more than ${String(MAX_ORDER)} words are not supported`);
    counts.push(Number(match[2]));
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length === 0) lines.fail('the counts are missing');
  if (total > MAX_NGRAMS) {
    lines.fail(`more than ${String(MAX_NGRAMS)} n-grams: convert the file to KenLM's binary format`);
  }
  return counts;
}

function readSection(lines: Lines, builder: Builder, order: number, count: number): void {
  if (lines.line !== `\\${String(order)}-grams:`) lines.fail(`\\${String(order)}-grams: is missing`);
  let read = 0;
  while (lines.nextFilled() && !lines.line.startsWith('\\')) {
    if (++read > count) lines.fail(`there are more ${String(order)}-grams than the header says`);
    readNgram(lines, builder, order);
  }
  if (read < count) lines.fail(`there are fewer ${String(order)}-grams than the header says`);
}

function readNgram(lines: Lines, builder: Builder, order: number): void {
  const fields = lines.line.split(/[ \t]+/);
  const hasBackoff = fields.length === order + 2;
  if (fields.length !== order + 1 && !hasBackoff) lines.fail(`this is no ${String(order)}-gram`);
  const logProb = number(lines, fields[0]);
  if (logProb > 0) lines.fail('the logarithm of a probability is above 0');
  let node = ROOT;
  for (let i = 1; i <= order; i++) {
    const word = fields[i] === '<UNK>' ? '<unk>' : fields[i];
    let id = builder.ids.get(word);
    if (id === undefined) {
      if (order > 1) lines.fail('a word is not among the 1-grams');
      id = builder.ids.size;
      builder.ids.set(word, id);
    }
    node = builder.child(node, id);
  }
  if (builder.logProbs[node] <= 0) lines.fail('this n-gram stands here twice');
  builder.logProbs[node] = logProb;
  builder.backoffs[node] = hasBackoff ? number(lines, fields[order + 1]) : 0;
}

function number(lines: Lines, text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (!(Math.abs(value) <= 1e6)) lines.fail('a field that is to be a number is none');
  return value;
}

class Lines {
  /** The current one, without spaces at its ends. */
  line = '';
  ended = false;
  private at = 0;
  private count = 0;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true });

  constructor(private readonly bytes: Uint8Array) {}

  /** False at the end. */
  next(): boolean {
    const { bytes } = this;
    if (this.at >= bytes.length) {
      this.ended = true;
      this.line = '';
      return false;
    }
    this.count++;
    const feed = bytes.indexOf(LINE_FEED, this.at);
    const end = feed < 0 ? bytes.length : feed;
    if (end - this.at > MAX_LINE_BYTES) this.fail('the line is too long');
    try {
      this.line = this.utf8.decode(bytes.subarray(this.at, end)).replace(/^[ \t]+|[ \t\r]+$/g, '');
    } catch {
      this.fail('the line is not UTF-8');
    }
    this.at = end + 1;
    return true;
  }

  nextFilled(): boolean {
    while (this.next()) if (this.line !== '') return true;
    return false;
  }

  fail(detail: string): never {
    fail(`line ${String(this.count)}: ${detail}`);
  }
}

function fail(detail: string): never {
  throw new MalgwiError('manifest_invalid', { param: 'languageModel', detail: `The ARPA file ${detail}.` });
}
