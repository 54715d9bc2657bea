import { SMALLEST } from './float32.js';

/** Above as many classes Coqui goes through them by descending probability, otherwise in their own order. */
const SORTED_ABOVE = 40;

/** The classes of one frame. */
export class Frame {
  /** ln(p + smallest float32), float32 */
  readonly logs: Float32Array;
  /** The labels (not the blank) that are worth a look, the most likely first. */
  readonly order: Int32Array;
  count = 0;
  private probabilities: Float32Array = new Float32Array(0);
  private at = 0;

  /** @param blank the last class */
  constructor(readonly blank: number) {
    this.logs = new Float32Array(blank + 1);
    this.order = new Int32Array(blank);
  }

  read(probabilities: Float32Array, at: number): void {
    this.probabilities = probabilities;
    this.at = at;
    for (let c = 0; c <= this.blank; c++) this.logs[c] = Math.log(probabilities[at + c] + SMALLEST);
  }

  /** 0..1 */
  probability(label: number): number {
    return this.probabilities[this.at + label];
  }

  /** Whether Coqui looks at the blank after this label. */
  blankComesAfter(label: number): boolean {
    if (this.blank < SORTED_ABOVE) return true;
    return this.probability(this.blank) <= this.probability(label);
  }

  /** Fills `order` with the labels of at least this logarithm. */
  sort(least: number): void {
    const { logs, order, blank } = this;
    let count = 0;
    for (let c = 0; c < blank; c++) if (logs[c] >= least) order[count++] = c;
    this.count = count;
    order.subarray(0, count).sort((a, b) => logs[b] - logs[a] || a - b);
  }
}
