/** `malgwi jobs`: what a service has to do, did, and did not do. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Config } from '../../config.js';
import { MalgwiError } from '../../errors.js';
import { JOB_STATES, type JobState } from '../../jobs/contract.js';
import { errorLine, guarded, printable } from '../errors.js';
import { httpUrl, integer, readConfig } from '../options.js';
import { clock } from '../progress.js';
import type { JobsClient, JobView } from '../service/jobs.js';
import { table } from '../table.js';

interface ServerOptions {
  readonly server?: URL;
  readonly json?: true;
}
interface ListOptions extends ServerOptions {
  readonly state?: readonly JobState[];
  readonly limit: number;
}

const EXAMPLES = `
Examples:
  $ malgwi jobs
  $ malgwi jobs list --state failed --json | jq -r .[].id
  $ malgwi jobs show job_5a0c...
  $ malgwi jobs retry job_5a0c... --server https://speech.example.org

MALGWI_ADMIN_KEY shows everybody's jobs, the first of MALGWI_API_KEYS those of that key.`;

export function registerJobs(program: Command): void {
  const jobs = program
    .command('jobs')
    .description('list the transcription jobs of a service; show, cancel or retry one')
    .addHelpText('after', EXAMPLES);
  const add = (name: string, description: string, isDefault = false): Command =>
    jobs
      .command(name, { isDefault })
      .description(description)
      .option('--server <url>', 'the service (default: the one of this machine)', httpUrl)
      .option('--json', 'print JSON');
  const list = add('list', 'newest first (default)', true).addOption(
    new Option('--state <list>', `only jobs that are ${JOB_STATES.join(', ')}`).argParser(states),
  );
  list.addOption(new Option('--limit <count>', 'so many at most').argParser(integer(1, 100_000)).default(50));
  list.action(guarded(listJobs));
  add('show', 'everything known of a job').argument('<id>', 'of the job').action(guarded(showJob));
  add('cancel', 'end jobs that have not ended')
    .argument('<id...>', 'of the jobs')
    .action(guarded(cancelJobs));
  add('retry', 'try failed or cancelled jobs once more, from where they stopped')
    .argument('<id...>', 'of the jobs')
    .action(guarded(retryJobs));
}

function states(text: string): readonly JobState[] {
  return text.split(',').map((item) => {
    const state = item.trim() as JobState;
    if (JOB_STATES.includes(state)) return state;
    throw new InvalidArgumentError(`It must be of ${JOB_STATES.join(', ')}, with commas between.`);
  });
}

/** Where `malgwi serve` with the same environment listens. */
function ownService({ server: { host, port } }: Config): URL {
  const name = /^(0\.0\.0\.0|::)$/.test(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return new URL(`http://${name}:${port}/`);
}

async function connect({ server }: ServerOptions): Promise<JobsClient> {
  const config = await readConfig({});
  const { ServiceClient } = await import('../service/client.js');
  const { JobsClient } = await import('../service/jobs.js');
  const key = config.server.adminKey ?? config.server.apiKeys[0];
  return new JobsClient(new ServiceClient({ url: server ?? ownService(config), key, patienceMs: 0 }));
}

const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

function progressOf({ progress, state }: JobView): string {
  const { done_seconds: done, total_seconds: total } = progress;
  if (state === 'completed') return clock(total ?? done);
  return total === undefined ? clock(done) : `${clock(done)} of ${clock(total)}`;
}

async function listJobs(options: ListOptions): Promise<void> {
  const client = await connect(options);
  const found: JobView[] = [];
  for await (const job of client.list(options.state ?? [], options.limit)) found.push(job);
  if (options.json) return printJson(found);
  if (found.length === 0) return void process.stderr.write('There are no such jobs.\n');
  const rows = found.map((job) => [
    job.id,
    job.state,
    progressOf(job),
    job.created_at.slice(0, 19).replace('T', ' '),
    job.error?.code ?? '',
    job.name ?? job.source.url ?? '',
  ]);
  process.stdout.write(`${table([['ID', 'STATE', 'AUDIO', 'CREATED', 'ERROR', 'NAME'], ...rows])}\n`);
}

async function showJob(id: string, options: ServerOptions): Promise<void> {
  const client = await connect(options);
  const job = await client.get(id);
  if (options.json) return printJson(job);
  const facts: [string, string | undefined][] = [
    ['id', job.id],
    ['state', job.state],
    ['name', job.name],
    ['source', job.source.url ?? `upload of ${String(job.source.bytes ?? 0)} bytes`],
    ['model', job.model],
    ['outputs', job.outputs.join(', ')],
    ['priority', job.priority],
    ['audio', progressOf(job)],
    ['attempts', String(job.attempts)],
    ['position', job.position?.toString()],
    ['created', job.created_at],
    ['started', job.started_at],
    ['finished', job.finished_at],
    ['expected', job.estimated_finish_at],
    ['error', job.error === undefined ? undefined : `${job.error.code}: ${job.error.message}`],
  ];
  const rows = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  process.stdout.write(`${table(rows)}\n`);
}

const cancelJobs = (ids: string[], options: ServerOptions): Promise<void> =>
  change(ids, options, (client, id) => client.cancel(id), ['queued', 'active']);
const retryJobs = (ids: string[], options: ServerOptions): Promise<void> =>
  change(ids, options, (client, id) => client.retry(id));

/** One after the other; those that cannot be changed are reported, the others still changed. */
async function change(
  ids: readonly string[],
  options: ServerOptions,
  action: (client: JobsClient, id: string) => Promise<JobView>,
  only?: readonly JobState[],
): Promise<void> {
  const client = await connect(options);
  const changed: JobView[] = [];
  for (const id of ids) {
    try {
      // The same request forgets a job that has ended: nobody who cancels asks for that.
      const before = only === undefined ? undefined : await client.get(id);
      const open = before === undefined || only!.includes(before.state);
      const job = open ? await action(client, id) : before;
      changed.push(job);
      if (!options.json) process.stdout.write(`${job.id}  ${job.state}\n`);
    } catch (error) {
      if (!(error instanceof MalgwiError) || error.code === 'not_ready') throw error;
      process.stderr.write(`${printable(id)}: ${errorLine(error)}\n`);
      process.exitCode = 1;
    }
  }
  if (options.json) printJson(changed);
}
