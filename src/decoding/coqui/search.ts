import { follow } from './dictionary.js';
import { LOWEST, logSumExp } from './float32.js';
import { Frame } from './frame.js';
import { cloneTree, drop, NO_LABEL, Prefix } from './prefix.js';
import { Ranking } from './ranking.js';
import type { ScorerWeights } from './scorer.js';
import { Selection } from './selection.js';
import type { Units } from './units.js';

const { fround } = Math;

/** Frames before the first with a blank below this are skipped, so that the first label is not placed too early. */
const SILENCE = 0.999;

export interface SearchConfig {
  readonly beamWidth: number;
  /** The last class. */
  readonly blank: number;
  /** The language model's view, and its weights now; absent: acoustic scores alone. */
  readonly units?: Units;
  readonly weights: () => ScorerWeights;
  /** The largest of the hot words' boosts; 0 for none. */
  readonly largestBoost: number;
}

/**
 * Coqui's prefix beam search (after Hannun et al. 2014), frame by frame, with its float32 scores, its pruning and its
 * ways of breaking ties. Where Coqui extends every prefix by every label and then throws nearly all of it away, only
 * extensions are made that can survive; what survives is the same.
 */
export class CoquiSearch {
  /** At most as many as the beam is wide. */
  beam: Prefix[];
  /** Frames seen. */
  frames = 0;
  private root: Prefix;
  private expanding = false;
  private readonly frame: Frame;
  private readonly selection: Selection;
  private readonly ranking: Ranking;
  /** Which children the prefix at hand has: marked by its turn. */
  private readonly marks: Int32Array;
  private readonly marked: Prefix[] = [];
  private turn = 0;
  // Of the frame under way:
  private alpha = 0;
  private beta = 0;
  private cutoff = LOWEST;
  private full = false;
  private raise = 0;

  constructor(private readonly config: SearchConfig) {
    const { units, blank, beamWidth } = config;
    this.root = new Prefix(undefined, NO_LABEL, units?.scorer.dictionary.start ?? 0);
    this.root.blank = 0;
    this.root.score = 0;
    this.root.inBeam = true;
    this.root.history = units?.start;
    this.beam = [this.root];
    this.frame = new Frame(blank);
    this.selection = new Selection(beamWidth);
    this.ranking = new Ranking(beamWidth);
    this.marks = new Int32Array(blank + 1);
  }

  /** A search in the same place that goes on by itself. */
  fork(): CoquiSearch {
    const copy = new CoquiSearch(this.config);
    const { root, beam } = cloneTree(this.root, this.beam);
    copy.root = root;
    copy.beam = beam;
    copy.frames = this.frames;
    copy.expanding = this.expanding;
    return copy;
  }

  /** @param at where the frame's probabilities begin */
  step(probabilities: Float32Array, at: number): void {
    const { config, frame } = this;
    const blank = probabilities[at + config.blank];
    if (blank < SILENCE) this.expanding = true;
    if (this.expanding) {
      frame.read(probabilities, at);
      this.beam = this.ranking.sort(this.beam);
      this.prune(blank);
      this.stay();
      this.extend();
      this.keep();
    }
    this.frames++;
  }

  /** What the frame's scores must reach where there is a language model and the beam is full. */
  private prune(blank: number): void {
    const { units, beamWidth, weights, largestBoost } = this.config;
    if (units === undefined) return;
    const { alpha, beta } = weights();
    this.alpha = alpha;
    this.beta = beta;
    const last = this.beam[this.beam.length - 1];
    this.full = this.beam.length === beamWidth;
    this.cutoff = fround(last.score + Math.log(blank) - Math.max(0, beta));
    // How much the language model can add, with room for models whose probabilities do not sum to one.
    const boost = Math.max(0, largestBoost) * units.scorer.model.order;
    this.raise = alpha >= 0 ? alpha * (1 + boost) + Math.max(0, beta) : Infinity;
  }

  /** Scores of the prefixes in the beam after this frame. */
  private stay(): void {
    const { beam, frame, selection } = this;
    for (const prefix of beam) prefix.extended = LOWEST;
    for (const prefix of beam) {
      if (prefix.score === LOWEST) continue;
      for (const child of prefix.children) {
        if (!child.inBeam) continue;
        child.extended = this.extension(prefix, child.character);
        child.source = prefix.timing;
      }
    }
    selection.clear();
    const blankLog = frame.logs[frame.blank];
    for (const prefix of beam) {
      const { character } = prefix;
      let ended = LOWEST;
      let again = LOWEST;
      if (prefix.score !== LOWEST) {
        if (this.reaches(blankLog + prefix.score)) ended = fround(blankLog + prefix.score);
        if (character !== NO_LABEL && this.reaches(frame.logs[character] + prefix.score)) {
          again = fround(frame.logs[character] + prefix.label);
        }
      }
      this.combine(prefix, ended, again);
      selection.add(prefix.nextScore, character, undefined, prefix, 0);
    }
    selection.shrink();
  }

