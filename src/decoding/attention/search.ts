/** Beam search over an attention decoder, alone or together with the CTC head of a joint model. */
import type { AttentionScorer, LogProbs } from '../contract.js';
import { bestClasses, throwIfAborted } from '../select.js';
import type { TextFusion, TextState } from '../text-fusion.js';
import { CtcPrefixScorer, type CtcPrefix } from './ctc-prefix.js';
import { CYCLE_WINDOW, cycleAtEnd } from './loops.js';

export interface AttentionSearchOptions {
  readonly sos: number;
  readonly eos: number;
  /** Hypotheses that are followed at once; 1 is greedy search. */
  readonly width: number;
  /** How many finished hypotheses are wanted: the search goes on for them. */
  readonly count: number;
  /** Tokens of a hypothesis at most, eos not counted; at least 1. */
  readonly maxTokens: number;
  /** Scores are divided by the number of tokens, eos included, to this power. */
  readonly lengthNormalization: number;
  /** The CTC head's log-probabilities and its share of the score, 0..1, for joint models. */
  readonly ctc?: { readonly logProbs: LogProbs; readonly blank: number; readonly weight: number };
  /** Hot words. */
  readonly fusion?: TextFusion;
  readonly signal?: AbortSignal;
}

export interface AttentionResult {
  /** Without sos and eos. */
  readonly ids: readonly number[];
  /** Attention log-probability of each token, and of the eos after them. */
  readonly logProbs: readonly number[];
  readonly eosLogProb: number;
  /** Where the decoder looked as it chose each token, [frames] each, if the model can tell. */
  readonly attention?: readonly Float32Array[];
  /** What the search ranked by: joint log-probability and hot words, divided for its length. */
  readonly score: number;
}

/** Criterion of Watanabe et al. 2017: over by exp(-10) or more at three lengths in a row is not going to win. */
const END_DETECTION = { margin: 10, lengths: 3 };
/** CTC scores this many times the beam width of each hypothesis' best continuations: the rest cannot win. */
const PRESELECTION = 1.5;
/** With hot words at least so many, for a token that the decoder thinks little of may belong to one. */
const PRESELECTION_BOOSTED = 40;

interface Node<S> {
  readonly parent?: Node<S>;
  readonly id: number;
  /** Tokens after sos. */
  readonly length: number;
  readonly logProb: number;
  /** Sum over all tokens. */
  readonly attentionScore: number;
  /** What it is ranked by among those of its length. */
  readonly score: number;
  readonly attention?: Float32Array;
  readonly text?: TextState;
  /** What its next step needs. Let go of after it: cached keys and values of old steps would fill the memory. */
  next?: { readonly state: S; readonly prefix?: CtcPrefix };
  /** Known once the node was stepped. */
  eosLogProb: number;
  endScore: number;
}

interface Candidate<S> {
  readonly node: Node<S>;
  readonly row: number;
  readonly id: number;
  readonly score: number;
  readonly text?: TextState;
}

/**
 * All live hypotheses take one step together. A hypothesis ends with its eos, where it runs into a cycle (loops.ts) or
 * at `maxTokens`; each counts the decoder's probability of ending there. The search stops when no live hypothesis can
 * overtake the `count` best finished ones, or by the end detection of Watanabe et al. 2017.
 * @returns finished hypotheses, best first, at least one, no two the same
 * @throws MalgwiError cancelled; inference_failed, also of the scorer
 */
export async function attentionSearch<S>(
  scorer: AttentionScorer<S>,
  options: AttentionSearchOptions,
): Promise<AttentionResult[]> {
  const { width, eos, maxTokens, fusion } = options;
  const { classes } = scorer;
  const weight = options.ctc?.weight ?? 0;
  const ctc =
    options.ctc === undefined || weight === 0
      ? undefined
      : new CtcPrefixScorer(options.ctc.logProbs, options.ctc.blank, eos);
  const selected = ctc === undefined ? width : Math.ceil(PRESELECTION * width);
  const preselected = fusion === undefined ? selected : Math.max(selected, PRESELECTION_BOOSTED);
  const ended = new Set<Node<S>>();
  let live: Node<S>[] = [root(options.sos, scorer.initial(), ctc, fusion)];
  let given: readonly S[] = [];

  while (live.length > 0) {
    throwIfAborted(options.signal);
    const step = await scorer.step(
      live.map(({ next }) => next!.state),
      live.map(({ id }) => id),
    );
    scorer.release?.(given);
    given = step.states;
    const candidates: Candidate<S>[] = [];
    live.forEach((node, row) => {
      const at = row * classes;
      const ids = bestClasses(step.logProbs, row, classes, preselected, eos);
      const { prefix } = node.next!;
      node.eosLogProb = step.logProbs[at + eos];
      const joint = (attention: number, ofCtc: number): number =>
        ctc === undefined ? attention : mix(1 - weight, attention) + mix(weight, ofCtc);
      const atEnd = node.text === undefined ? 0 : fusion!.end(node.text);
      node.endScore = joint(node.attentionScore + node.eosLogProb, ctc?.end(prefix!) ?? 0) + atEnd;
      candidates.push({ node, row, id: eos, score: node.endScore });
      if (node.length >= maxTokens) return;
      const ofCtc = ctc?.score(prefix!, ids);
      ids.forEach((id, index) => {
        const text = node.text && fusion!.step(node.text, id);
        const acoustic = joint(node.attentionScore + step.logProbs[at + id], ofCtc?.[index] ?? 0);
        const score = acoustic + (text?.boost ?? 0);
        if (score > -Infinity) candidates.push({ node, row, id, score, text });
      });
    });
    // At the limit every hypothesis ends, however small its probability of that.
    const atLimit = live[0].length >= maxTokens;
    const kept = atLimit ? candidates : candidates.sort(byScore).slice(0, width);
    const stepped = live;
    live = [];
    for (const candidate of kept) {
      const { node, row, id } = candidate;
      if (id === eos) {
        ended.add(node);
        continue;
      }
      const child = extend(
        candidate,
        step.logProbs[row * classes + id],
        attentionOf(step.attention, row, scorer.frames),
      );
      const looped = cutOf(child);
      if (looped === undefined) {
        child.next = { state: step.states[row], prefix: ctc?.extend(node.next!.prefix!, id) };
        live.push(child);
      } else {
        ended.add(looped);
      }
    }
    for (const node of stepped) node.next = undefined;
    if (isOver(ended, live, options)) break;
  }
  return [...ended].map((node) => toResult(node, options.lengthNormalization)).sort(byScore);
}

