import { alphabetOfTokens, type CoquiAlphabet } from '../../decoding/coqui/index.js';
import type { DecodeOptions, TokenTable } from '../../decoding/contract.js';
import { throwIfAborted } from '../../decoding/select.js';
import { MalgwiError } from '../../errors.js';
import type { CoquiMfccConfig, FeatureMatrix } from '../../features/contract.js';
import { CoquiMfcc } from '../../features/index.js';
import type { CoquiRuntime } from '../../models/contract.js';
import { OnnxCoquiRuntime, type Manifest, type ModelPackage } from '../../models/index.js';
import { BestClasses, type FrameSearch } from '../coqui/search.js';
import { CoquiSearches } from '../coqui/searches.js';
import { CoquiSteps } from '../coqui/steps.js';
import { CoquiStream } from '../coqui/stream.js';
import type { DecodedUtterance, StreamingFamily } from './contract.js';

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
    private readonly searches: CoquiSearches,
  ) {
    this.mfcc = new CoquiMfcc(frontEnd);
  }

  /** @throws MalgwiError manifest_invalid | scorer_mismatch | inference_failed */
  static async load(model: ModelPackage, table: TokenTable): Promise<CoquiFamily> {
    const frontEnd = coquiFrontEnd(model.manifest);
    const alphabet = alphabetOfTokens(table);
    const runtime = await OnnxCoquiRuntime.load(model);
    try {
      await checkClasses(runtime, frontEnd, table);
      return new CoquiFamily(
        runtime,
        frontEnd,
        alphabet,
        table,
        await CoquiSearches.open(model, table, alphabet),
      );
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
    const started = performance.now();
    const steps = await this.through(features, this.searches.begin(options), signal);
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
    return this.streamThrough(this.searches.begin(options), options.alternatives);
  }

  /** A stream that decodes with a search of the caller's. */
  streamThrough(search: FrameSearch, alternatives = 1): CoquiStream {
    return new CoquiStream(this.mfcc, this.frontEnd, this.steps(search), alternatives);
  }

  async close(): Promise<void> {
    this.searches.close();
    await this.runtime.close();
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
