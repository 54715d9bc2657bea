import { join } from 'node:path';
import { CoquiDecoder, type CoquiAlphabet, type CoquiDecoderOptions } from '../../decoding/coqui/index.js';
import {
  asksForBeam,
  BeamCtcDecoder,
  checkDecodeOptions,
  createCtcDecoder,
  type CtcDecoder,
  type DecodeOptions,
  type TokenTable,
} from '../../decoding/index.js';
import type { Manifest, ModelPackage } from '../../models/index.js';
import { openLanguageModel, type OpenLanguageModel } from '../families/language-model.js';
import { ScorerFile } from './scorer-file.js';
import { KeptFrames, type FrameSearch } from './search.js';

/** What Coqui's models bring, for a package that does not say. */
export const DEFAULT_BEAM_WIDTH = 500;

/**
 * The searches of a package. With `decoder.method` `coqui` that is Coqui's own, which takes hot words from a scorer
 * only: without one, a request with hot words goes to the beam search of all CTC models.
 */
export class CoquiSearches {
  private constructor(
    private readonly manifest: Manifest,
    private readonly alphabet: CoquiAlphabet,
    private readonly greedy: CtcDecoder | undefined,
    private readonly beam: BeamCtcDecoder,
    private readonly scorer: ScorerFile | undefined,
    private readonly languageModel: OpenLanguageModel | undefined,
  ) {}

  /** @throws MalgwiError manifest_invalid | scorer_mismatch | model_file_missing */
  static async open(model: ModelPackage, table: TokenTable, alphabet: CoquiAlphabet): Promise<CoquiSearches> {
    const { manifest, directory } = model;
    const { decoder, languageModel } = manifest;
    if (decoder.method === 'coqui') {
      const scorer =
        languageModel?.format === 'coqui-scorer'
          ? ScorerFile.open(join(directory, languageModel.file), alphabet)
          : undefined;
      // The package's beam is for Coqui's search, which needs a wider one.
      const beam = new BeamCtcDecoder(table, { ...decoder, method: 'beam', beamWidth: undefined });
      return new CoquiSearches(manifest, alphabet, undefined, beam, scorer, undefined);
    }
    const greedy = decoder.method === 'greedy' ? createCtcDecoder(table, decoder) : undefined;
    const opened = await openLanguageModel(model);
    const beam = new BeamCtcDecoder(table, { ...decoder, method: 'beam' }, opened?.languageModel);
    return new CoquiSearches(manifest, alphabet, greedy, beam, undefined, opened);
  }

  /** @throws MalgwiError invalid_field */
  begin(options: DecodeOptions): FrameSearch {
    checkDecodeOptions(options);
    const { encoder } = this.manifest;
    const hot = (options.hotWords?.length ?? 0) > 0;
    if (this.manifest.decoder.method === 'coqui' && (this.scorer !== undefined || !hot)) {
      return new CoquiDecoder(this.alphabet, this.decoderOptions(options));
    }
    const decoder = this.greedy !== undefined && !asksForBeam(options) ? this.greedy : this.beam;
    return new KeptFrames(decoder, options, encoder.maxFrames);
  }

  close(): void {
    this.scorer?.close();
    this.languageModel?.close();
  }

  /** The request's settings, then the package's, then the scorer's own. */
  private decoderOptions(options: DecodeOptions): CoquiDecoderOptions {
    const { decoder, languageModel, tokens } = this.manifest;
    const beamWidth = options.beamWidth ?? decoder.beamWidth ?? DEFAULT_BEAM_WIDTH;
    const scorer = this.scorer?.scorer;
    if (scorer === undefined) return { beamWidth, compose: tokens.compose };
    const alpha = options.lmAlpha ?? languageModel?.alpha ?? scorer.weights.alpha;
    const beta = options.lmBeta ?? languageModel?.beta ?? scorer.weights.beta;
    const hotWords = options.hotWords?.map(({ phrase, weight }) => [phrase, weight] as const);
    return { beamWidth, compose: tokens.compose, scorer, weights: { alpha, beta }, hotWords };
  }
}
