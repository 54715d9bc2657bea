/** CTC prefix beam search (Graves 2012, 7.5.3; Hannun et al. 2014). */
import type { TokenTable } from '../contract.js';
import { FrameTokens, logAdd } from './frame.js';
import type { Fusion } from './fusion.js';
import { BestOf } from './best-of.js';
import { Paths } from './paths.js';
import { PrefixTree, UNBORN } from './prefixes.js';
import type { Symbols } from './symbols.js';

export interface SearchConfig {
  /** Prefixes held. */
  readonly beamWidth: number;
  /** Tokens by which a frame may extend a prefix. */
  readonly topTokens: number;
  /** None less probable than the frame's best class by more than this (natural logarithm). */
  readonly tokenReach: number;
  /** A prefix is dropped when its score is below the best one's by more than this. */
  readonly beamReach: number;
  /**
   * What the best prefix has begun with for so many frames holds: prefixes that begin otherwise are dropped, as in a
   * decoder with partial traceback of bounded delay (Brown et al. 1982). Without it nothing holds before all agree.
   */
  readonly settleFrames?: number;
}

export interface FoundPrefix {
  readonly ids: readonly number[];
  /** log P(ids | audio): the sum over all paths that the search held. */
  readonly acoustic: number;
  /** With language model and hot words. */
  readonly score: number;
}

/**
 * One utterance. Frames are taken in as they come; the work of a frame does not depend on how many there were.
 *
 * A frame in which no token is in reach adds no prefix. It is counted, exactly, for the prefixes held, and nothing is
 * sorted or dropped: what the search finds is the same as without this shortcut. With the peaked distributions that CTC
 * training gives most frames are of that kind.
 */
export class PrefixSearch {
  /** Log-probability of the blank in each frame taken in, control symbols included. */
  readonly blanks: number[] = [];
  private readonly tree: PrefixTree;
  private readonly tokens: FrameTokens;
  private readonly heap: BestOf;
  /** What all prefixes held were made to begin with. */
  private anchor = 0;
  private borneInPeek: number[] | undefined;
  /** Prefixes in the beam, and which they are. */
  private count = 1;
  private nodes: Int32Array;
  private beam: Paths;
  /** The same prefixes one frame later. */
  private stayed: Paths;
  private nextNodes: Int32Array;
  private next: Paths;
  /** Which extensions lead to a prefix that the beam holds: [prefix, token]. */
  private readonly held: Uint8Array;
  /** Position of a token among those of the frame, plus 1. */
  private readonly rank: Int32Array;
  /** What the fusion adds to a token at most: [kind of state, token]. */
  private readonly bounds: Float64Array;
  /** And to any token of the frame: [kind of state]. */
  private readonly mosts: Float64Array;

  constructor(
    table: TokenTable,
    private readonly symbols: Symbols,
    private readonly config: SearchConfig,
    private readonly fusion?: Fusion,
  ) {
    const { beamWidth, topTokens, tokenReach } = config;
    this.tokens = new FrameTokens(table, topTokens, tokenReach);
    this.tree = new PrefixTree(fusion?.start ?? 0);
    this.heap = new BestOf(beamWidth);
    this.nodes = new Int32Array(beamWidth);
    this.nextNodes = new Int32Array(beamWidth);
    this.beam = new Paths(beamWidth);
    this.stayed = new Paths(beamWidth);
    this.next = new Paths(beamWidth);
    this.held = new Uint8Array(beamWidth * topTokens);
    this.rank = new Int32Array(table.tokens.length);
    this.mosts = new Float64Array(fusion?.kinds ?? 1);
    this.bounds = boundsOf(table.tokens.length, symbols, fusion);
    this.beam.label[0] = -Infinity;
    this.tree.position[0] = 0;
  }

  /**
   * @param from where the frame's row of log-probabilities begins in `data`
   * @throws MalgwiError inference_failed for a row without numbers
   */
  push(data: Float32Array, from: number): void {
    const { tokens } = this;
    tokens.select(data, from);
    this.blanks.push(tokens.blank);
    this.stay(data, from);
    if (tokens.count === 0) {
      [this.beam, this.stayed] = [this.stayed, this.beam];
      return;
    }
    this.select();
    this.replace();
    if (this.config.settleFrames !== undefined) this.settle(this.blanks.length - this.config.settleFrames);
  }

  /**
   * What `look` sees after the pushes that it makes, which are then taken back. Prefixes that they added stay in the
   * tree: they are what any other search would have added.
   * @param width prefixes held meanwhile, those that were the best
   */
  peek<T>(look: () => T, width = this.config.beamWidth): T {
    const { tree, count, blanks, anchor } = this;
    const borne: number[] = [];
    this.borneInPeek = borne;
    const nodes = this.nodes.slice(0, count);
    const beam = this.beam.slice(count);
    const frames = blanks.length;
    try {
      this.heap.limit(width);
      this.narrow(width);
      return look();
    } finally {
      this.heap.limit(this.config.beamWidth);
      for (let i = 0; i < this.count; i++) tree.position[this.nodes[i]] = -1;
      this.nodes.set(nodes);
      this.beam.set(beam);
      this.count = count;
      this.anchor = anchor;
      this.borneInPeek = undefined;
      for (const node of borne) tree.born[node] = UNBORN;
      nodes.forEach((node, i) => (tree.position[node] = i));
      blanks.length = frames;
    }
  }

