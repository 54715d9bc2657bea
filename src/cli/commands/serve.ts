/** `malgwi serve`: the service. Options win over environment variables. */
import type { Command } from 'commander';
import { guarded } from '../errors.js';
import { explainListen } from '../listen.js';
import { addModelOptions, integer, readConfig, type ModelOptions } from '../options.js';

interface ServeOptions extends ModelOptions {
  readonly port?: number;
  readonly host?: string;
  readonly logLevel?: string;
  readonly logPretty?: true;
  readonly venue?: string;
}

const EXAMPLES = `
Examples:
  $ malgwi serve
  $ malgwi serve --port 8080 --log-pretty
  $ MALGWI_API_KEYS=change-me-please malgwi serve --host 0.0.0.0

Every setting is an environment variable too: docs/reference/configuration.md.
Ctrl-C ends the service after the running requests.`;

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('start the HTTP and live service')
    .option('-p, --port <number>', 'port to listen on, 0 for any free one (default: 3000)', integer(0, 65535))
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .option('--log-pretty', 'log for people instead of JSON lines')
    .option('--venue <file.json>', 'seats that intents are checked against')
    .addHelpText('after', EXAMPLES);
  addModelOptions(command).action(guarded(serve));
}

async function serve(options: ServeOptions): Promise<void> {
  const { closeOnSignals, startServer } = await import('../../server.js');
  const config = await readConfig(options, {
    server: {
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel as never }),
      ...(options.logPretty === undefined ? {} : { logPretty: true }),
    },
    ...(options.venue === undefined ? {} : { venueFile: options.venue }),
  });
  const server = await startServer(config).catch((error: unknown) => {
    throw explainListen(error, config.server.host, config.server.port);
  });
  closeOnSignals(server);
  try {
    await server.ready;
  } catch (error) {
    await server.close();
    throw error;
  }
}
