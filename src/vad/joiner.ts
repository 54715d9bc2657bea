/** Which neighbouring segments become one: more context for the model, fewer and longer pieces of work. */
export interface JoinOptions {
  /** Longest pause between two segments (their padding not counted) that are joined. */
  readonly maxPauseMs: number;
  /** No joined segment is longer than this. */
  readonly maxMs: number;
}

/** Positions in samples at 16 kHz. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly meanProbability: number;
}

const SAMPLES_PER_MS = 16;

/** Joins spans that come in order. One span is held back until it is clear that the next will not join it. */
export class SegmentJoiner {
  private held: Span | undefined;

  constructor(private readonly options?: JoinOptions) {}

  /** Start of what is held back; Infinity for nothing. */
  get heldFrom(): number {
    return this.held?.start ?? Infinity;
  }

  /** Returns the spans that are final. */
  add(span: Span): Span[] {
    if (this.options === undefined) return [span];
    const { held } = this;
    this.held = span;
    if (held === undefined) return [];
    const { maxPauseMs, maxMs } = this.options;
    if (span.start - held.end > maxPauseMs * SAMPLES_PER_MS) return [held];
    if (span.end - held.start > maxMs * SAMPLES_PER_MS) return [held];
    this.held = joined(held, span);
    return [];
  }

  /** Says that no span will start before `sample`. */
  settle(sample: number): Span[] {
    const { held, options } = this;
    if (held === undefined || options === undefined) return [];
    return sample - held.end > options.maxPauseMs * SAMPLES_PER_MS ? this.flush() : [];
  }

  flush(): Span[] {
    const { held } = this;
    this.held = undefined;
    return held === undefined ? [] : [held];
  }
}

function joined(a: Span, b: Span): Span {
  const lengthA = a.end - a.start;
  const lengthB = b.end - b.start;
  const sum = a.meanProbability * lengthA + b.meanProbability * lengthB;
  return { start: a.start, end: b.end, meanProbability: sum / Math.max(1, lengthA + lengthB) };
}
