/** Opens the recogniser's stream of a session, on a place that admission gave it. */
import type { FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import { resolveModel } from '../http/models.js';
import { withVenue } from '../http/venue-hot-words.js';
import type { LiveFeedResult, LiveOptions, LiveStream } from '../recognition/contract.js';
import type { AdmissionController, Ticket } from './admission/controller.js';
import type { SessionOptions } from './contract.js';
import { venueOf } from './venue.js';

export interface OpenedSession {
  readonly session: string;
  readonly stream: LiveStream;
}

/**
 * @param owner whose session it is
 * @throws MalgwiError too_many_sessions_for_key | too_many_sessions | overloaded; model_not_found, and those of the options
 */
export async function openSession(
  app: FastifyInstance,
  admission: AdmissionController,
  owner: string,
  options: SessionOptions,
): Promise<OpenedSession> {
  const ticket = admission.admit(owner, performance.now());
  try {
    const stream = await app.recognizer.openStream(toLiveOptions(app, options));
    return { session: `sess_${randomUUID()}`, stream: ticketed(stream, ticket) };
  } catch (error) {
    ticket.release(performance.now());
    throw error;
  }
}

function toLiveOptions(app: FastifyInstance, options: SessionOptions): LiveOptions {
  const installed = resolveModel(app, options.model);
  const { encoding, sampleRate, channels, endpoint, partialIntervalMs } = options;
  const biased = options.intents && options.venueHotWords !== false;
  const hotWords = withVenue(
    options.decoding?.hotWords ?? [],
    biased ? venueOf(options, app.config) : undefined,
    installed,
  );
  const decoding = hotWords.length === 0 ? options.decoding : { ...options.decoding, hotWords };
  return {
    model: installed.name,
    encoding,
    sampleRate,
    channels,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(partialIntervalMs === undefined ? {} : { partialIntervalMs }),
    ...(decoding === undefined ? {} : { decoding }),
    ...(options.secondPass === undefined ? {} : { secondPass: options.secondPass }),
  };
}

/** The stream, its work measured, with a place that is given back once, however the stream ends. */
function ticketed(stream: LiveStream, ticket: Ticket): LiveStream {
  const measured = async (call: () => Promise<LiveFeedResult>): Promise<LiveFeedResult> => {
    ticket.asked(performance.now());
    try {
      const result = await call();
      ticket.answered(result.audioSeconds, performance.now());
      return result;
    } catch (error) {
      ticket.answered(undefined, performance.now());
      throw error;
    }
  };
  return {
    model: stream.model,
    feed: (bytes) => measured(() => stream.feed(bytes)),
    flush: () => measured(() => stream.flush()),
    finish: () => measured(() => stream.finish()),
    close: () => {
      stream.close();
      ticket.release(performance.now());
    },
  };
}