function root<S>(
  sos: number,
  state: S,
  ctc: CtcPrefixScorer | undefined,
  fusion: TextFusion | undefined,
): Node<S> {
  const next = { state, prefix: ctc?.initial() };
  return {
    text: fusion?.start,
    id: sos,
    length: 0,
    logProb: 0,
    attentionScore: 0,
    score: 0,
    next,
    eosLogProb: NaN,
    endScore: NaN,
  };
}

function extend<S>(
  { node, id, score, text }: Candidate<S>,
  logProb: number,
  attention: Float32Array | undefined,
): Node<S> {
  return {
    parent: node,
    id,
    length: node.length + 1,
    logProb,
    attentionScore: node.attentionScore + logProb,
    score,
    attention,
    text,
    eosLogProb: NaN,
    endScore: NaN,
  };
}

/** 0 times infinity is 0 here: a share of nothing leaves the other score alone. */
function mix(weight: number, score: number): number {
  return weight === 0 ? 0 : weight * score;
}

const byScore = (a: { score: number }, b: { score: number }): number => b.score - a.score;

/** A copy: the whole step's matrix need not be kept for one row. */
function attentionOf(
  attention: Float32Array | undefined,
  row: number,
  frames: number,
): Float32Array | undefined {
  return attention?.slice(row * frames, (row + 1) * frames);
}

/** Where a hypothesis that cycles is ended; `undefined` for one that does not. */
function cutOf<S>(last: Node<S>): Node<S> | undefined {
  const reversed: number[] = [];
  for (let node = last; node.parent !== undefined && reversed.length < CYCLE_WINDOW; node = node.parent) {
    reversed.push(node.id);
  }
  const cut = cycleAtEnd(reversed);
  if (cut === 0) return undefined;
  let node = last;
  for (let index = 0; index < cut; index++) node = node.parent!;
  return node;
}

function normalised<S>({ length, endScore }: Node<S>, exponent: number): number {
  return endScore / (length + 1) ** exponent;
}

function isOver<S>(
  ended: ReadonlySet<Node<S>>,
  live: readonly Node<S>[],
  options: AttentionSearchOptions,
): boolean {
  if (ended.size === 0 || live.length === 0) return false;
  const { count, maxTokens, lengthNormalization } = options;
  const scores = [...ended].map((node) => normalised(node, lengthNormalization)).sort((a, b) => b - a);
  // Scores only fall with each token, so this is the best that any live hypothesis could come to. Hot words may be
  // worth anything; with them only the end detection ends the search early.
  const reachable =
    options.fusion === undefined
      ? Math.max(...live.map(({ score }) => score)) / (maxTokens + 1) ** lengthNormalization
      : Infinity;
  if (scores.length >= count && scores[count - 1] >= reachable) return true;

  const best = Math.max(...[...ended].map(({ endScore }) => endScore));
  const length = live[0].length - 1;
  for (let back = 0; back < END_DETECTION.lengths; back++) {
    const ofLength = [...ended].filter((node) => node.length === length - back);
    if (ofLength.length === 0) return false;
    if (Math.max(...ofLength.map(({ endScore }) => endScore)) > best - END_DETECTION.margin) return false;
  }
  return true;
}

function toResult<S>(last: Node<S>, exponent: number): AttentionResult {
  const nodes: Node<S>[] = [];
  for (let node = last; node.parent !== undefined; node = node.parent) nodes.push(node);
  nodes.reverse();
  const seen = nodes.map(({ attention }) => attention).filter((row) => row !== undefined);
  return {
    ids: nodes.map(({ id }) => id),
    logProbs: nodes.map(({ logProb }) => logProb),
    eosLogProb: last.eosLogProb,
    ...(seen.length === nodes.length ? { attention: seen } : {}),
    score: normalised(last, exponent),
  };
}
