/** The best few of many scores: a binary heap whose first element is the worst of them. */
export class BestOf {
  size = 0;
  /** The best score offered. */
  best = -Infinity;
  private readonly scores: Float64Array;
  private readonly codes: Int32Array;

  constructor(private most: number) {
    this.scores = new Float64Array(most);
    this.codes = new Int32Array(most);
  }

  /** Holds so many from now on: as many as at first, or fewer. What it held is gone. */
  limit(most: number): void {
    this.most = Math.min(most, this.scores.length);
    this.clear();
  }

  /** A score that is not above this would not be held: the worst of them once the heap is full. */
  get cut(): number {
    return this.size === this.most ? this.scores[0] : -Infinity;
  }

  /** The worst score held, Infinity for none. */
  get worst(): number {
    return this.size === 0 ? Infinity : this.scores[0];
  }

  clear(): void {
    this.size = 0;
    this.best = -Infinity;
  }

  /** Holds the score, and lets go of the worst one where it must. */
  offer(score: number, code: number): void {
    const { scores, codes, most } = this;
    if (!(score > this.cut)) return;
    if (score > this.best) this.best = score;
    if (this.size === most) {
      this.sink(score, code);
      return;
    }
    let at = this.size++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (scores[up] <= score) break;
      scores[at] = scores[up];
      codes[at] = codes[up];
      at = up;
    }
    scores[at] = score;
    codes[at] = code;
  }

  /** Takes out the worst one; returns its code. */
  pop(): number {
    const code = this.codes[0];
    this.size--;
    if (this.size > 0) this.sink(this.scores[this.size], this.codes[this.size]);
    return code;
  }

  /** Puts an element in the place of the first. */
  private sink(score: number, code: number): void {
    const { scores, codes, size } = this;
    let at = 0;
    for (let down = 1; down < size; down = 2 * at + 1) {
      if (down + 1 < size && scores[down + 1] < scores[down]) down++;
      if (scores[down] >= score) break;
      scores[at] = scores[down];
      codes[at] = codes[down];
      at = down;
    }
    scores[at] = score;
    codes[at] = code;
  }
}
