/**
 * What a search adds to the acoustic score of a hypothesis: language models, hot words. Each is an automaton over the
 * symbols of the text (symbols.ts), built lazily: its states are numbers, and what a symbol is worth in a state is
 * computed once.
 */
import { PairIndex, PairMap } from '../pair-map.js';

export interface Fusion {
  readonly start: number;
  /** Natural logarithm that the last {@link step} was worth. */
  readonly delta: number;
  /** States and transitions held. */
  readonly size: number;
  /** How many kinds of states there are, as far as bounds tell them apart. */
  readonly kinds: number;
  /** Which kind a state is of. */
  kind(state: number): number;
  /** The state after a symbol; `delta` says what it was worth. */
  step(state: number, symbol: number): number;
  /** What a symbol is worth in a state. To ask for this alone is less work than a {@link step}, and leaves nothing behind. */
  worth(state: number, symbol: number): number;
  /** Whether {@link worth} of this symbol is mostly told without a look-up in a large table. */
  isQuick(symbol: number): boolean;
  /** What a symbol is worth at most in states of a kind: what cannot reach the beam with it need not be looked up. */
  bound(symbol: number, kind: number): number;
  /** What it is worth that the text ends in this state; credit that was lent in advance is taken back here. */
  finish(state: number): number;
}

/** Transitions kept at most: 16 bytes each, and as much again for the free slots. */
const MAX_TRANSITIONS = 1 << 20;

export abstract class CachedFusion implements Fusion {
  abstract readonly start: number;
  readonly kinds: number = 1;
  delta = 0;
  private readonly transitions = new PairMap(1024);

  get size(): number {
    return this.transitions.size + this.states;
  }

  step(state: number, symbol: number): number {
    const { transitions } = this;
    if (transitions.find(state, symbol)) {
      this.delta = transitions.real;
      return transitions.value;
    }
    this.delta = 0;
    const next = this.compute(state, symbol);
    // Of the precision that is kept: the worth of a symbol must not depend on whether it was looked up before.
    this.delta = Math.fround(this.delta);
    if (transitions.size >= MAX_TRANSITIONS) transitions.clear();
    transitions.add(state, symbol, next, this.delta);
    return next;
  }

  worth(state: number, symbol: number): number {
    this.step(state, symbol);
    return this.delta;
  }

  isQuick(_symbol: number): boolean {
    return false;
  }

  kind(_state: number): number {
    return 0;
  }

  abstract bound(symbol: number, kind: number): number;
  abstract finish(state: number): number;
  protected abstract readonly states: number;
  /** As {@link step}, `delta` being 0 before. */
  protected abstract compute(state: number, symbol: number): number;
}

/** Two automata side by side. */
export class SumFusion extends CachedFusion {
  readonly start: number;
  override readonly kinds: number;
  private readonly pairs = new PairIndex();
  /** By token. */
  private readonly quick: Uint8Array;

  /** @param tokens symbols below this are tokens */
  constructor(
    private readonly a: Fusion,
    private readonly b: Fusion,
    tokens: number,
  ) {
    super();
    this.quick = Uint8Array.from({ length: tokens }, (_, id) => (a.isQuick(id) && b.isQuick(id) ? 1 : 0));
    this.start = this.pairs.of(a.start, b.start);
    this.kinds = a.kinds * b.kinds;
  }

  override kind(state: number): number {
    const { a, b, pairs } = this;
    return a.kind(pairs.first[state]) * b.kinds + b.kind(pairs.second[state]);
  }

  override isQuick(symbol: number): boolean {
    return this.quick[symbol] === 1;
  }

  /** One look-up of both is better than one of each; none is better still. */
  override worth(state: number, symbol: number): number {
    if (this.quick[symbol] !== 1) {
      this.step(state, symbol);
      return this.delta;
    }
    const { a, b, pairs } = this;
    return a.worth(pairs.first[state], symbol) + b.worth(pairs.second[state], symbol);
  }

  finish(state: number): number {
    return this.a.finish(this.pairs.first[state]) + this.b.finish(this.pairs.second[state]);
  }

  bound(symbol: number, kind: number): number {
    const { a, b } = this;
    return a.bound(symbol, Math.floor(kind / b.kinds)) + b.bound(symbol, kind % b.kinds);
  }

  protected get states(): number {
    return this.pairs.size;
  }

  protected compute(state: number, symbol: number): number {
    const { a, b, pairs } = this;
    const nextA = a.step(pairs.first[state], symbol);
    const nextB = b.step(pairs.second[state], symbol);
    this.delta = a.delta + b.delta;
    return pairs.of(nextA, nextB);
  }
}
