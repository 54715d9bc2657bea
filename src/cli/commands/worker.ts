/** `malgwi worker`: works on the jobs that lie in Redis. Options win over environment variables. */
import type { Command } from 'commander';
import { guarded } from '../errors.js';
import { explainListen } from '../listen.js';
import { addModelOptions, integer, readConfig, type ModelOptions } from '../options.js';

interface WorkerOptions extends ModelOptions {
  readonly port?: number;
  readonly host?: string;
  readonly logLevel?: string;
  readonly logPretty?: true;
}

const EXAMPLES = `
Examples:
  $ REDIS_URL=redis://localhost malgwi worker
  $ REDIS_URL=redis://localhost malgwi worker --port 0 --workers 4 --log-pretty

Every setting is an environment variable too: docs/reference/configuration.md.
Ctrl-C ends the worker; what it does not end within ten seconds is handed back.`;

export function registerWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('work on the jobs that lie in Redis, on this machine or another one than the service')
    .option(
      '-p, --port <number>',
      'port of /healthz, /readyz and /metrics, 0 for any free one (default: 3001)',
      integer(0, 65535),
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .option('--log-pretty', 'log for people instead of JSON lines')
    .addHelpText('after', EXAMPLES);
  addModelOptions(command).action(guarded(work));
}

async function work(options: WorkerOptions): Promise<void> {
  const { startWorker } = await import('../../worker.js');
  const { closeOnSignals } = await import('../../server.js');
  const config = await readConfig(options, {
    server: {
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel as never }),
      ...(options.logPretty === undefined ? {} : { logPretty: true }),
    },
    ...(options.port === undefined ? {} : { worker: { port: options.port } }),
  });
  const worker = await startWorker(config).catch((error: unknown) => {
    throw explainListen(error, config.server.host, config.worker.port);
  });
  closeOnSignals(worker);
  try {
    await worker.ready;
  } catch (error) {
    await worker.close();
    throw error;
  }
}
