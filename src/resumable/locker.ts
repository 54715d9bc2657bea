import type { Lock, Locker } from '@tus/utils';
import { MalgwiError } from '../errors.js';

/** Longer than a request needs to let go that was asked to. */
const WAIT_MS = 15_000;

interface Held {
  readonly letGo: () => void | Promise<void>;
  readonly free: Promise<void>;
  readonly release: () => void;
}

/**
 * One request at a time works on an upload; a later one asks the earlier to let go, because that is most often a connection that
 * broke without the service knowing. (The library's own locker asks again and again, without a pause.)
 */
export class UploadLocker implements Locker {
  readonly #held = new Map<string, Held>();

  newLock(id: string): Lock {
    let mine: Held | undefined;
    return {
      lock: async (signal, letGo) => {
        const end = Date.now() + WAIT_MS;
        for (let held = this.#held.get(id); held !== undefined; held = this.#held.get(id)) {
          await held.letGo();
          await within(held.free, end - Date.now(), signal);
        }
        let release = (): void => undefined;
        const free = new Promise<void>((resolve) => (release = resolve));
        mine = { letGo, free, release };
        this.#held.set(id, mine);
      },
      unlock: async () => {
        if (mine === undefined) return;
        if (this.#held.get(id) === mine) this.#held.delete(id);
        mine.release();
        mine = undefined;
      },
    };
  }
}

/** @throws MalgwiError upload_locked */
async function within(free: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const refuse = (): void => reject(new MalgwiError('upload_locked', { retryAfter: 1 }));
    timer = setTimeout(refuse, ms);
    onAbort = refuse;
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([free, limit]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
