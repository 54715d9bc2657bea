/** Acoustic features: a front end turns 16 kHz mono samples into a matrix of frames. Pure code. */

export interface FeatureMatrix {
  /** Row-major [frames, dims]. */
  readonly data: Float32Array;
  readonly frames: number;
  readonly dims: number;
}

/**
 * `utterance`: KoSpeech's, one mean and population standard deviation over the whole matrix.
 * `fixed`: per-bin statistics of the training data.
 */
export type Normalization =
  | { readonly kind: 'none' }
  | { readonly kind: 'utterance' }
  | { readonly kind: 'fixed'; readonly mean: readonly number[]; readonly inverseStd: readonly number[] };

/** `utterance` for live streams: by what was heard of the utterance so far. */
export interface RunningNormalize {
  readonly kind: 'running';
  /** Decibels below the loudest frame so far under which a frame does not count; without it all do. */
  readonly withinDb?: number;
  /** What is taken for known at first, as if so many frames of it had been heard. */
  readonly prior?: { readonly mean: number; readonly deviation: number; readonly frames: number };
}

/** Every parameter of Kaldi's fbank (kaldi-asr.org, feature-fbank / feature-window) that KoSpeech's models depend on. */
export interface KaldiFbankConfig {
  readonly kind: 'kaldi-fbank';
  readonly sampleRate: number;
  readonly numMels: number;
  readonly windowMs: number;
  readonly hopMs: number;
  readonly fftSize: number;
  readonly window: 'povey' | 'hamming' | 'hann' | 'rectangular';
  readonly preemphasis: number;
  readonly removeDcOffset: boolean;
  readonly lowFrequency: number;
  readonly highFrequency: number;
  /** Power spectrum when true, magnitude when false. */
  readonly power: boolean;
  readonly snipEdges: boolean;
  /** Standard deviation of added noise; only 0 is deterministic and only 0 is accepted. */
  readonly dither: number;
  /** Samples in [-1, 1] are multiplied by this before anything else. */
  readonly waveformScale: number;
  /** Mel energies are floored here before the logarithm. */
  readonly energyFloor: number;
  /** KoSpeech's `del_silence` before the features. */
  readonly trimSilence: boolean;
  readonly normalize: Normalization;
  /** KoSpeech's `input_reverse`: frames in reverse order. */
  readonly reverse: boolean;
}

/** A front end of live streams: nothing in it needs the whole utterance. */
export type StreamingFbankConfig = Omit<KaldiFbankConfig, 'normalize'> & {
  readonly normalize: Normalization | RunningNormalize;
};

/** What KoSpeech's front ends share. */
interface KoSpeechFrontEnd {
  readonly sampleRate: number;
  readonly windowMs: number;
  readonly hopMs: number;
  readonly waveformScale: number;
  readonly trimSilence: boolean;
  readonly normalize: Normalization;
  readonly reverse: boolean;
}

/**
 * What stands before and after the signal for librosa's centred frames: its mirror image (`reflect`, the default, as
 * librosa had it up to 0.8) or zeros (`constant`, from librosa 0.9 on).
 */
export type LibrosaPadding = 'reflect' | 'constant';

/** librosa.feature.melspectrogram in decibels below the loudest value: KoSpeech's `mel`. */
export interface LibrosaMelConfig extends KoSpeechFrontEnd {
  readonly kind: 'librosa-mel';
  readonly padding?: LibrosaPadding;
  readonly numMels: number;
  readonly decibels: 'power' | 'amplitude';
}

/** librosa.feature.mfcc: KoSpeech's `mfcc`. */
export interface LibrosaMfccConfig extends KoSpeechFrontEnd {
  readonly kind: 'librosa-mfcc';
  readonly padding?: LibrosaPadding;
  readonly numCoefficients: number;
  readonly numMels: number;
}

/** KoSpeech's `spect`: log-magnitudes (torch) or Kaldi's log power spectrum. */
export interface SpectrogramConfig extends KoSpeechFrontEnd {
  readonly kind: 'spectrogram';
  readonly method: 'torch' | 'kaldi';
}

/** TensorFlow's audio_spectrogram and mfcc operations as DeepSpeech and Coqui STT use them. */
export interface CoquiMfccConfig {
  readonly kind: 'coqui-mfcc';
  readonly sampleRate: number;
  readonly windowSamples: number;
  readonly stepSamples: number;
  readonly numMels: number;
  readonly numCoefficients: number;
  /** Frames on each side that the acoustic model sees with each frame. */
  readonly contextFrames: number;
}

export type FrontEndConfig =
  KaldiFbankConfig | LibrosaMelConfig | LibrosaMfccConfig | SpectrogramConfig | CoquiMfccConfig;

export interface FrontEnd {
  readonly config: FrontEndConfig;
  readonly dims: number;
  /** Frames that `samples` would give (after trimming, if the front end trims). */
  extract(samples: Float32Array): FeatureMatrix;
}

/** The features themselves, without what is done before and after; one object serves one caller at a time. */
export interface Extractor {
  readonly dims: number;
  compute(signal: Float32Array): FeatureMatrix;
}
