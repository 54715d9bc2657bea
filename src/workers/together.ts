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
   * @param most requests in one run; further ones go in the next
   */
  constructor(
    private readonly run: (requests: readonly Q[]) => Promise<readonly R[]>,
    private readonly most: number,
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
      for (let from = 0; from < all.length; from += this.most)
        await this.answer(all.slice(from, from + this.most));
    })();
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
