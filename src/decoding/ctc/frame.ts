import { MalgwiError } from '../../errors.js';
import type { TokenTable } from '../contract.js';

/**
 * The tokens of one frame that are worth a look: the `most` best, none less probable than the frame's best class by
 * more than `reach` (natural logarithm). Control symbols end a run of a token and leave no trace in the text, as the
 * blank does, so they count as blank; eos does not.
 */
export class FrameTokens {
  /** Best first; the first `count` hold. */
  readonly ids: Int32Array;
  readonly logProbs: Float64Array;
  count = 0;
  /** Of the blank, control symbols included. */
  blank = -Infinity;
  /** 1 for classes that end no word of the text: the blank and what counts as it. */
  private readonly quiet: Uint8Array;
  private readonly quietIds: readonly number[];

  constructor(
    private readonly table: TokenTable,
    private readonly most: number,
    private readonly reach: number,
  ) {
    this.ids = new Int32Array(most);
    this.logProbs = new Float64Array(most);
    this.quiet = Uint8Array.from(table.tokens, (_, id) => (isQuiet(table, id) ? 1 : 0));
    this.quietIds = table.tokens.flatMap((_, id) => (isQuiet(table, id) ? [id] : []));
  }

  /**
   * @param from where the frame's row begins in `data`
   * @throws MalgwiError inference_failed for a row without numbers
   */
  select(data: Float32Array, from: number): void {
    const { quiet, ids, logProbs, most } = this;
    const classes = this.table.tokens.length;
    this.blank = this.quietLogProb(data, from);
    let best = this.blank;
    let cut = best - this.reach;
    let count = 0;
    for (let id = 0; id < classes; id++) {
      const value = data[from + id];
      // Negated, so that what is no number is passed over.
      if (!(value > cut) || quiet[id] === 1) continue;
      let at = count < most ? count++ : most - 1;
      for (; at > 0 && logProbs[at - 1] < value; at--) {
        logProbs[at] = logProbs[at - 1];
        ids[at] = ids[at - 1];
      }
      logProbs[at] = value;
      ids[at] = id;
      if (value > best) best = value;
      cut = best - this.reach;
      if (count === most && logProbs[most - 1] > cut) cut = logProbs[most - 1];
    }
    // The best may have come last: what came before it is measured by it now.
    while (count > 0 && logProbs[count - 1] <= best - this.reach) count--;
    if (!(best > -Infinity) || best === Infinity) {
      throw new MalgwiError('inference_failed', { detail: 'The model gave values that are not numbers.' });
    }
    this.count = count;
  }

  private quietLogProb(data: Float32Array, from: number): number {
    let sum = -Infinity;
    for (const id of this.quietIds) {
      const value = data[from + id];
      if (value > -Infinity) sum = logAdd(sum, value);
    }
    return sum;
  }
}

/** Whether a token leaves no trace in the text and ends a run, as the blank does. */
export function isQuiet(table: TokenTable, id: number): boolean {
  return id === table.blank || (table.silent.has(id) && id !== table.eos);
}

/** log(exp(a) + exp(b)) */
export function logAdd(a: number, b: number): number {
  if (a < b) [a, b] = [b, a];
  // Beyond 37 the smaller one is below the last bit of the larger one.
  return a - b > 37 || b === -Infinity ? a : a + Math.log1p(Math.exp(b - a));
}
