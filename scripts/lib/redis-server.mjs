/** A redis-server of one's own, on a free port and in a folder of its own: for tests, benchmarks and the chaos run. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';

/** Where there is none, tests skip. */
export const hasRedisServer = () => spawnSync('redis-server', ['--version']).status === 0;

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (up) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    // +PONG; while it loads its file it answers -LOADING.
    socket.once('data', (bytes) => done(bytes.toString().startsWith('+PONG')));
  });

/**
 * @param dir an existing folder; its data stays there
 * @param appendfsync `always` loses nothing that was answered, `everysec` up to two seconds of it
 */
export async function startRedis({ dir, appendfsync = 'always', args = [] }) {
  const port = await freePort();
  let child;
  const server = {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child?.pid;
    },
    async start() {
      child = spawn(
        'redis-server',
        [
          ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
          ...['--appendonly', 'yes', '--appendfsync', appendfsync, '--loglevel', 'warning', ...args],
        ],
        { stdio: 'ignore' },
      );
      for (let i = 0; i < 2400; i++) {
        if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
        if (await accepts(port)) return;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      throw new Error('redis-server does not answer');
    },
    /** As a power cut would: no farewell, nothing written any more. */
    async kill(signal = 'SIGKILL') {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
    stop: () => server.kill('SIGTERM'),
  };
  await server.start();
  return server;
}
