/** `malgwi batch`: all recordings of a folder, here or on a service; run again, it does what is left. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { MalgwiError } from '../../errors.js';
import type { Config } from '../../config.js';
import { OUTPUT_FORMATS, type OutputFormat } from '../../jobs/contract.js';
import type { BatchReport, Transcriber } from '../batch/contract.js';
import { Journal } from '../batch/journal.js';
import { Outputs } from '../batch/outputs.js';
import { planBatch, runBatch, type Plan } from '../batch/run.js';
import { findSources } from '../batch/sources.js';
import { errorLine, guarded, printable } from '../errors.js';
import { probeSeconds } from '../inputs.js';
import { addModelOptions, httpUrl, integer, readConfig, type ModelOptions } from '../options.js';
import { clock, ProgressBar } from '../progress.js';
import { onInterrupt } from '../signals.js';
import { table } from '../table.js';

/** Files at a time in this process: their utterances fill all threads already. */
const LOCAL_FILES = 2;
/** On a service, that has its own queue: uploads and collecting results must not keep its workers waiting. */
const REMOTE_FILES = 8;
/** A service that is started anew, or full, is waited for so long. */
const PATIENCE_MS = 300_000;

interface BatchOptions extends ModelOptions {
  readonly out: string;
  readonly server?: URL;
  readonly formats: readonly OutputFormat[];
  readonly concurrency?: number;
}

const EXAMPLES = `
Examples:
  $ malgwi batch recordings --out transcripts
  $ malgwi batch recordings --out transcripts --formats json,srt
  $ MALGWI_API_KEYS=... malgwi batch recordings --out transcripts --server https://speech.example.org

Folders below are done too, and keep their places. What is done is skipped: after Ctrl-C, a crash or new recordings the
same command goes on where it stopped. Exit code 1 when a file failed; the others are still done.`;

export function registerBatch(program: Command): void {
  const command = program
    .command('batch')
    .description('turn all audio files of a folder into transcripts')
    .argument('<folder>', 'folder of audio files')
    .requiredOption('-o, --out <folder>', 'folder of the transcripts')
    .option('--server <url>', 'have it done by a running service instead of in this process', httpUrl)
    .addOption(
      new Option('--formats <list>', `transcripts to write, of ${OUTPUT_FORMATS.join(', ')}`)
        .argParser(formatList)
        .default(['json'], 'json'),
    )
    .addOption(
      new Option('--concurrency <count>', 'files at a time (default: 2, with --server 8)').argParser(
        integer(1, 256),
      ),
    )
    .addHelpText('after', EXAMPLES);
  addModelOptions(command).action(guarded(batch));
}

export function formatList(text: string): readonly OutputFormat[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(OUTPUT_FORMATS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`It must be of ${OUTPUT_FORMATS.join(', ')}, with commas between.`);
  }
  return OUTPUT_FORMATS.filter((format) => names.includes(format));
}

async function batch(folder: string, options: BatchOptions): Promise<void> {
  const config = await readConfig(options);
  const interrupt = onInterrupt();
  let journal: Journal | undefined;
  let transcriber: Transcriber | undefined;
  try {
    const outputs = await Outputs.open(options.out, options.formats);
    const { sources, links } = await findSources(folder, outputs.root);
    if (links > 0) process.stderr.write(`Left out, because links are not followed: ${links}.\n`);
    journal = await Journal.open(outputs.root);
    // Which model "the default" is may change behind a name; a model that was asked for may not.
    const plan = await planBatch(sources, outputs, journal, [options.model ?? '']);
    if (plan.work.length > 0) transcriber = await open(config, options, journal, interrupt.signal);
    const report = await run(plan, transcriber, outputs, journal, options, interrupt.signal);
    conclude(report);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('Interrupted: the same command goes on from here.\n');
    throw interrupt.signal.reason;
  } finally {
    await Promise.all([transcriber?.close(), journal?.close()]);
    interrupt.release();
  }
}

async function open(
  config: Config,
  { formats, model, server }: BatchOptions,
  journal: Journal,
  signal: AbortSignal,
): Promise<Transcriber> {
  if (server === undefined) {
    const { LocalTranscriber } = await import('../batch/local.js');
    return LocalTranscriber.start(config, formats, signal);
  }
  const { ServiceClient } = await import('../service/client.js');
  const { JobsClient } = await import('../service/jobs.js');
  const { RemoteTranscriber } = await import('../batch/remote.js');
  const key = config.server.apiKeys[0] ?? config.server.adminKey;
  // A wrong address or key shows at once; later, the service may come and go.
  const probe = new JobsClient(new ServiceClient({ url: server, key, patienceMs: 0, signal }));
  for await (const _ of probe.list([], 1)) break;
  return new RemoteTranscriber(
    new ServiceClient({ url: server, key, patienceMs: PATIENCE_MS, signal }),
    journal,
    {
      formats,
      model,
    },
  );
}

async function run(
  plan: Plan,
  transcriber: Transcriber | undefined,
  outputs: Outputs,
  journal: Journal,
  options: BatchOptions,
  signal: AbortSignal,
): Promise<BatchReport> {
  const { work } = plan;
  const inputs = work.map(({ task: { name, path } }) => ({ name, path }));
  const lengths = process.stderr.isTTY ? await probeSeconds(inputs, undefined) : [];
  const known = lengths.length > 0 && lengths.every((seconds) => seconds !== undefined);
  const done = work.map(() => 0);
  let ended = 0;
  const bar = new ProgressBar(() => ({
    doneSeconds: done.reduce((sum, seconds) => sum + seconds, 0),
    totalSeconds: known ? lengths.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0) : undefined,
    itemsDone: ended,
    items: work.length,
    unit: 'files',
  }));
  const concurrency = options.concurrency ?? (options.server === undefined ? LOCAL_FILES : REMOTE_FILES);
  bar.start();
  try {
    return await runBatch(
      plan,
      transcriber!,
      outputs,
      journal,
      { concurrency, signal },
      {
        onProgress: (index, seconds) => {
          done[index] = seconds;
        },
        onEnd: (index, { task, stem }, failure) => {
          ended += 1;
          // A file that failed counts as done with all it has, or the bar would never be full.
          if (failure !== undefined) done[index] = lengths[index] ?? done[index];
          bar.interrupt(() => {
            const written = options.formats.map((format) => printable(outputs.path(stem, format))).join(' ');
            if (failure === undefined) process.stdout.write(`${printable(task.name)} -> ${written}\n`);
          });
        },
      },
    );
  } finally {
    bar.stop();
  }
}

/** The summary, and the exit code. */
function conclude({ done, skipped, failures, audioSeconds, elapsedSeconds }: BatchReport): void {
  const speed = elapsedSeconds > 0 ? audioSeconds / elapsedSeconds : 0;
  const rows = [
    ['', 'FILES', 'AUDIO', 'TIME', 'SPEED'],
    [
      'done',
      String(done),
      clock(audioSeconds),
      clock(elapsedSeconds),
      done === 0 ? '-' : `${speed < 10 ? speed.toFixed(1) : Math.round(speed)}x real time`,
    ],
    ['skipped', String(skipped)],
    ['failed', String(failures.length)],
  ];
  process.stdout.write(`${table(rows, [1, 2, 3])}\n`);
  for (const { name, error } of failures) {
    const line = errorLine(new MalgwiError(error.code, { detail: error.message }));
    process.stderr.write(`${printable(name)}: ${line}\n`);
  }
  if (failures.length > 0) process.exitCode = 1;
}
