/** Hot words for searches that go token by token: attention models and transducers (shallow fusion). */
import type { DecodeOptions, TokenTable } from './contract.js';
import type { Fusion } from './ctc/fusion.js';
import { Fusions } from './ctc/fusions.js';
import { Symbols } from './ctc/symbols.js';
import type { StrayJamo } from './jamo.js';

/** What a hypothesis' text has matched so far: a value. */
export interface TextState {
  readonly state: number;
  /** Bytes of a character that is not complete. */
  readonly pending: number;
  /** Natural logarithm that the text is worth so far, credit for matches under way included. */
  readonly boost: number;
}

export class TextFusion {
  readonly start: TextState;

  constructor(
    private readonly fusion: Fusion,
    private readonly symbols: Symbols,
  ) {
    this.start = { state: fusion.start, pending: 0, boost: 0 };
  }

  step(from: TextState, token: number): TextState {
    const symbol = this.symbols.advance(from.pending, token);
    const { pending } = this.symbols;
    if (symbol < 0) return { ...from, pending };
    const state = this.fusion.step(from.state, symbol);
    return { state, pending, boost: from.boost + this.fusion.delta };
  }

  /** What the text is worth when it ends here. */
  end({ state, boost }: TextState): number {
    return boost + this.fusion.finish(state);
  }
}

/** Makes the fusions of one model's requests, and keeps those that are asked for again. */
export class TextFusions {
  private readonly symbols: Symbols;
  private readonly fusions: Fusions;

  constructor(table: TokenTable, strayJamo: StrayJamo = 'drop') {
    this.symbols = new Symbols(table);
    this.fusions = new Fusions(this.symbols, table, strayJamo, undefined);
  }

  /** undefined for a request without hot words. */
  of(options: DecodeOptions): TextFusion | undefined {
    const fusion = this.fusions.of(options);
    return fusion && new TextFusion(fusion, this.symbols);
  }
}
