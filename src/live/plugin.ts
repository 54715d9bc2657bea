import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { Config } from '../config.js';
import { MalgwiError } from '../errors.js';
import type { PlainError } from '../errors.js';
import { resolveModel } from '../http/models.js';
import { withVenue } from '../http/venue-hot-words.js';
import { dialogueTurn, parseIntent, type IntentResult, type Venue } from '../intents/index.js';
import type { Metrics } from '../metrics/index.js';
import type { LiveStream, Recognizer } from '../recognition/contract.js';
import { chooseProtocol, isAllowedOrigin, liveKey } from './access.js';
import { LiveConnection } from './connection.js';
import type { ProtocolAdapter, SessionOptions } from './contract.js';
import type { IntentResolver } from './intents.js';
import { DeepgramProtocol } from './protocols/deepgram.js';
import type { Query } from './protocols/deepgram-query.js';
import { NativeProtocol } from './protocols/native.js';
import { RealtimeProtocol } from './protocols/realtime.js';
import { VoskProtocol } from './protocols/vosk.js';
import { WaitingRoom } from './waiting-room.js';

export interface LivePluginOptions {
  readonly recognizer: Recognizer;
  readonly metrics: Metrics;
  readonly config: Config;
}

/** Seconds after which a refused client may find room. */
const RETRY_AFTER = 5;
/** Sockets beyond the sessions: those that have not said hello yet, and those about to learn that there is no room. */
const SPARE_SOCKETS = 64;
/** Sockets that are still open so long after the service began to close are cut. */
const DRAIN_LIMIT_MS = 9500;

/** Live recognition: the WebSocket server of the service and its routes, one for each protocol. */
export const livePlugin = fp<LivePluginOptions>(
  async (app: FastifyInstance, { recognizer, metrics, config }) => {
    const { live } = config;
    const connections = new Set<LiveConnection>();
    const waitingRoom = new WaitingRoom<LiveConnection>();
    let sessions = 0;
    let closing = false;

    await app.register(websocket, {
      options: {
        maxPayload: live.maxMessageBytes,
        handleProtocols: chooseProtocol,
        // Speech does not compress, and a compressor's state for each socket costs more than the session itself.
        perMessageDeflate: false,
      },
      // The connections see to their own errors; the plugin's own handler would cut the socket before its close frame.
      errorHandler: (error, socket, request) => {
        if (!('code' in error)) request.log.error({ err: error }, 'a live connection failed');
        socket.close(1011, 'internal_error');
      },
      preClose: (done) => {
        closing = true;
        void drain(app, connections).then(() => done());
      },
    });

    const open = async (options: SessionOptions): Promise<{ session: string; stream: LiveStream }> => {
      if (closing) throw new MalgwiError('shutting_down', { retryAfter: RETRY_AFTER });
      if (sessions >= live.maxSessions)
        throw new MalgwiError('too_many_sessions', { retryAfter: RETRY_AFTER });
      sessions += 1;
      try {
        const installed = resolveModel(app, options.model);
        const model = installed.name;
        const { encoding, sampleRate, channels, endpoint, partialIntervalMs } = options;
        const biased = options.intents && options.venueHotWords !== false;
        const hotWords = withVenue(
          options.decoding?.hotWords ?? [],
          biased ? venueOf(options, config) : undefined,
          installed,
        );
        const decoding = hotWords.length === 0 ? options.decoding : { ...options.decoding, hotWords };
        const stream = await recognizer.openStream({
          model,
          encoding,
          sampleRate,
          channels,
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(partialIntervalMs === undefined ? {} : { partialIntervalMs }),
          ...(decoding === undefined ? {} : { decoding }),
        });
        return { session: `sess_${randomUUID()}`, stream: counted(stream, () => (sessions -= 1)) };
      } catch (error) {
        sessions -= 1;
        throw error;
      }
    };

    const connect = (socket: WebSocket, request: FastifyRequest, adapter: ProtocolAdapter): void => {
      const connection: LiveConnection = new LiveConnection({
        socket,
        adapter,
        limits: live,
        sendBufferBytes: live.sendBufferBytes,
        metrics,
        open,
        resolveIntent: (options) => intentResolver(options, config, metrics, adapter),
        onTranscript: (session, model, text) => app.hypotheses.remember(session, { model, text }),
        find: ({ session, token }) => waitingRoom.find(session, token),
        onResumable: (session) => waitingRoom.add(session, connection),
        onClosed: (session) => {
          waitingRoom.remove(session);
          connections.delete(connection);
        },
        onInternalError: (error) => request.log.error({ err: error }, 'a live session failed'),
      });
      const refusal = refuse(request);
      connections.add(connection);
      if (refusal !== undefined) connection.refuse(refusal);
    };

    const refuse = (request: FastifyRequest): PlainError | undefined => {
      if (closing) return plain('shutting_down');
      // A browser shows its page nothing of a refused handshake, so a wrong key is told on the open socket.
      if (!app.apiKeys.accepts(liveKey(request)))
        return { ...plain('invalid_api_key'), retryAfter: undefined };
      if (connections.size >= live.maxSessions + SPARE_SOCKETS) return plain('too_many_sessions');
      return undefined;
    };

    const route = (url: string, adapter: (query: Query) => ProtocolAdapter): void => {
      app.route({
        method: 'GET',
        url,
        schema: { hide: true },
        preValidation: async (request) => {
          if (!isAllowedOrigin(request.headers.origin, request.host, config.server.corsOrigins)) {
            throw new MalgwiError('origin_not_allowed');
          }
        },
        handler: () => {
          throw new MalgwiError('invalid_request', { detail: 'This address speaks WebSocket.' });
        },
        wsHandler: (socket, request) => connect(socket, request, adapter(request.query as Query)),
      });
    };
    const model = ({ model: named }: Query): string | undefined =>
      typeof named === 'string' && named !== '' ? named : undefined;

    route('/v1/stream', () => new NativeProtocol(live));
    route('/v1/realtime', (query) => new RealtimeProtocol(live, model(query)));
    route('/v1/listen', (query) => new DeepgramProtocol(query, live, () => recognizer.models()));
    route('/v1/vosk', (query) => new VoskProtocol(live, model(query)));
  },
  { name: 'malgwi-live' },
);

