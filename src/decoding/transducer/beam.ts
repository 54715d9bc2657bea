import type { TransducerScorer } from '../contract.js';
import { logAdd } from '../log-add.js';
import type { TextFusion, TextState } from '../text-fusion.js';
import { bestClasses, throwIfAborted } from '../select.js';
import type { Emission, TransducerResult } from './contract.js';

export interface TransducerBeamOptions {
  readonly sos: number;
  readonly blank: number;
  readonly width: number;
  readonly maxTokensPerFrame: number;
  /** Scores are divided by the number of tokens plus one to this power; 1 is Graves' own ranking. */
  readonly lengthNormalization: number;
  /** Hot words. */
  readonly fusion?: TextFusion;
  readonly signal?: AbortSignal;
}

/** With hot words each hypothesis is expanded by at least so many tokens: one of little probability may belong to one. */
const EXPANSIONS_BOOSTED = 40;

/** A sequence of tokens, whichever way through the frames led to it. */
interface Prefix<S> {
  readonly key: string;
  readonly id: number;
  readonly length: number;
  readonly text?: TextState;
  /** Prediction network after its last token; made from the parent's when it is first needed. */
  state?: S;
  parent?: Prefix<S>;
}

interface Trace {
  readonly before?: Trace;
  readonly emission: Emission;
}

interface Hypothesis<S> {
  readonly prefix: Prefix<S>;
  /** Over all the ways to it that were followed, and what its text is worth. */
  score: number;
  /** The most probable of them, and its score. */
  trace?: Trace;
  best: number;
}

/**
 * Beam search of Graves 2012 (algorithm 1), frame by frame. Hypotheses of one frame are expanded in rounds, each round
 * one call of the prediction and one of the joint network for all of them; a hypothesis less probable than the `width`
 * best that are done with the frame cannot come before them any more and is left. Ways that lead to equal prefixes are
 * added up.
 * @returns best first, at least one, no two of the same tokens
 * @throws MalgwiError cancelled; inference_failed, also of the scorer
 */
export async function transducerBeam<S>(
  scorer: TransducerScorer<S>,
  options: TransducerBeamOptions,
): Promise<TransducerResult[]> {
  const { fusion } = options;
  const root: Prefix<S> = { key: '', id: options.sos, length: 0, text: fusion?.start };
  let beam: Hypothesis<S>[] = [{ prefix: root, score: 0, best: 0 }];
  for (let frame = 0; frame < scorer.frames; frame++) beam = await overFrame(scorer, options, beam, frame);
  const exponent = options.lengthNormalization;
  return beam
    .map(({ prefix, score, trace, best }) => ({
      emissions: emissionsOf(trace),
      pathLogProb: best,
      score:
        (score + (prefix.text === undefined ? 0 : fusion!.end(prefix.text) - prefix.text.boost)) /
        (prefix.length + 1) ** exponent,
    }))
    .sort(byScore);
}

async function overFrame<S>(
  scorer: TransducerScorer<S>,
  options: TransducerBeamOptions,
  beam: readonly Hypothesis<S>[],
  frame: number,
): Promise<Hypothesis<S>[]> {
  const { width, blank, maxTokensPerFrame, fusion } = options;
  const expansions = fusion === undefined ? width : Math.max(width, EXPANSIONS_BOOSTED);
  const { classes } = scorer;
  const done = new Map<string, Hypothesis<S>>();
  /** A prefix that two ways lead to must be one object, so that its state is computed once. */
  const known = new Map(beam.map(({ prefix }) => [prefix.key, prefix]));
  let active = [...beam];
  for (let round = 0; active.length > 0; round++) {
    throwIfAborted(options.signal);
    await predict(scorer, active);
    const logProbs = await scorer.join(
      new Array<number>(active.length).fill(frame),
      active.map(({ prefix }) => prefix.state!),
    );
    active.forEach((hypothesis, row) => {
      const logProb = logProbs[row * classes + blank];
      finish(done, hypothesis, logProb);
    });
    if (round === maxTokensPerFrame) break;
    const threshold = widthBest(done, width);
    const candidates = active.flatMap((hypothesis, row) =>
      bestClasses(logProbs, row, classes, expansions, blank).map((id) => {
        const { text } = hypothesis.prefix;
        const after = text && fusion!.step(text, id);
        const logProb = logProbs[row * classes + id];
        const boost = after === undefined ? 0 : after.boost - text!.boost;
        return { hypothesis, id, logProb, text: after, score: hypothesis.score + logProb + boost };
      }),
    );
    active = candidates
      .filter(({ score }) => score > threshold)
      .sort(byScore)
      .slice(0, width)
      .map(({ hypothesis, id, logProb, text, score }) => ({
        prefix: extend(known, hypothesis.prefix, id, text),
        score,
        trace: { before: hypothesis.trace, emission: { id, frame, logProb } },
        best: hypothesis.best + logProb,
      }));
  }
  return [...done.values()].sort(byScore).slice(0, width);
}

/** Runs the prediction network for those whose state is not known yet. */
async function predict<S>(scorer: TransducerScorer<S>, active: readonly Hypothesis<S>[]): Promise<void> {
  const waiting = active.map(({ prefix }) => prefix).filter(({ state }) => state === undefined);
  if (waiting.length === 0) return;
  const states = await scorer.predict(
    waiting.map(({ parent }) => (parent === undefined ? scorer.initial() : parent.state!)),
    waiting.map(({ id }) => id),
  );
  waiting.forEach((prefix, index) => {
    prefix.state = states[index];
    prefix.parent = undefined; // or the states of all tokens so far would be kept
  });
}

/** Takes a hypothesis over the frame's end, adding it up with others of the same tokens. */
function finish<S>(done: Map<string, Hypothesis<S>>, hypothesis: Hypothesis<S>, logProb: number): void {
  const score = hypothesis.score + logProb;
  const best = hypothesis.best + logProb;
  const { prefix, trace } = hypothesis;
  const same = done.get(prefix.key);
  if (same === undefined) {
    done.set(prefix.key, { prefix, score, trace, best });
    return;
  }
  same.score = logAdd(same.score, score);
  if (best > same.best) {
    same.best = best;
    same.trace = trace;
  }
}

/** Score of the `width`th best; none is needed to come before fewer than that. */
function widthBest<S>(done: ReadonlyMap<string, Hypothesis<S>>, width: number): number {
  if (done.size < width) return -Infinity;
  return [...done.values()].map(({ score }) => score).sort((a, b) => b - a)[width - 1];
}

function extend<S>(
  known: Map<string, Prefix<S>>,
  parent: Prefix<S>,
  id: number,
  text: TextState | undefined,
): Prefix<S> {
  const key = `${parent.key} ${id}`;
  let prefix = known.get(key);
  if (prefix === undefined) {
    prefix = { key, parent, id, text, length: parent.length + 1 };
    known.set(key, prefix);
  }
  return prefix;
}

function emissionsOf(trace: Trace | undefined): Emission[] {
  const emissions: Emission[] = [];
  for (let one = trace; one !== undefined; one = one.before) emissions.push(one.emission);
  return emissions.reverse();
}

const byScore = (a: { score: number }, b: { score: number }): number => b.score - a.score;
