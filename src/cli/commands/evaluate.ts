/** `malgwi evaluate` (`npm run evaluate --`): error rates of a model on recordings with transcripts. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { MalgwiError } from '../../errors.js';
import { guarded, printable } from '../errors.js';
import { addModelOptions, httpUrl, integer, readConfig, type ModelOptions } from '../options.js';
import { ProgressBar } from '../progress.js';
import { startRecognizer } from '../recognizer.js';
import { onInterrupt } from '../signals.js';
import { table } from '../table.js';
import type { LiveTotals } from '../evaluation/live.js';
import type { EvaluationReport, Figures, ScoredUtterance } from '../evaluation/report.js';

interface EvaluateOptions extends ModelOptions {
  readonly manifest: string;
  readonly split?: string;
  readonly limit?: number;
  readonly by?: string;
  readonly errors?: number;
  readonly live?: true;
  readonly secondPass?: boolean;
  readonly json?: true;
  readonly push?: URL;
  readonly set?: string;
}

const EXAMPLES = `
The manifest is JSON Lines, audio relative to it:
  {"audio": "clips/001.wav", "text": "칠 번 자리 예약해 줘", "split": "test"}

Examples:
  $ npm run evaluate -- --manifest test-audio/manifest.jsonl
  $ npm run evaluate -- --manifest corpus/manifest.jsonl --split dev --errors 20
  $ npm run evaluate -- --manifest corpus/manifest.jsonl --by corpus,speaker,duration
  $ npm run evaluate -- --manifest corpus/manifest.jsonl --live
  $ npm run evaluate -- --manifest corpus/manifest.jsonl --json > report.json
  $ npm run evaluate -- --manifest corpus/manifest.jsonl --push http://localhost:3000

A file that fails counts as all deletions and is reported.
--push authenticates with MALGWI_ADMIN_KEY, or the first of MALGWI_API_KEYS, where they are set.`;

export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure CER and WER on recordings with transcripts')
    .requiredOption('--manifest <file.jsonl>', 'lines {audio, text, split?, speaker?}')
    .option('--split <name>', 'only the lines of this split')
    .option('--limit <count>', 'only so many utterances, the first ones', integer(1, 1e9))
    .option('--by <fields>', 'figures apart by fields of the lines, or by duration: corpus,duration')
    .option('--live', 'as live streams: what is final is what live clients get')
    .option('--second-pass', 'with --live: decode finals from whole utterances, whatever the package says')
    .option('--no-second-pass', 'with --live: or do not')
    .option('--errors <count>', 'show the utterances with the most edits', integer(1, 1e6))
    .option('--json', 'print JSON')
    .option('--push <url>', "add the counts to a running service's metrics", httpUrl)
    .option(
      '--set <name>',
      'name of the set in the metrics (default: the split, or the name of the manifest)',
    )
    .addHelpText('after', EXAMPLES);
  addModelOptions(command).action(guarded(evaluate));
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const [{ readManifest }, { readFields }, { evaluateItems }, { buildReport }, { LiveTranscriber }] =
    await Promise.all([
      import('../evaluation/manifest.js'),
      import('../evaluation/groups.js'),
      import('../evaluation/run.js'),
      import('../evaluation/report.js'),
      import('../evaluation/live.js'),
    ]);
  if (options.live === undefined && options.secondPass !== undefined) {
    throw new MalgwiError('invalid_request', { detail: '--second-pass is about --live.' });
  }
  const config = await readConfig(options);
  const items = await readManifest(options.manifest, options);
  const by = readFields(options.by, items);
  const interrupt = onInterrupt();
  const recognizer = await startRecognizer(config);
  try {
    const live = options.live
      ? new LiveTranscriber(recognizer, {
          signal: interrupt.signal,
          ...(options.secondPass === undefined ? {} : { secondPass: options.secondPass }),
        })
      : undefined;
    const progress = watchProgress(items.length);
    const started = performance.now();
    let scored: ScoredUtterance[];
    try {
      scored = await evaluateItems(recognizer, items, {
        signal: interrupt.signal,
        onDone: progress.onDone,
        ...(live === undefined ? {} : { transcribe: (path) => live.transcribe(path) }),
      });
    } finally {
      progress.stop();
    }
    const wallSeconds = (performance.now() - started) / 1000;
    const report = buildReport(scored, { model: recognizer.defaultModel, wallSeconds, by });
    const worst = worstOf(scored, options.errors ?? 0);
    if (options.json) {
      const errors = worst.map(({ audio, reference, hypothesis, charactersNoSpaces }) => ({
        audio,
        reference,
        hypothesis,
        edits: editsOf(charactersNoSpaces),
      }));
      process.stdout.write(
        `${JSON.stringify({ ...report, ...(live === undefined ? {} : { live: live.totals }), ...(options.errors === undefined ? {} : { errors }) }, null, 2)}\n`,
      );
    } else {
      process.stdout.write(renderReport(report, worst));
      if (live !== undefined) process.stdout.write(renderLive(live.totals));
    }
    for (const { audio, code, message } of report.failures) {
      process.stderr.write(`${printable(audio)}: ${printable(`${code}: ${message}`)}\n`);
    }
    if (report.failures.length > 0) process.exitCode = 1;
    if (options.push !== undefined) {
      const { pushReport } = await import('../evaluation/push.js');
      const set = options.set ?? options.split ?? basename(options.manifest).replace(/\.[^.]*$/, '');
      const key = config.server.adminKey ?? config.server.apiKeys[0];
      const label = await pushReport(options.push, report, set, key);
      process.stderr.write(`Pushed to ${options.push.origin} as set ${label}.\n`);
    }
  } finally {
    await recognizer.close();
    interrupt.release();
  }
}

const editsOf = (counts: { substitutions: number; deletions: number; insertions: number }): number =>
  counts.substitutions + counts.deletions + counts.insertions;

function worstOf(scored: readonly ScoredUtterance[], count: number): ScoredUtterance[] {
  return scored
    .filter((utterance) => editsOf(utterance.charactersNoSpaces) > 0)
    .sort((a, b) => editsOf(b.charactersNoSpaces) - editsOf(a.charactersNoSpaces))
    .slice(0, count);
}

function renderLive({ realTimeFactor, partials, stableShare, changedStable }: LiveTotals): string {
  const cost = realTimeFactor === null ? '-' : `${(1 / realTimeFactor).toFixed(0)}x real time on one worker`;
  const kept = `${percent(stableShare)} of their characters stable, changed later in ${changedStable} utterances`;
  return `live: ${cost}; ${partials} partials, ${kept}\n`;
}

/** A bar on a terminal; elsewhere (a log, CI) a line for every tenth of the work. */
function watchProgress(items: number): { onDone: (utterance: ScoredUtterance) => void; stop: () => void } {
  let done = 0;
  let seconds = 0;
  let tenths = 0;
  const bar = new ProgressBar(() => ({
    doneSeconds: seconds,
    itemsDone: done,
    items,
    unit: 'utterances',
  }));
  bar.start();
  return {
    onDone: (utterance) => {
      done += 1;
      seconds += utterance.seconds;
      const now = Math.floor((done / items) * 10);
      if (process.stderr.isTTY || now === tenths) return;
      tenths = now;
      process.stderr.write(`${now * 10} % (${done}/${items} utterances)\n`);
    },
    stop: () => bar.stop(),
  };
}

