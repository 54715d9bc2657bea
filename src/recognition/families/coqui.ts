import { join } from 'node:path';
import {
  alphabetOfTokens,
  CoquiDecoder,
  type CoquiAlphabet,
  type CoquiDecoderOptions,
} from '../../decoding/coqui/index.js';
import {
  checkDecodeOptions,
  createCtcDecoder,
  type DecodeOptions,
  type TokenTable,
} from '../../decoding/index.js';
import { throwIfAborted } from '../../decoding/select.js';
import { MalgwiError } from '../../errors.js';
import type { CoquiMfccConfig, FeatureMatrix } from '../../features/contract.js';
import { CoquiMfcc } from '../../features/index.js';
import type { CoquiRuntime } from '../../models/contract.js';
import { OnnxCoquiRuntime, type Manifest, type ModelPackage } from '../../models/index.js';
import { ScorerFile } from '../coqui/scorer-file.js';
import { BestClasses, KeptFrames, type FrameSearch } from '../coqui/search.js';
import { CoquiSteps } from '../coqui/steps.js';
import { CoquiStream } from '../coqui/stream.js';
import type { DecodedUtterance, StreamingFamily } from './contract.js';

/** What Coqui's models bring, for a package that does not say. */
export const DEFAULT_BEAM_WIDTH = 500;

/**
 * Models of DeepSpeech and Coqui STT. Whole utterances take the way of streams, batch by batch, so that both give the
 * same.
 */
export class CoquiFamily implements StreamingFamily {
  private readonly mfcc: CoquiMfcc;

  private constructor(
    private readonly runtime: CoquiRuntime,
    private readonly frontEnd: CoquiMfccConfig,
    readonly alphabet: CoquiAlphabet,
    private readonly table: TokenTable,
    private readonly scorer: ScorerFile | undefined,
  ) {
    this.mfcc = new CoquiMfcc(frontEnd);
  }

  /** @throws MalgwiError manifest_invalid | scorer_mismatch | inference_failed */
  static async load(model: ModelPackage, table: TokenTable): Promise<CoquiFamily> {
    const { manifest, directory } = model;
    const frontEnd = coquiFrontEnd(manifest);
    const alphabet = alphabetOfTokens(table);
    const runtime = await OnnxCoquiRuntime.load(model);
    try {
      await checkClasses(runtime, frontEnd, table);
      const { languageModel, decoder } = manifest;
      const scored = decoder.method === 'coqui' && languageModel?.format === 'coqui-scorer';
      const scorer = scored ? ScorerFile.open(join(directory, languageModel.file), alphabet) : undefined;
      return new CoquiFamily(runtime, frontEnd, alphabet, table, scorer);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  async decode(
    features: FeatureMatrix,
    options: DecodeOptions = {},
    signal?: AbortSignal,
  ): Promise<DecodedUtterance> {
    checkDecodeOptions(options);
    const started = performance.now();
    const steps = await this.through(features, this.newSearch(options), signal);
    const hypotheses = steps.decode(options.alternatives ?? 1);
    const { encoderMs } = steps;
    return { hypotheses, encoderMs, decodingMs: performance.now() - started - encoderMs };
  }

  async greedyIds(features: FeatureMatrix): Promise<number[]> {
    const path = new BestClasses(this.table.blank);
    await this.through(features, path);
    return path.ids;
  }

  openStream(options: DecodeOptions = {}): CoquiStream {
    return this.streamThrough(this.newSearch(options), options.alternatives);
  }

  /** A stream that decodes with a search of the caller's. */
  streamThrough(search: FrameSearch, alternatives = 1): CoquiStream {
    return new CoquiStream(this.mfcc, this.frontEnd, this.steps(search), alternatives);
  }

  async close(): Promise<void> {
    this.scorer?.close();
    await this.runtime.close();
  }

  private newSearch(options: DecodeOptions): FrameSearch {
    const { decoder, encoder } = this.runtime.manifest;
    if (decoder.method !== 'coqui') {
      return new KeptFrames(createCtcDecoder(this.table, decoder), options, encoder.maxFrames);
    }
    return new CoquiDecoder(this.alphabet, this.decoderOptions(options));
  }

  /** The request's settings, then the package's, then the scorer's own. */
  private decoderOptions(options: DecodeOptions): CoquiDecoderOptions {
    const { decoder, languageModel, tokens } = this.runtime.manifest;
    const { beamWidth = decoder.beamWidth ?? DEFAULT_BEAM_WIDTH, hotWords = [] } = options;
    const scorer = this.scorer?.scorer;
    if (scorer === undefined) {
      if (hotWords.length > 0 || options.lmAlpha !== undefined || options.lmBeta !== undefined) {
        const detail = 'Hot words and weights act through a scorer, and this model package has none.';
        throw new MalgwiError('invalid_field', { detail });
      }
      return { beamWidth, compose: tokens.compose };
    }
    const alpha = options.lmAlpha ?? languageModel?.alpha ?? scorer.weights.alpha;
    const beta = options.lmBeta ?? languageModel?.beta ?? scorer.weights.beta;
    return {
      beamWidth,
      compose: tokens.compose,
      scorer,
      weights: { alpha, beta },
      hotWords: hotWords.map(({ phrase, weight }) => [phrase, weight] as const),
    };
  }

  private steps(search: FrameSearch): CoquiSteps {
    const { numCoefficients: dims, contextFrames: context } = this.frontEnd;
    return new CoquiSteps(this.runtime, search, { dims, context });
  }

  private async through(
    features: FeatureMatrix,
    search: FrameSearch,
    signal?: AbortSignal,
  ): Promise<CoquiSteps> {
    const { minFrames, maxFrames } = this.runtime.manifest.encoder;
    const { data, frames, dims } = features;
    throwIfAborted(signal);
    if (frames > maxFrames) {
      const detail = `An utterance of ${String(frames)} frames is beyond the model's ${String(maxFrames)}.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    const steps = this.steps(search);
    if (frames < minFrames) return steps;
    if (dims !== this.frontEnd.numCoefficients) {
      throw new MalgwiError('inference_failed', { detail: 'The features are not those of the model.' });
    }
    for (let frame = 0; frame < frames; frame++) {
      throwIfAborted(signal);
      await steps.push(data, frame * dims);
    }
    await steps.end();
    return steps;
  }
}

function coquiFrontEnd({ frontEnd }: Manifest): CoquiMfccConfig {
  if (frontEnd.kind === 'coqui-mfcc') return frontEnd;
  throw new MalgwiError('manifest_invalid', { detail: 'A model of the family coqui needs its front end.' });
}

/** One step on silence: the graph itself may not say how many classes it gives. */
async function checkClasses(
  runtime: CoquiRuntime,
  { contextFrames, numCoefficients }: CoquiMfccConfig,
  { tokens }: TokenTable,
): Promise<void> {
  const window = new Float32Array((2 * contextFrames + 1) * numCoefficients);
  const { classes } = await runtime.run(window, 1, runtime.initial());
  if (classes === tokens.length) return;
  const detail = `The model gives ${String(classes)} classes, its token list has ${String(tokens.length)} with the blank.`;
  throw new MalgwiError('manifest_invalid', { param: 'tokens', detail });
}
