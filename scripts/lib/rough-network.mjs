// A network as people complain about it: a TCP proxy that delays, cuts into single bytes, glues together, and breaks off.
import { connect, createServer } from 'node:net';
import { clearTimeout } from 'node:timers';
import { between } from './random.mjs';

/** Data waits no longer than this for more to be glued to it. */
const GLUE_MS = 300;
/** One chunk in so many is held for up to `delayMs`, the others for a twentieth of it. */
const HELD = 0.1;
const CONGESTED_BYTES = 4 * 2 ** 20;

/**
 * One direction of a connection: bytes come out as they went in, in the same order, but not at the same time.
 * @param {{delayMs?: number, singleBytes?: number, glueBytes?: number}} network
 * @param out takes bytes
 */
function rough(network, random, out) {
  const { delayMs = 0, singleBytes = 0, glueBytes = 0 } = network;
  let free = 0;
  let glued = [];
  let gluedBytes = 0;
  let glueTimer;
  // One timer for the first of those that wait: timers of their own would overtake each other.
  const waiting = [];
  let timer;
  const write = (chunk) => {
    if (random() >= singleBytes) return out(chunk);
    for (let at = 0; at < chunk.length; at += 1) out(chunk.subarray(at, at + 1));
  };
  const release = () => {
    while (waiting.length > 0 && waiting[0].due <= performance.now()) write(waiting.shift().chunk);
    timer = waiting.length === 0 ? undefined : setTimeout(release, waiting[0].due - performance.now());
  };
  const later = (chunk) => {
    if (delayMs === 0) return write(chunk);
    const now = performance.now();
    // What is held holds everything behind it.
    free = Math.max(free, now + random() * delayMs * (random() < HELD ? 1 : 0.05));
    waiting.push({ chunk, due: free });
    timer ??= setTimeout(release, free - now);
  };
  const unglue = () => {
    clearTimeout(glueTimer);
    glueTimer = undefined;
    const all = Buffer.concat(glued);
    glued = [];
    gluedBytes = 0;
    later(all);
  };
  return {
    take(chunk) {
      if (glueBytes === 0) return later(chunk);
      glued.push(chunk);
      gluedBytes += chunk.length;
      if (gluedBytes >= glueBytes) unglue();
      else glueTimer ??= setTimeout(unglue, GLUE_MS);
    },
    stop() {
      clearTimeout(glueTimer);
      clearTimeout(timer);
    },
  };
}

/**
 * @param network `{lifeMs, delayMs?, singleBytes?, glueBytes?}`, done to both directions. A connection breaks after a random time,
 *   `lifeMs` at the mean; so large a share of what is passed goes in single bytes
 * @returns {Promise<{port: number, connections: number, drops: number, close(): void}>}
 */
export async function roughNetwork(targetPort, network, random) {
  let connections = 0;
  let drops = 0;
  const open = new Set();
  const server = createServer({ allowHalfOpen: false, noDelay: true }, (client) => {
    connections += 1;
    const service = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    const ways = [];
    let gone = false;
    const end = (broken) => {
      if (gone) return;
      gone = true;
      drops += broken ? 1 : 0;
      clearTimeout(life);
      for (const way of ways) way.stop();
      for (const socket of [client, service]) {
        open.delete(socket);
        // As a reset, or in silence for one side and as an orderly end for the other.
        if (broken && random() < 0.5) socket.resetAndDestroy();
        else socket.destroy();
      }
    };
    const pass = (from, to) => {
      const way = rough(network, random, (bytes) => {
        if (gone || to.destroyed) return;
        to.write(bytes);
        if (to.writableLength > CONGESTED_BYTES && !from.isPaused()) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      ways.push(way);
      from.on('data', (chunk) => way.take(chunk));
      from.on('error', () => end(false));
      // What is on its way still arrives; whoever hung up has said all.
      from.on('close', () => setTimeout(() => end(false), (network.delayMs ?? 0) + GLUE_MS).unref());
      open.add(from);
    };
    const life = setTimeout(() => end(true), between(random, 0.1, 1.9) * network.lifeMs);
    pass(client, service);
    pass(service, client);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    get connections() {
      return connections;
    },
    get drops() {
      return drops;
    },
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
