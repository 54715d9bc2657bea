/** The connections of the service: how many there are, of whom, and what they are about. */
import type { LiveState } from '../metrics/index.js';

export interface Connected {
  readonly state: LiveState;
}

export class Connections<Connection extends Connected> {
  readonly #owners = new Map<Connection, string>();
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#owners.size;
  }

  /** Connections of one key or address. */
  of(owner: string): number {
    return this.#counts.get(owner) ?? 0;
  }

  add(connection: Connection, owner: string): void {
    this.#owners.set(connection, owner);
    this.#counts.set(owner, this.of(owner) + 1);
  }

  delete(connection: Connection): void {
    const owner = this.#owners.get(connection);
    if (owner === undefined) return;
    this.#owners.delete(connection);
    const left = this.of(owner) - 1;
    if (left === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, left);
  }

  byState(): ReadonlyMap<LiveState, number> {
    const found = new Map<LiveState, number>();
    for (const { state } of this) found.set(state, (found.get(state) ?? 0) + 1);
    return found;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#owners.keys();
  }
}