function plain(code: 'shutting_down' | 'invalid_api_key' | 'too_many_sessions'): PlainError {
  return { code, message: new MalgwiError(code).message, retryAfter: RETRY_AFTER };
}

/** The stream, with a place in the count of sessions that is given back once, however the stream ends. */
function counted(stream: LiveStream, release: () => void): LiveStream {
  let held = true;
  const close = (): void => {
    stream.close();
    if (held) release();
    held = false;
  };
  return {
    model: stream.model,
    feed: (bytes) => stream.feed(bytes),
    flush: () => stream.flush(),
    finish: () => stream.finish(),
    close,
  };
}

/** @throws MalgwiError invalid_field for an id that is not configured */
function venueOf(options: SessionOptions, config: Config): Venue | undefined {
  const wanted = options.venue ?? config.venue;
  if (typeof wanted !== 'string') return wanted;
  if (config.venue?.id === wanted) return config.venue;
  throw new MalgwiError('invalid_field', {
    detail: 'No venue of this id is configured. Send the venue itself, or set MALGWI_VENUE_FILE.',
    param: 'venue',
  });
}

function intentResolver(
  options: SessionOptions,
  config: Config,
  metrics: Metrics,
  adapter: ProtocolAdapter,
): IntentResolver {
  const venue = venueOf(options, config);
  const place = venue === undefined ? {} : { venue };
  const measured = <R>(read: () => R, intentOf: (value: R) => IntentResult['intent']): R => {
    const started = performance.now();
    const value = read();
    metrics.intentResolved(intentOf(value), (performance.now() - started) / 1000, adapter.protocol);
    return value;
  };
  return {
    parse: (text, context, tentative) => {
      const read = () => parseIntent(text, { ...context, ...place });
      return tentative ? read() : measured(read, ({ intent }) => intent);
    },
    converse: (state, text, context, now) =>
      measured(
        () => dialogueTurn(state, text, { ...context, ...place, now }),
        ({ result }) => result.intent,
      ),
  };
}

/** Lets every session end with its last words; cuts those that take too long. */
async function drain(app: FastifyInstance, connections: ReadonlySet<LiveConnection>): Promise<void> {
  for (const connection of connections) connection.drain();
  const limit = performance.now() + DRAIN_LIMIT_MS;
  while (connections.size > 0 && performance.now() < limit) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const client of app.websocketServer.clients) client.terminate();
  app.websocketServer.close();
}