  /** Lets go of all prefixes but the best. */
  private narrow(width: number): void {
    const { heap, nodes, beam, tree, nextNodes, next } = this;
    if (this.count <= width) return;
    heap.clear();
    for (let i = 0; i < this.count; i++) heap.offer(beam.total[i] + tree.bonus[nodes[i]], i);
    for (let i = 0; i < this.count; i++) tree.position[nodes[i]] = -1;
    this.count = heap.size;
    for (let to = heap.size - 1; to >= 0; to--) {
      const i = heap.pop();
      nextNodes[to] = nodes[i];
      next.copy(beam, i, to);
      tree.position[nodes[i]] = to;
    }
    this.swap();
  }

  /** What all prefixes held begin with, and therefore all that any later frame can lead to. */
  common(): readonly number[] {
    const { tree, nodes } = this;
    let shared = nodes[0];
    for (let i = 1; i < this.count; i++) {
      // A prefix is numbered after those that it extends.
      for (let other = nodes[i]; other !== shared;) {
        if (other > shared) other = tree.parent[other];
        else shared = tree.parent[shared];
      }
    }
    return tree.ids(shared);
  }

  /** The best prefix so far. Nothing is changed by asking. */
  bestSoFar(): readonly number[] {
    return this.tree.ids(this.best());
  }

  private best(): number {
    let best = 0;
    let score = -Infinity;
    for (let i = 0; i < this.count; i++) {
      const value = this.beam.total[i] + this.tree.bonus[this.nodes[i]];
      if (value > score) {
        score = value;
        best = i;
      }
    }
    return this.nodes[best];
  }

