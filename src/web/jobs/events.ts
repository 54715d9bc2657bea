/** What happens to jobs, as it happens. `EventSource` could not send the key: the stream is read by hand. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { JobEventType } from '../../jobs/contract.js';
import { withKey } from '../key.js';
import { isOpen, jobPath, type JobView } from './service.js';

export interface JobEvent {
  readonly type: JobEventType;
  readonly progress: JobView['progress'];
}

/** Browsers open six connections to a service at most; uploads and the list need some. */
const MAX_STREAMS = 3;
const PAUSE_MS = 2000;
const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

/** Ends with the job, when the service knows it no longer, or with the signal. A connection that breaks is made anew. */
async function* eventsOf(id: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      const response = await fetch(`${jobPath(id)}/events`, {
        headers: withKey(last === undefined ? {} : { 'last-event-id': last }),
        signal,
      });
      if (response.status === 404 || response.status === 401) return;
      if (response.ok && response.body !== null) {
        const reader = response.body
          .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
          .pipeThrough(new EventSourceParserStream())
          .getReader();
        for (let read = await reader.read(); !read.done; read = await reader.read()) {
          const { data, event = '', id: mark } = read.value;
          if (event === 'error') break;
          last = mark ?? last;
          yield JSON.parse(data) as JobEvent;
          if (ENDS.has(event)) return;
        }
      }
    } catch {
      // The network: tried again below.
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Follows the few jobs that are taken next. */
export class Follower {
  readonly #followed = new Map<string, AbortController>();

  constructor(
    private readonly onEvent: (id: string, event: JobEvent) => void,
    private readonly onEnd: (id: string) => void,
  ) {}

  has(id: string): boolean {
    return this.#followed.has(id);
  }

  /** @param jobs newest first, as they stand */
  watch(jobs: readonly JobView[]): void {
    const open = jobs.filter(isOpen).reverse();
    const wanted = [...open].sort((a, b) => Number(b.state === 'active') - Number(a.state === 'active'));
    const ids = wanted.slice(0, MAX_STREAMS).map(({ id }) => id);
    for (const [id, controller] of this.#followed) if (!ids.includes(id)) controller.abort();
    for (const id of ids) if (!this.#followed.has(id)) void this.#follow(id);
  }

  async #follow(id: string): Promise<void> {
    const controller = new AbortController();
    this.#followed.set(id, controller);
    for await (const event of eventsOf(id, controller.signal)) this.onEvent(id, event);
    this.#followed.delete(id);
    this.onEnd(id);
  }
}
