import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { toOpenAiError } from '../../errors.js';
import type { JobEvent } from '../../jobs/contract.js';
import { viewEvent } from '../../jobs/view.js';
import { toMalgwiError } from '../errors.js';

const HEARTBEAT_MS = 15_000;
/** How soon a client whose connection broke should come back. */
const RETRY_MS = 3000;

/**
 * What happens to a job as server-sent events. A reader that is slow is waited for: nothing is asked of the queue before the
 * last event went out, so no more than one waits here.
 * @param events ends with the job
 * @param end called once, when nobody listens any more
 */
export function streamEvents(events: AsyncIterable<JobEvent>, end: () => void): Readable {
  const stream = new PassThrough({ highWaterMark: 16 * 1024 });
  const heartbeat = setInterval(() => {
    if (!stream.writableNeedDrain) stream.write(': waiting\n\n');
  }, HEARTBEAT_MS);
  heartbeat.unref();
  stream.once('close', () => {
    clearInterval(heartbeat);
    end();
  });
  stream.write(`retry: ${RETRY_MS}\n\n`);
  void copy(events, stream);
  return stream;
}

async function copy(events: AsyncIterable<JobEvent>, stream: PassThrough): Promise<void> {
  try {
    for await (const event of events) {
      if (stream.destroyed) return;
      const text = `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(viewEvent(event))}\n\n`;
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
    }
  } catch (error) {
    if (!stream.destroyed)
      stream.write(`event: error\ndata: ${JSON.stringify(toOpenAiError(toMalgwiError(error)))}\n\n`);
  } finally {
    if (!stream.destroyed) stream.end();
  }
}
