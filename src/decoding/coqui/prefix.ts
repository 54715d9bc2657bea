import type { NgramState } from '../lm/contract.js';
import { LOWEST } from './float32.js';

/** Units of the language model that a prefix has behind it, the last first. Immutable. */
export interface History {
  readonly previous: History | undefined;
  /** How many there are. */
  readonly length: number;
  /** How many of the last are in the language model's vocabulary. */
  readonly known: number;
  /** Of the last one, as a hot word. */
  readonly boost: number;
  readonly state: NgramState;
}

/** A unit in its context. */
export interface ScoredUnit {
  /** ln P(unit | as many units before it as the model looks at) */
  readonly logProb: number;
  /** Of the hot words among these units, the last included. */
  readonly boost: number;
  /** With the unit as its last. */
  readonly history: History;
}

/** Frames at which a prefix' labels were first emitted, as a list that prefixes share. Immutable. */
export interface Timing {
  readonly previous: Timing | undefined;
  readonly frame: number;
  /** Of the label in that frame, 0..1. */
  readonly probability: number;
}

/** Of the root; compares lowest in rank among equals, as its unsigned counterpart does in Coqui. */
export const NO_LABEL = 0xffff_ffff;

/**
 * A node of the tree of label sequences that the beam search keeps. Its scores are natural logarithms in float32. A node
 * that has left the beam stays while it has descendants in it.
 */
export class Prefix {
  readonly children: Prefix[] = [];
  inBeam = false;
  /** Chosen to stay in the beam after the frame under way. */
  kept = false;
  /** Place in the sorted beam. */
  rank = 0;
  /** Of ending in a blank, of ending in the label, and of both. */
  blank = LOWEST;
  label = LOWEST;
  score = LOWEST;
  timing: Timing | undefined;
  /** From the parent, in the frame under way, and the times before it. */
  extended = LOWEST;
  source: Timing | undefined;
  /** What the frame under way makes of it. */
  nextBlank = LOWEST;
  nextLabel = LOWEST;
  nextScore = LOWEST;
  /** It was the step from the parent that made it most likely. */
  emitted = false;
  /** Units of the language model before the one that this prefix ends in. */
  history: History | undefined;
  /** What its last unit is worth once complete; looked up once. */
  unit: ScoredUnit | undefined;
  /** The same for the units that its children by some labels would complete. */
  ahead: Map<number, ScoredUnit> | undefined;

  constructor(
    readonly parent: Prefix | undefined,
    /** The label that it ends in. */
    readonly character: number,
    /** Of the dictionary. */
    readonly state: number,
  ) {}
}

/** Whether a goes before b: by score, then by label. */
export function compareRank(scoreA: number, labelA: number, scoreB: number, labelB: number): number {
  if (scoreA !== scoreB) return scoreA > scoreB ? -1 : 1;
  return labelA - labelB;
}

/** Takes a prefix out of the beam, and out of the tree with all ancestors that nothing in the beam descends from. */
export function drop(prefix: Prefix): void {
  prefix.inBeam = false;
  prefix.ahead = undefined;
  let node = prefix;
  while (node.parent !== undefined && node.children.length === 0 && !node.inBeam) {
    const siblings = node.parent.children;
    siblings.splice(siblings.indexOf(node), 1);
    node = node.parent;
  }
}

/** A copy of the tree that can go on by itself. Returns the copies of the beam's prefixes, in its order. */
export function cloneTree(root: Prefix, beam: readonly Prefix[]): { root: Prefix; beam: Prefix[] } {
  const copies = new Map<Prefix, Prefix>();
  const copyOf = (node: Prefix, parent: Prefix | undefined): Prefix => {
    const copy = new Prefix(parent, node.character, node.state);
    copy.inBeam = node.inBeam;
    copy.blank = node.blank;
    copy.label = node.label;
    copy.score = node.score;
    copy.timing = node.timing;
    copy.history = node.history;
    copy.unit = node.unit;
    copies.set(node, copy);
    return copy;
  };
  const copiedRoot = copyOf(root, undefined);
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const copy = copies.get(node)!;
    for (const child of node.children) {
      copy.children.push(copyOf(child, copy));
      pending.push(child);
    }
  }
  return { root: copiedRoot, beam: beam.map((prefix) => copies.get(prefix)!) };
}
