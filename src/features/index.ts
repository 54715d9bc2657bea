/** Front ends: 16 kHz mono samples to a matrix of acoustic features. Pure code, no I/O. */
import { MalgwiError } from '../errors.js';
import type {
  CoquiMfccConfig,
  Extractor,
  FeatureMatrix,
  FrontEnd,
  FrontEndConfig,
  KaldiFbankConfig,
} from './contract.js';
import { CoquiMfcc } from './coqui-mfcc.js';
import { KaldiFbank } from './fbank.js';
import { LibrosaMel, LibrosaMfcc } from './librosa.js';
import { normalizeFeatures, reverseFrames } from './normalize.js';
import { KaldiSpectrogram, TorchSpectrogram } from './spectrogram.js';
import { trimSilence } from './trim.js';
import { checkFraming, checkFrontEnd, checkLibrosa, checkNormalization } from './validate.js';

export type * from './contract.js';
export { CoquiMfcc } from './coqui-mfcc.js';
export { createStreamingFrontEnd } from './streaming.js';
export type { StreamingFrontEnd } from './streaming.js';
export type { RunningNormalizer } from './running.js';
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
      checkFrontEnd(config);
      return kospeechFrontEnd(config, fbankExtractor(config));
    case 'librosa-mel':
      checkLibrosa(config, config.numMels);
      return kospeechFrontEnd(config, new LibrosaMel(config));
    case 'librosa-mfcc':
      checkLibrosa(config, config.numCoefficients);
      return kospeechFrontEnd(config, new LibrosaMfcc(config));
    case 'spectrogram': {
      checkFraming(config);
      const torch = config.method === 'torch';
      const extractor = torch ? new TorchSpectrogram(config) : new KaldiSpectrogram(config);
      checkNormalization(config.normalize, extractor.dims);
      return kospeechFrontEnd(config, extractor);
    }
    case 'coqui-mfcc':
      return coquiFrontEnd(config);
    default:
      throw new MalgwiError('manifest_invalid', {
        param: 'frontEnd.kind',
        detail: `frontEnd.kind: ${(config as FrontEndConfig).kind} is not known`,
      });
  }
}

function fbankExtractor(config: KaldiFbankConfig): Extractor {
  const fbank = new KaldiFbank(config);
  const { dims } = fbank;
  return {
    dims,
    compute(signal) {
      const frames = fbank.frames.frameCount(signal.length);
      const matrix = { data: new Float32Array(frames * dims), frames, dims };
      for (let i = 0; i < frames; i++) {
        fbank.compute(signal, fbank.frames.frameStart(i), matrix.data, i * dims);
      }
      return matrix;
    },
  };
}

/** What KoSpeech does around each of its features: silence out before, normalisation and reversal after. */
function kospeechFrontEnd(config: Exclude<FrontEndConfig, CoquiMfccConfig>, extractor: Extractor): FrontEnd {
  return {
    config,
    dims: extractor.dims,
    extract(samples: Float32Array): FeatureMatrix {
      const matrix = extractor.compute(config.trimSilence ? trimSilence(samples) : samples);
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
