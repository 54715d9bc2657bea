/** `malgwi intent` and `malgwi intents evaluate`: what a sentence asks for, and how often that is right. */
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { MalgwiError } from '../../errors.js';
import { guarded } from '../errors.js';
import { describeIntent } from '../live-view.js';
import { table } from '../table.js';
import type { IntentEvaluation, LabelledUtterance } from '../../intents/evaluate.js';

/** Larger files are no list of utterances. */
const MAX_BYTES = 64 * 1024 * 1024;

export function registerIntentCommands(program: Command): void {
  program
    .command('intent')
    .description('resolve what a sentence asks for: the seat intent and its slots')
    .argument('<text>', 'a sentence, as a recogniser gives it')
    .option('--json', 'print JSON')
    .action(
      guarded(async (text: string, options: { json?: true }) => {
        const { parseIntent } = await import('../../intents/index.js');
        const result = parseIntent(text);
        process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : describeIntent(result)}\n`);
      }),
    );
  const intents = program.command('intents').description('measure seat intents');
  intents
    .command('evaluate')
    .description('measure intents and slots on labelled utterances')
    .argument('<file.json>', '{utterances: [{id, text, intent, slots, accept?, tags?}]}')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nUtterances tagged "contextual" are read with a reserve command pending.')
    .action(
      guarded(async (file: string, options: { json?: true }) => {
        const { evaluateIntents, parseUtterances } = await import('../../intents/evaluate.js');
        const report = evaluateIntents(parseUtterances(await readJson(file)) as LabelledUtterance[]);
        process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : `${describe(report)}\n`);
      }),
    );
}

async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    if ((await stat(file)).size > MAX_BYTES) throw new MalgwiError('file_too_large', { param: 'file' });
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof MalgwiError) throw cause;
    throw new MalgwiError('missing_file', { detail: 'The file cannot be read.', param: 'file', cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new MalgwiError('invalid_json', { detail: 'The file is not valid JSON.', param: 'file', cause });
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

function describe(report: IntentEvaluation): string {
  const rows = (tallies: IntentEvaluation['byIntent']): string[][] =>
    Object.entries(tallies).map(([name, tally]) => [
      name,
      String(tally.utterances),
      percent(tally.intentAccuracy),
      percent(tally.exactSlots),
    ]);
  const head = ['', 'utterances', 'intent', 'exact slots'];
  const parts = [
    `${report.utterances} utterances, ${report.outOfScope} of them out of scope`,
    `intent accuracy ${percent(report.intentAccuracy)}, exact slots ${percent(report.exactSlots)}, false accepts ${percent(report.falseAccept)}, false rejects ${percent(report.falseReject)}`,
    table([head, ...rows(report.byIntent)], [1, 2, 3]),
  ];
  if (Object.keys(report.byTag).length > 0) parts.push(table([head, ...rows(report.byTag)], [1, 2, 3]));
  if (report.errors.length > 0) {
    parts.push(
      table(
        report.errors.map(({ id, text, expected, got }) => [
          id,
          text,
          `${expected.intent} ${JSON.stringify(expected.slots)}`,
          `${got.intent} ${JSON.stringify(got.slots)}`,
        ]),
      ),
    );
  }
  return parts.join('\n\n');
}
