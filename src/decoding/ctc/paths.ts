/** For each prefix: the logarithms of its paths that end in a blank, in a token, in either. */
export class Paths {
  readonly blank: Float64Array;
  readonly label: Float64Array;
  readonly total: Float64Array;

  constructor(size: number) {
    this.blank = new Float64Array(size);
    this.label = new Float64Array(size);
    this.total = new Float64Array(size);
  }

  /** A copy of the first ones. */
  slice(count: number): Paths {
    const copy = new Paths(count);
    for (let i = 0; i < count; i++) copy.copy(this, i, i);
    return copy;
  }

  set(source: Paths): void {
    this.blank.set(source.blank);
    this.label.set(source.label);
    this.total.set(source.total);
  }

  copy(source: Paths, from: number, to: number): void {
    this.blank[to] = source.blank[from];
    this.label[to] = source.label[from];
    this.total[to] = source.total[from];
  }
}
