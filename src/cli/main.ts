/** Entry of the command line. Commands load what they need when they run, so that `--help` is quick. */
import { Command } from 'commander';
import { registerBatch } from './commands/batch.js';
import { registerEvaluate } from './commands/evaluate.js';
import { registerIntentCommands } from './commands/intents.js';
import { registerJobs } from './commands/jobs.js';
import { registerMic } from './commands/mic.js';
import { registerModels } from './commands/models.js';
import { registerServe } from './commands/serve.js';
import { registerTranscribe } from './commands/transcribe.js';
import { registerWorker } from './commands/worker.js';
import { VERSION } from '../version.js';

const program = new Command('malgwi')
  .description('Korean speech to text and seat intents')
  .version(VERSION, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    `
Examples:
  $ malgwi serve                                  the service, and a page to try it on
  $ malgwi transcribe interview.mp3               a file into text
  $ malgwi batch recordings --out transcripts     all files of a folder
  $ malgwi mic                                    what you say, live
  $ malgwi intent "창가 쪽 27번 자리 두 시간 예약해 줘" --json

Each command has its own --help.`,
  );

registerServe(program);
registerWorker(program);
registerTranscribe(program);
registerBatch(program);
registerJobs(program);
registerMic(program);
registerIntentCommands(program);
registerModels(program);
registerEvaluate(program);

// A reader that closes early (| head) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

await program.parseAsync();
