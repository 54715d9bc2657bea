/** `malgwi models verify`: proof that a package computes what the engine it comes from computed. */
import { openModel, type ModelsOptions } from '../installed.js';
import { table } from '../table.js';
import type { UtteranceVerdict } from '../verification/run.js';

interface VerifyOptions extends ModelsOptions {
  readonly reference: string;
}

export async function verifyModel(name: string, options: VerifyOptions): Promise<void> {
  const model = await openModel(options, name);
  const [{ RecognitionEngine }, { Reference }, { agrees, verify }] = await Promise.all([
    import('../../recognition/engine.js'),
    import('../verification/reference.js'),
    import('../verification/run.js'),
  ]);
  const reference = await Reference.open(options.reference);
  const utterances: UtteranceVerdict[] = [];
  try {
    const engine = await RecognitionEngine.load(model);
    try {
      for await (const verdict of verify(engine, reference)) utterances.push(verdict);
    } finally {
      await engine.close();
    }
  } finally {
    reference.close();
  }
  const agreed = utterances.filter(agrees).length;
  const total = utterances.length;
  if (agreed < total) process.exitCode = 1;
  if (options.json) {
    const report = {
      model: name,
      reference: options.reference,
      utterances,
      agreed,
      total,
      agrees: agreed === total,
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const rows = utterances.map((verdict) => [
    verdict.id,
    ids(verdict),
    text(verdict),
    verdict.expectedTokens === null ? '-' : String(verdict.expectedTokens),
    String(verdict.gotTokens),
    verdict.note ?? '',
  ]);
  const head = ['UTTERANCE', 'IDS', 'TEXT', 'EXPECTED', 'GOT', 'NOTE'];
  process.stdout.write(`${table([head, ...rows], [3, 4])}\n${agreed} of ${total} utterances agree.\n`);
}

function ids({ idsEqual, firstDifference }: UtteranceVerdict): string {
  if (idsEqual === null) return '-';
  return idsEqual ? 'equal' : `differ at ${firstDifference ?? 0}`;
}

function text({ textEqual }: UtteranceVerdict): string {
  if (textEqual === null) return '-';
  return textEqual ? 'equal' : 'differs';
}
