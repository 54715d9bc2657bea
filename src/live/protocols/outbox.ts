/** Messages that may have to be told again to a client whose connection broke, numbered in order. */

/** Beyond it the oldest are forgotten, and a client that missed them cannot take its session up any more. */
export const OUTBOX_BYTES = 256 * 1024;

interface Kept {
  readonly seq: number;
  readonly message: string;
  /** The next message of the same kind says all that this one does. */
  readonly passing: boolean;
}

export class Outbox {
  #seq = 0;
  #kept: Kept[] = [];
  #bytes = 0;
  /** The last message that is forgotten although it said something of its own. */
  #lost = 0;

  /** @returns the message with its number */
  add(message: object, passing: boolean): string {
    const seq = ++this.#seq;
    const text = JSON.stringify({ ...message, seq });
    if (this.#kept.at(-1)?.passing === true) this.#bytes -= this.#kept.pop()!.message.length;
    this.#kept.push({ seq, message: text, passing });
    this.#bytes += text.length;
    while (this.#bytes > OUTBOX_BYTES && this.#kept.length > 1) {
      const { message: oldest, seq: lost } = this.#kept.shift()!;
      this.#bytes -= oldest.length;
      this.#lost = lost;
    }
    return text;
  }

  /** Forgets what the client has. */
  seen(seq: number): void {
    while (this.#kept.length > 0 && this.#kept[0]!.seq <= seq)
      this.#bytes -= this.#kept.shift()!.message.length;
  }

  /** Everything behind `seq`; undefined when some of it is forgotten, or `seq` was never told. */
  after(seq: number): readonly string[] | undefined {
    if (seq < this.#lost || seq > this.#seq) return undefined;
    return this.#kept.filter((kept) => kept.seq > seq).map(({ message }) => message);
  }
}
