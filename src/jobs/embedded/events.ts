import { MalgwiError } from '../../errors.js';
import { TERMINAL_STATES, type JobEvent } from '../contract.js';
import type { Link } from './link.js';

/** Who waits for news of which job. */
export class Followers {
  readonly #listeners = new Map<string, Set<() => void>>();

  tell(id: string): void {
    for (const listener of this.#listeners.get(id) ?? []) listener();
  }

  /** @returns ends it */
  follow(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }
}

/**
 * All events of a job behind `after`, then each new one, until the job has ended.
 * @throws MalgwiError job_not_found
 */
export async function* followEvents(
  link: Link,
  followers: Followers,
  id: string,
  { after, signal }: { readonly after?: string; readonly signal: AbortSignal },
): AsyncGenerator<JobEvent, void> {
  let seen = Number(after) || 0;
  let happened = false;
  let wake: () => void = () => undefined;
  const poke = (): void => {
    happened = true;
    wake();
  };
  const unfollow = followers.follow(id, poke);
  signal.addEventListener('abort', poke);
  try {
    for (let first = true; !signal.aborted; first = false) {
      happened = false;
      const found = await link.ask('events', id, seen);
      if (found === undefined) {
        if (first) throw new MalgwiError('job_not_found');
        return;
      }
      for (const event of found.events) {
        seen = Number(event.id);
        yield event;
        if (signal.aborted) return;
      }
      if (TERMINAL_STATES.includes(found.state)) return;
      if (!happened) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', poke);
    unfollow();
  }
}