  /** Holds on to what the best prefix began with before this frame. */
  private settle(frame: number): void {
    const { tree, nodes, beam } = this;
    let anchor = this.best();
    while (tree.born[anchor] > frame) anchor = tree.parent[anchor];
    if (anchor <= this.anchor) return;
    this.anchor = anchor;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const node = nodes[i];
      let at = node;
      while (at > anchor) at = tree.parent[at];
      if (at !== anchor) {
        tree.position[node] = -1;
        continue;
      }
      nodes[kept] = node;
      beam.copy(beam, i, kept);
      tree.position[node] = kept;
      kept += 1;
    }
    this.count = kept;
  }

  /** All prefixes held, as texts that end here, best first. Nothing is changed by asking. */
  prefixes(): FoundPrefix[] {
    const { tree, fusion } = this;
    const found: FoundPrefix[] = [];
    for (let i = 0; i < this.count; i++) {
      const node = this.nodes[i];
      const bonus = tree.bonus[node] + (fusion?.finish(tree.state[node]) ?? 0);
      const acoustic = this.beam.total[i];
      found.push({ ids: tree.ids(node), acoustic, score: acoustic + bonus });
    }
    return found.sort((a, b) => b.score - a.score);
  }

  /** The prefixes held, one frame later: a blank, the last token again, or the last token after the prefix before. */
  private stay(data: Float32Array, from: number): void {
    const { nodes, beam, stayed, tree, count } = this;
    const { blank } = this.tokens;
    for (let i = 0; i < count; i++) {
      const node = nodes[i];
      const token = tree.token[node];
      let label = -Infinity;
      if (token >= 0) {
        const logProb = data[from + token];
        label = beam.label[i] + logProb;
        const parent = tree.parent[node];
        const shorter = tree.position[parent];
        if (shorter >= 0) {
          const before = token === tree.token[parent] ? beam.blank[shorter] : beam.total[shorter];
          label = logAdd(label, before + logProb);
        }
        // Also where the model gave no number.
        if (!(label > -Infinity)) label = -Infinity;
      }
      stayed.blank[i] = beam.total[i] + blank;
      stayed.label[i] = label;
      stayed.total[i] = logAdd(stayed.blank[i], label);
    }
  }

  /** Fills the heap with the best of what stays and of all extensions. */
  private select(): void {
    const { nodes, beam, stayed, tree, held, heap, count, fusion, bounds, mosts } = this;
    const { ids, logProbs, count: width } = this.tokens;
    const { beamReach } = this.config;
    const classes = this.rank.length;
    this.mark();
    this.limit();
    heap.clear();
    for (let i = 0; i < count; i++) heap.offer(stayed.total[i] + tree.bonus[nodes[i]], ~i);
    let cut = Math.max(heap.cut, heap.best - beamReach);
    for (let i = 0; i < count; i++) {
      const node = nodes[i];
      const last = tree.token[node];
      const bonus = tree.bonus[node];
      const total = beam.total[i] + bonus;
      const kind = fusion === undefined ? 0 : fusion.kind(tree.state[node]);
      for (let k = 0; k < width; k++) {
        const score = total + logProbs[k];
        // Tokens come best first, so the rest of them is worse still.
        if (!(score + mosts[kind] > cut)) break;
        const id = ids[k];
        const bound = bounds[kind * classes + id];
        if (held[i * width + k] === 1 || !(score + bound > cut)) continue;
        const alone = id === last ? beam.blank[i] + bonus + logProbs[k] : score;
        if (!(alone + bound > cut)) continue;
        const exact = fusion === undefined ? alone : alone + this.worth(fusion, node, id);
        if (!(exact > cut)) continue;
        heap.offer(exact, i * width + k);
        cut = Math.max(heap.cut, heap.best - beamReach);
      }
    }
  }

  private limit(): void {
    const { mosts, bounds } = this;
    const { ids, count: width } = this.tokens;
    const classes = this.rank.length;
    for (let kind = 0; kind < mosts.length; kind++) {
      let most = 0;
      for (let k = 0; k < width; k++) most = Math.max(most, bounds[kind * classes + ids[k]]);
      mosts[kind] = most;
    }
  }

  /** Notes the extensions that the beam holds already: {@link stay} has counted those paths. */
  private mark(): void {
    const { nodes, tree, held, rank, count } = this;
    const { ids, count: width } = this.tokens;
    held.fill(0, 0, count * width);
    for (let k = 0; k < width; k++) rank[ids[k]] = k + 1;
    for (let i = 0; i < count; i++) {
      const shorter = nodes[i] === 0 ? -1 : tree.position[tree.parent[nodes[i]]];
      const k = shorter < 0 ? 0 : rank[tree.token[nodes[i]]];
      if (k > 0) held[shorter * width + k - 1] = 1;
    }
    for (let k = 0; k < width; k++) rank[ids[k]] = 0;
  }

  private worth(fusion: Fusion, node: number, token: number): number {
    const { symbols, tree } = this;
    const symbol = symbols.hasBytes ? symbols.advance(tree.pending[node], token) : token;
    return symbol < 0 ? 0 : fusion.worth(tree.state[node], symbol);
  }

  /** The heap becomes the beam, best first. */
  private replace(): void {
    const { nodes, tree, heap, beam, stayed, nextNodes, next } = this;
    const { logProbs, ids, count: width } = this.tokens;
    for (let i = 0; i < this.count; i++) tree.position[nodes[i]] = -1;
    const cut = heap.best - this.config.beamReach;
    while (heap.worst < cut) heap.pop();
    this.count = heap.size;
    // The worst comes out first, so the beam is filled from its end.
    for (let to = heap.size - 1; to >= 0; to--) {
      const code = heap.pop();
      if (code < 0) {
        nextNodes[to] = nodes[~code];
        next.copy(stayed, ~code, to);
        continue;
      }
      const i = Math.floor(code / width);
      const k = code % width;
      const id = ids[k];
      nextNodes[to] = this.extension(nodes[i], id);
      next.blank[to] = -Infinity;
      next.label[to] = (id === tree.token[nodes[i]] ? beam.blank[i] : beam.total[i]) + logProbs[k];
      next.total[to] = next.label[to];
    }
    for (let i = 0; i < this.count; i++) tree.position[nextNodes[i]] = i;
    this.swap();
  }

  private swap(): void {
    [this.nodes, this.nextNodes] = [this.nextNodes, this.nodes];
    [this.beam, this.next] = [this.next, this.beam];
  }

  /** Notes when a prefix was first held. */
  private bear(node: number): number {
    const { born } = this.tree;
    if (born[node] === UNBORN) {
      born[node] = this.blanks.length;
      this.borneInPeek?.push(node);
    }
    return node;
  }

  private extension(node: number, token: number): number {
    const { tree, symbols, fusion } = this;
    const known = tree.child(node, token);
    if (known >= 0) {
      this.bear(known);
      return known;
    }
    let pending = 0;
    let symbol = token;
    if (symbols.hasBytes) {
      symbol = symbols.advance(tree.pending[node], token);
      ({ pending } = symbols);
    }
    if (fusion === undefined || symbol < 0) {
      return this.bear(tree.add(node, token, tree.state[node], pending, tree.bonus[node]));
    }
    const state = fusion.step(tree.state[node], symbol);
    return this.bear(tree.add(node, token, state, pending, tree.bonus[node] + fusion.delta));
  }
}

function boundsOf(tokens: number, symbols: Symbols, fusion: Fusion | undefined): Float64Array {
  const bounds = new Float64Array((fusion?.kinds ?? 1) * tokens);
  if (fusion === undefined) return bounds;
  for (let kind = 0, at = 0; kind < fusion.kinds; kind++) {
    // A byte may complete any character.
    for (let id = 0; id < tokens; id++) bounds[at++] = symbols.isByte(id) ? Infinity : fusion.bound(id, kind);
  }
  return bounds;
}
