/** What Redis announces: something happened to a job (whoever follows it looks again), or it was cancelled. */
import type { Redis } from 'ioredis';

type Listener = () => void;

export interface Watcher {
  onCancelled(id: string): void;
  /** Announcements may have been missed. */
  onReturn(): void;
}

export class Hub {
  readonly #followers = new Map<string, Set<Listener>>();
  readonly #watchers = new Set<Watcher>();

  /** @param redis a connection of its own: one that listens can do nothing else */
  constructor(
    private readonly redis: Redis,
    private readonly prefix: string,
  ) {
    redis.on('message', (channel: string, id: string) => {
      if (channel === `${prefix}cancelled`) for (const watcher of this.#watchers) watcher.onCancelled(id);
      else for (const listener of this.#followers.get(id) ?? []) listener();
    });
    redis.on('ready', () => {
      // Whatever was announced while the connection was away went unheard.
      for (const listeners of this.#followers.values()) for (const listener of listeners) listener();
      for (const watcher of this.#watchers) watcher.onReturn();
    });
  }

  /** Subscribes; again by itself after every loss of the connection. */
  async start(): Promise<void> {
    await this.redis.subscribe(`${this.prefix}events`, `${this.prefix}cancelled`);
  }

  /** @returns ends it */
  follow(id: string, listener: Listener): () => void {
    const listeners = this.#followers.get(id) ?? new Set<Listener>();
    this.#followers.set(id, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#followers.get(id) === listeners) this.#followers.delete(id);
    };
  }

  /** @returns ends it */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Wakes everyone, so that they see that it is over. */
  close(): void {
    for (const listeners of this.#followers.values()) for (const listener of [...listeners]) listener();
  }
}
