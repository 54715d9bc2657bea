/** Runs a model on what an original engine was given, and compares. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokens, type TokenTable } from '../../decoding/index.js';
import { MalgwiError } from '../../errors.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { RecognitionEngine } from '../../recognition/engine.js';
import {
  compareAll,
  compareSteps,
  compareTextSteps,
  plainText,
  saysText,
  stepsForText,
  type IdsVerdict,
} from './compare.js';
import type { Reference, ReferenceUtterance } from './reference.js';

/** One utterance; null stands for what the reference does not say. */
export interface UtteranceVerdict {
  readonly id: string;
  readonly idsEqual: boolean | null;
  readonly textEqual: boolean | null;
  readonly expectedTokens: number | null;
  readonly gotTokens: number;
  /** Position of the first token that differs. */
  readonly firstDifference: number | null;
  readonly note: string | null;
}

export const agrees = ({ idsEqual, textEqual }: UtteranceVerdict): boolean =>
  idsEqual !== false && textEqual !== false;

/**
 * Compares utterance by utterance. An utterance that the model cannot take counts as a difference.
 * @throws MalgwiError reference_invalid | manifest_invalid
 */
export async function* verify(
  engine: RecognitionEngine,
  reference: Reference,
): AsyncGenerator<UtteranceVerdict> {
  const { directory, manifest } = engine.model;
  const table = parseTokens(await readFile(join(directory, manifest.tokens.file), 'utf8'), manifest.tokens);
  const { utterances } = reference;
  const longest = {
    ids: Math.max(...utterances.map(({ ids }) => ids?.length ?? 0)),
    text: Math.max(...utterances.map(({ text }) => plainText(text ?? '', table).length)),
  };
  for (const utterance of utterances) {
    const features = await inputOf(engine, reference, utterance);
    try {
      yield await compare(engine, table, features, utterance, longest);
    } catch (error) {
      if (!(error instanceof MalgwiError)) throw error;
      yield {
        id: utterance.id,
        idsEqual: utterance.ids === undefined ? null : false,
        textEqual: utterance.text === undefined ? null : false,
        expectedTokens: utterance.ids?.length ?? null,
        gotTokens: 0,
        firstDifference: utterance.ids === undefined ? null : 0,
        note: `${error.code}: ${error.message}`,
      };
    }
  }
}

async function inputOf(
  engine: RecognitionEngine,
  reference: Reference,
  { id, input }: ReferenceUtterance,
): Promise<FeatureMatrix> {
  if (input === 'pcm') return engine.frontEnd.extract(await reference.samples(id));
  const features = await reference.features(id);
  const { dims } = engine.frontEnd;
  if (features.dims !== dims) {
    const detail = `${id}_features has ${features.dims} channels, the model takes ${dims}.`;
    throw new MalgwiError('reference_invalid', { detail });
  }
  return features;
}

async function compare(
  { family, model }: RecognitionEngine,
  table: TokenTable,
  features: FeatureMatrix,
  { id, ids, text }: ReferenceUtterance,
  longest: { readonly ids: number; readonly text: number },
): Promise<UtteranceVerdict> {
  const { eos } = table;
  const told = (verdict: IdsVerdict, textEqual?: boolean): UtteranceVerdict => ({
    id,
    idsEqual: ids === undefined ? null : verdict.equal,
    textEqual: textEqual ?? null,
    expectedTokens: ids?.length ?? null,
    gotTokens: verdict.compared.length,
    firstDifference: verdict.firstDifference,
    note: verdict.note ?? null,
  });
  const unasked = (compared: readonly number[], note?: string): IdsVerdict => ({
    equal: true,
    compared,
    firstDifference: null,
    ...(note === undefined ? {} : { note }),
  });

  if (model.manifest.family === 'coqui') {
    // What the original engine gives is the end of its whole search, language model included.
    const [best] = (await family.decode(features)).hypotheses;
    const got = best!.tokens.map((token) => token.id);
    const verdict = ids === undefined ? unasked(got) : compareAll(ids, got);
    const said = text === undefined ? undefined : plainText(best!.text, table) === plainText(text, table);
    return told(verdict, said);
  }
  if (model.manifest.family === 'attention') {
    if (ids === undefined) {
      const got = await family.greedyIds(features, stepsForText(text!));
      const { equal, tokens, note } = compareTextSteps(text!, got, table, longest.text);
      return told(unasked(got.slice(0, tokens), note), equal);
    }
    const got = await family.greedyIds(features, ids.length + 1);
    const verdict = compareSteps(ids, got, eos!, longest.ids);
    return told(verdict, text === undefined ? undefined : saysText(text, verdict.compared, table));
  }
  const got = await family.greedyIds(features);
  const verdict = ids === undefined ? unasked(got) : compareAll(ids, got, eos);
  return told(verdict, text === undefined ? undefined : saysText(text, got, table));
}
