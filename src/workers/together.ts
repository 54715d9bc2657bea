interface Waiting<Q, R> {
  readonly request: Q;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Requests that are made in the same turn of the event loop go in one run: rows of one batch, at a fraction of the cost.
 * Nobody waits for company: what is there when the turn ends is run.
 */
export class Together<Q, R> {
  private waiting: Waiting<Q, R>[] = [];

  /**
   * @param run one result for each request, in order
   * @param most weight of one run, which its memory grows with; what is beyond goes in the next one. A request that weighs more
   *   goes alone.
   * @param weigh what a request counts for; 1 without it
   */
  constructor(
    private readonly run: (requests: readonly Q[]) => Promise<readonly R[]>,
    private readonly most: number,
    private readonly weigh: (request: Q) => number = () => 1,
  ) {}

  /** Rejects with what {@link run} throws of this request alone: a request that fails fails no other. */
  ask(request: Q): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) setImmediate(() => this.flush());
      this.waiting.push({ request, resolve, reject });
    });
  }

  private flush(): void {
    const all = this.waiting;
    this.waiting = [];
    void (async () => {
      for (let from = 0; from < all.length;) {
        const to = this.endOfRun(all, from);
        await this.answer(all.slice(from, to));
        from = to;
      }
    })();
  }

  private endOfRun(all: readonly Waiting<Q, R>[], from: number): number {
    let to = from + 1;
    for (let weight = this.weigh(all[from]!.request); to < all.length; to += 1) {
      weight += this.weigh(all[to]!.request);
      if (weight > this.most) break;
    }
    return to;
  }

  private async answer(some: readonly Waiting<Q, R>[]): Promise<void> {
    try {
      const results = await this.run(some.map(({ request }) => request));
      some.forEach(({ resolve }, n) => resolve(results[n]!));
    } catch (error) {
      if (some.length === 1) return some[0]!.reject(error);
      // Which of them it was is not known.
      for (const one of some) await this.answer([one]);
    }
  }
}