  /** Whichever comes first in Coqui's order of labels and prefixes decides about the time, if they are equal. */
  private combine(prefix: Prefix, ended: number, again: number): void {
    const { extended, parent } = prefix;
    const repeatFirst = parent === undefined || prefix.rank < parent.rank;
    let emitted = repeatFirst ? again < extended : extended > LOWEST && again <= extended;
    const label = repeatFirst ? logSumExp(again, extended) : logSumExp(extended, again);
    if (emitted && label < ended && this.frame.blankComesAfter(prefix.character)) emitted = false;
    prefix.emitted = emitted;
    prefix.nextBlank = ended;
    prefix.nextLabel = label;
    prefix.nextScore = logSumExp(ended, label);
  }

  /** Score of a prefix with one more label; LOWEST where there is none. */
  private extension(prefix: Prefix, label: number): number {
    const log = this.frame.logs[label];
    if (!this.reaches(log + prefix.score)) return LOWEST;
    const score = label === prefix.character ? prefix.blank : prefix.score;
    if (score === LOWEST) return LOWEST;
    return this.withLanguageModel(fround(log + score), prefix, label);
  }

  private withLanguageModel(score: number, prefix: Prefix, label: number): number {
    const unit = this.config.units?.completed(prefix, label);
    if (unit === undefined) return score;
    const worth = fround((unit.logProb + unit.boost) * this.alpha);
    return fround(fround(score + worth) + this.beta);
  }

  private reaches(sum: number): boolean {
    return !this.full || fround(sum) >= this.cutoff;
  }

  /** Offers every prefix with every label that is not in the beam yet. */
  private extend(): void {
    const { beam, frame, selection, config } = this;
    const { units } = config;
    const space = units === undefined || units.scorer.codePoints ? -1 : units.scorer.alphabet.space;
    const raise = units?.scorer.codePoints === true ? this.raise : 0;
    const best = beam[0].score;
    const least = Math.max(this.full ? this.cutoff : -Infinity, selection.threshold - raise);
    // A little less, for the rounding; every extension is measured again.
    frame.sort(least - best - 1e-3 - 1e-6 * Math.abs(best));
    for (const prefix of beam) {
      if (prefix.score === LOWEST) break;
      this.mark(prefix);
      if (space >= 0) this.offer(prefix, space);
      const arcs = units?.scorer.dictionary.arcs(prefix.state);
      if (arcs !== undefined && arcs.labels.length < frame.count) {
        for (const arc of arcs.labels) {
          const label = arc - 1;
          if (label < 0 || label >= frame.blank || label === space) continue;
          if (fround(frame.logs[label] + prefix.score) + raise >= selection.threshold)
            this.offer(prefix, label);
        }
        continue;
      }
      for (let i = 0; i < frame.count; i++) {
        const label = frame.order[i];
        if (fround(frame.logs[label] + prefix.score) + raise < selection.threshold) break;
        if (label !== space) this.offer(prefix, label);
      }
    }
  }

  private mark(prefix: Prefix): void {
    this.turn++;
    for (const child of prefix.children) {
      this.marks[child.character] = this.turn;
      this.marked[child.character] = child;
    }
  }

  private offer(prefix: Prefix, label: number): void {
    const { selection, config } = this;
    const child = this.marks[label] === this.turn ? this.marked[label] : undefined;
    if (child?.inBeam) return;
    let state = 0;
    if (child === undefined && config.units !== undefined) {
      const { dictionary } = config.units.scorer;
      state = follow(dictionary.arcs(prefix.state), label + 1);
      if (state < 0) return;
      if (dictionary.isFinal(state)) state = dictionary.start;
    }
    const score = this.extension(prefix, label);
    if (score > LOWEST && score >= selection.threshold) selection.add(score, label, prefix, child, state);
  }

  /** The best become the beam. */
  private keep(): void {
    const { selection, beam, frames, frame } = this;
    if (selection.count > this.config.beamWidth) selection.shrink();
    const next: Prefix[] = [];
    // New prefixes first: their times go on from those that their parents had before this frame.
    for (let i = 0; i < selection.count; i++) {
      const parent = selection.parents[i];
      if (parent === undefined) {
        selection.nodes[i]!.kept = true;
        continue;
      }
      const label = selection.labels[i];
      const node = selection.nodes[i] ?? this.create(parent, label, selection.states[i]);
      node.inBeam = true;
      node.blank = LOWEST;
      node.label = node.score = selection.scores[i];
      node.timing = { previous: parent.timing, frame: frames, probability: frame.probability(label) };
      next.push(node);
    }
    for (const prefix of beam) {
      if (prefix.kept) {
        prefix.kept = false;
        this.settle(prefix);
        next.push(prefix);
      } else {
        drop(prefix);
      }
    }
    this.beam = next;
  }

  private settle(prefix: Prefix): void {
    if (prefix.emitted) {
      const probability = this.frame.probability(prefix.character);
      prefix.timing = { previous: prefix.source, frame: this.frames, probability };
    }
    prefix.blank = prefix.nextBlank;
    prefix.label = prefix.nextLabel;
    prefix.score = prefix.nextScore;
  }

  private create(parent: Prefix, label: number, state: number): Prefix {
    const node = new Prefix(parent, label, state);
    const { units } = this.config;
    if (units !== undefined) {
      node.history = units.historyAfter(parent, label);
      if (units.scorer.codePoints) node.unit = parent.ahead?.get(label);
    }
    parent.children.push(node);
    return node;
  }
}
