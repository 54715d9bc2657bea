/** Front ends: 16 kHz mono samples to a matrix of acoustic features. Pure code, no I/O. */
import { MalgwiError } from '../errors.js';
import type {
  CoquiMfccConfig,
  FeatureMatrix,
  FrontEnd,
  FrontEndConfig,
  KaldiFbankConfig,
} from './contract.js';
import { CoquiMfcc } from './coqui-mfcc.js';
import { KaldiFbank } from './fbank.js';
import { normalizeFeatures, reverseFrames } from './normalize.js';
import { trimSilence } from './trim.js';
import { checkFrontEnd } from './validate.js';

export type * from './contract.js';
export { CoquiMfcc } from './coqui-mfcc.js';
export { createStreamingFrontEnd } from './streaming.js';
export type { StreamingFrontEnd } from './streaming.js';
export { findNonSilent, trimSilence } from './trim.js';
export type { SampleInterval } from './trim.js';

/**
 * Creates the front end that `config` describes (docs/reference/features.md). It keeps scratch memory between calls:
 * cheap to call often, one caller at a time.
 * @throws MalgwiError manifest_invalid
 */
export function createFrontEnd(config: FrontEndConfig): FrontEnd {
  switch (config.kind) {
    case 'kaldi-fbank':
      return kaldiFrontEnd(config);
    case 'coqui-mfcc':
      return coquiFrontEnd(config);
    default:
      throw new MalgwiError('manifest_invalid', {
        param: 'frontEnd.kind',
        detail: `frontEnd.kind: ${config.kind} is not known`,
      });
  }
}

function kaldiFrontEnd(config: KaldiFbankConfig): FrontEnd {
  checkFrontEnd(config);
  const fbank = new KaldiFbank(config);
  return {
    config,
    dims: fbank.dims,
    extract(samples: Float32Array): FeatureMatrix {
      const signal = config.trimSilence ? trimSilence(samples) : samples;
      const frames = fbank.frameCount(signal.length);
      const matrix = { data: new Float32Array(frames * fbank.dims), frames, dims: fbank.dims };
      for (let i = 0; i < frames; i++)
        fbank.compute(signal, fbank.frameStart(i), matrix.data, i * fbank.dims);
      normalizeFeatures(matrix, config.normalize);
      if (config.reverse) reverseFrames(matrix);
      return matrix;
    },
  };
}

function coquiFrontEnd(config: CoquiMfccConfig): FrontEnd {
  const mfcc = new CoquiMfcc(config);
  return { config, dims: mfcc.dims, extract: (samples) => mfcc.extract(samples) };
}
