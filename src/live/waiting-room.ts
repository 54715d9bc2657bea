/** Sessions that can be taken up again, by their ids. */
import { timingSafeEqual } from 'node:crypto';

export interface Resumable {
  readonly resumeToken: string | undefined;
}

export class WaitingRoom<Session extends Resumable> {
  readonly #sessions = new Map<string, Session>();

  get size(): number {
    return this.#sessions.size;
  }

  add(id: string, session: Session): void {
    this.#sessions.set(id, session);
  }

  remove(id: string): void {
    this.#sessions.delete(id);
  }

  /** The session with this id, if the token is its own. */
  find(id: string, token: string): Session | undefined {
    const session = this.#sessions.get(id);
    const own = session?.resumeToken;
    if (own === undefined) return undefined;
    const [given, wanted] = [Buffer.from(token), Buffer.from(own)];
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? session : undefined;
  }
}
