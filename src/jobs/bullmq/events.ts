import { MalgwiError } from '../../errors.js';
import { TERMINAL_STATES, type JobEvent, type JobState } from '../contract.js';

/** Announcements may be lost; nobody waits longer than this for what happened meanwhile. */
const LOOK_AGAIN_MS = 5000;
const RETRY_MS = 500;

interface Source {
  readonly after: string;
  readonly signal: AbortSignal;
  /** Answers state, the latest progress (JSON or ''), the other events (JSON); or nothing. */
  read(): Promise<unknown>;
  /** Calls when something happened. @returns ends it */
  follow(listener: () => void): () => void;
}

/**
 * All events of a job behind `after`, then each new one, until the job has ended.
 * @throws MalgwiError job_not_found; job_queue_unavailable at the start, while later outages are waited for
 */
export async function* followEvents(source: Source): AsyncGenerator<JobEvent, void> {
  const { signal } = source;
  let seen = Number(source.after) || 0;
  let happened = false;
  let wake: () => void = () => undefined;
  const poke = (): void => {
    happened = true;
    wake();
  };
  const unfollow = source.follow(poke);
  signal.addEventListener('abort', poke);
  try {
    for (let first = true; !signal.aborted; first = false) {
      happened = false;
      let reply: readonly unknown[];
      try {
        reply = (await source.read()) as readonly unknown[];
      } catch (error) {
        if (first) throw error;
        await pause(RETRY_MS, (resolve) => (wake = resolve));
        continue;
      }
      if (reply.length === 0) {
        if (first) throw new MalgwiError('job_not_found');
        return;
      }
      const [state, progress, others] = reply as [JobState, string, string[]];
      const events = (progress === '' ? others : [...others, progress])
        .map((json) => JSON.parse(json) as JobEvent)
        .filter((event) => Number(event.id) > seen)
        .sort((a, b) => Number(a.id) - Number(b.id));
      for (const event of events) {
        seen = Number(event.id);
        yield event;
      }
      if (TERMINAL_STATES.includes(state)) return;
      if (!happened) await pause(LOOK_AGAIN_MS, (resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener('abort', poke);
    unfollow();
  }
}

/** Sleeps until the time is over, or whoever was given `resolve` calls it. */
async function pause(ms: number, hand: (resolve: () => void) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    hand(resolve);
  });
  clearTimeout(timer);
}