const percent = (value: number | null): string => (value === null ? '-' : `${(value * 100).toFixed(2)} %`);

function renderReport(report: EvaluationReport, worst: readonly ScoredUtterance[]): string {
  const span = (interval: readonly [number, number] | null): string =>
    interval === null ? '' : `95 %: ${percent(interval[0])} to ${percent(interval[1])}`;
  const { intervals } = report;
  const counts = (c: { substitutions: number; deletions: number; insertions: number }): string =>
    `${c.substitutions} substitutions, ${c.deletions} deletions, ${c.insertions} insertions`;
  const head = table([
    ['model', report.model],
    ['utterances', `${report.utterances}${report.failed > 0 ? ` (${report.failed} failed)` : ''}`],
    ['audio', `${(report.audioSeconds / 60).toFixed(1)} min`],
  ]);
  const rates = table([
    [
      'CER without spaces',
      percent(report.cerNoSpaces),
      `${counts(report.noSpaces)} of ${report.noSpaces.referenceCharacters}`,
      span(intervals.cerNoSpaces),
    ],
    [
      'CER with spaces',
      percent(report.cer),
      `${counts(report)} of ${report.referenceCharacters}`,
      span(intervals.cer),
    ],
    [
      'WER',
      percent(report.wer),
      `${counts(report.words)} of ${report.words.referenceWords}`,
      span(intervals.wer),
    ],
  ]);
  const speed =
    report.realTimeFactor === null
      ? ''
      : `real-time factor ${report.realTimeFactor.toFixed(4)} (${(1 / report.realTimeFactor).toFixed(0)}x real time)\n`;
  const tail = `intervals over ${intervals.unit}s, normaliser ${report.normalizer}\n`;
  const names = Object.keys(report.bySplit);
  const splits = names.length < 2 ? '' : `\n${renderGroups('split', report.bySplit)}\n`;
  const groups = Object.entries(report.by).map(([field, figures]) => `\n${renderGroups(field, figures)}\n`);
  const errors = worst.map(
    (utterance) =>
      `\n${printable(utterance.audio)} (${editsOf(utterance.charactersNoSpaces)} edits)\n` +
      `  reference   ${printable(utterance.reference)}\n  hypothesis  ${printable(utterance.error?.code ?? utterance.hypothesis)}\n`,
  );
  return `${head}\n\n${rates}\n\n${speed}${tail}${splits}${groups.join('')}${errors.join('')}`;
}

function renderGroups(
  field: string,
  groups: Readonly<Record<string, Figures & Partial<Pick<EvaluationReport, 'intervals'>>>>,
): string {
  const rows = Object.entries(groups).map(([name, value]) => {
    const interval = value.intervals?.cerNoSpaces;
    return [
      printable(name),
      String(value.utterances),
      String(value.noSpaces.referenceCharacters),
      percent(value.cerNoSpaces),
      interval == null ? '' : `${percent(interval[0])} to ${percent(interval[1])}`,
      percent(value.cer),
      percent(value.wer),
    ];
  });
  const head = ['UTTERANCES', 'CHARACTERS', 'CER NO SPACES', '95 %', 'CER', 'WER'];
  return table([[printable(field.toUpperCase()), ...head], ...rows], [1, 2, 3, 5, 6]);
}
