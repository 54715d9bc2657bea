import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { WebSocket } from 'ws';
import type { Config } from '../config.js';
import { MalgwiError, toPlainError } from '../errors.js';
import type { Metrics } from '../metrics/index.js';
import type { Recognizer } from '../recognition/contract.js';
import { chooseProtocol, isAllowedOrigin, liveKey, ownerOf } from './access.js';
import { AdmissionController } from './admission/controller.js';
import { LiveConnection } from './connection.js';
import { Connections } from './connections.js';
import type { ProtocolAdapter } from './contract.js';
import { DeepgramProtocol } from './protocols/deepgram.js';
import type { Query } from './protocols/deepgram-query.js';
import { NativeProtocol } from './protocols/native.js';
import { RealtimeProtocol } from './protocols/realtime.js';
import { VoskProtocol } from './protocols/vosk.js';
import { openSession } from './streams.js';
import { intentResolver } from './venue.js';
import { WaitingRoom } from './waiting-room.js';

export interface LivePluginOptions {
  readonly recognizer: Recognizer;
  readonly metrics: Metrics;
  readonly config: Config;
}

/** Seconds after which another service may be there. */
const RESTART_SECONDS = 5;
/** Sockets beyond the sessions: those that have not said hello yet, and those about to learn that there is no room. */
const SPARE_SOCKETS = 64;
/** The same of one key or address. */
const SPARE_SOCKETS_PER_KEY = 8;
/** Sockets that are still open so long after the service began to close are cut. */
const DRAIN_LIMIT_MS = 9500;

/** Live recognition: the WebSocket server of the service and its routes, one for each protocol. */
export const livePlugin = fp<LivePluginOptions>(
  async (app: FastifyInstance, { recognizer, metrics, config }) => {
    const { live } = config;
    const connections = new Connections<LiveConnection>();
    const waitingRoom = new WaitingRoom<LiveConnection>();
    const admission = admissionOf(config, recognizer);
    let closing = false;
    metrics.watchLive(() => ({
      ...admission.state(performance.now()),
      connections: connections.byState(),
    }));

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

    const connect = (socket: WebSocket, request: FastifyRequest, adapter: ProtocolAdapter): void => {
      const owner = ownerOf(request, app.apiKeys);
      const connection: LiveConnection = new LiveConnection({
        socket,
        adapter,
        limits: live,
        sendBufferBytes: live.sendBufferBytes,
        metrics,
        open: async (options) => {
          if (closing) throw shuttingDown();
          return openSession(app, admission, owner, options);
        },
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
      const refusal = refuse(request, owner);
      connections.add(connection, owner);
      if (refusal !== undefined) connection.refuse(toPlainError(refusal));
    };

    const refuse = (request: FastifyRequest, owner: string): MalgwiError | undefined => {
      if (closing) return shuttingDown();
      // A browser shows its page nothing of a refused handshake, so a wrong key is told on the open socket.
      if (!app.apiKeys.accepts(liveKey(request))) return new MalgwiError('invalid_api_key');
      const { maxSessions, maxSessionsPerKey = Infinity } = live;
      const crowded =
        connections.size >= maxSessions + SPARE_SOCKETS ||
        connections.of(owner) >= maxSessionsPerKey + SPARE_SOCKETS_PER_KEY;
      if (!crowded) return undefined;
      return (
        admission.refusal(owner, performance.now()) ?? new MalgwiError('too_many_sessions', { retryAfter: 1 })
      );
    };

    /**
     * A program reads the answer to a handshake, so it is told there that there is no room, before it has begun. Browsers
     * learn it on the open socket. So does everyone while there are sessions to be taken up again: their clients are
     * welcome, and show who they are only in their first message.
     */
    const refuseAtDoor = (request: FastifyRequest, mayResume: boolean): void => {
      if (!request.ws || request.headers.origin !== undefined || (mayResume && waitingRoom.size > 0)) return;
      if (!app.apiKeys.accepts(liveKey(request))) return;
      const refusal = admission.refusal(ownerOf(request, app.apiKeys), performance.now());
      if (refusal !== undefined) throw refusal;
    };

    const route = (url: string, adapter: (query: Query) => ProtocolAdapter, mayResume = false): void => {
      app.route({
        method: 'GET',
        url,
        schema: { hide: true },
        preValidation: async (request) => {
          if (!isAllowedOrigin(request.headers.origin, request.host, config.server.corsOrigins)) {
            throw new MalgwiError('origin_not_allowed');
          }
          refuseAtDoor(request, mayResume);
        },
        handler: () => {
          throw new MalgwiError('invalid_request', { detail: 'This address speaks WebSocket.' });
        },
        wsHandler: (socket, request) => connect(socket, request, adapter(request.query as Query)),
      });
    };
    const model = ({ model: named }: Query): string | undefined =>
      typeof named === 'string' && named !== '' ? named : undefined;

    route('/v1/stream', () => new NativeProtocol(live), true);
    route('/v1/realtime', (query) => new RealtimeProtocol(live, model(query)));
    route('/v1/listen', (query) => new DeepgramProtocol(query, live, () => recognizer.models()));
    route('/v1/vosk', (query) => new VoskProtocol(live, model(query)));
  },
  { name: 'malgwi-live' },
);

const shuttingDown = (): MalgwiError => new MalgwiError('shutting_down', { retryAfter: RESTART_SECONDS });

function admissionOf({ live }: Config, recognizer: Recognizer): AdmissionController {
  const { maxSessions, maxSessionsPerKey = Infinity, admission, headroomPercent, maxLagMs } = live;
  const headroom = headroomPercent / 100;
  const limits = { maxSessions, maxSessionsPerKey, measured: admission === 'measured', headroom, maxLagMs };
  const work = () => {
    const { workers, liveBusySeconds, liveCost } = recognizer.stats();
    return { threads: workers, busySeconds: liveBusySeconds, trialCost: liveCost };
  };
  return new AdmissionController(limits, work, performance.now());
}

/** Lets every session end with its last words; cuts those that take too long. */
async function drain(app: FastifyInstance, connections: Connections<LiveConnection>): Promise<void> {
  for (const connection of connections) connection.drain();
  const limit = performance.now() + DRAIN_LIMIT_MS;
  while (connections.size > 0 && performance.now() < limit) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const client of app.websocketServer.clients) client.terminate();
  app.websocketServer.close();
}
