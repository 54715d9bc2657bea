/** `malgwi intent`: what a sentence asks for. */
import type { Command } from 'commander';
import { guarded } from '../errors.js';
import { describeIntent } from '../live-view.js';

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
}
