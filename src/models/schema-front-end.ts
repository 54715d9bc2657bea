/** Schemas of the front ends: every parameter that a model's features depend on (docs/reference/features.md). */
import { Type } from 'typebox';

const Finite = Type.Number({ minimum: -1e9, maximum: 1e9 });

const Normalize = Type.Union([
  Type.Object({ kind: Type.Literal('none') }),
  Type.Object({ kind: Type.Literal('utterance') }),
  Type.Object({
    kind: Type.Literal('fixed'),
    mean: Type.Array(Finite, { minItems: 1, maxItems: 1024 }),
    inverseStd: Type.Array(Finite, { minItems: 1, maxItems: 1024 }),
  }),
]);

/** What a live stream does in place of what needs the whole utterance. */
export const LiveFrontEndSchema = Type.Object({
  trimSilence: Type.Optional(Type.Literal(false)),
  normalize: Type.Optional(
    Type.Object({
      kind: Type.Literal('running'),
      withinDb: Type.Optional(Type.Number({ minimum: 1, maximum: 200 })),
      prior: Type.Optional(
        Type.Object({
          mean: Finite,
          deviation: Type.Number({ minimum: 1e-3, maximum: 1e6 }),
          frames: Type.Number({ minimum: 0, maximum: 1e6 }),
        }),
      ),
    }),
  ),
});

/** What all of KoSpeech's front ends share: framing, scale and what is done before and after. */
const Common = {
  sampleRate: Type.Literal(16000),
  windowMs: Type.Number({ minimum: 5, maximum: 100 }),
  hopMs: Type.Number({ minimum: 2, maximum: 100 }),
  /** Samples in [-1, 1] are multiplied by this. */
  waveformScale: Type.Number({ minimum: 1e-3, maximum: 1e6 }),
  trimSilence: Type.Boolean(),
  normalize: Normalize,
  reverse: Type.Boolean(),
};

export const KaldiFbankSchema = Type.Object({
  kind: Type.Literal('kaldi-fbank'),
  ...Common,
  numMels: Type.Integer({ minimum: 8, maximum: 256 }),
  fftSize: Type.Integer({ minimum: 64, maximum: 8192 }),
  window: Type.Union([
    Type.Literal('povey'),
    Type.Literal('hamming'),
    Type.Literal('hann'),
    Type.Literal('rectangular'),
  ]),
  preemphasis: Type.Number({ minimum: 0, maximum: 1 }),
  removeDcOffset: Type.Boolean(),
  lowFrequency: Type.Number({ minimum: 0, maximum: 8000 }),
  highFrequency: Type.Number({ minimum: 100, maximum: 8000 }),
  power: Type.Boolean(),
  snipEdges: Type.Boolean(),
  dither: Type.Literal(0),
  energyFloor: Type.Number({ minimum: 1e-20, maximum: 1e6 }),
});

/** Centred frames reach over the edges: a mirror image there (librosa up to 0.8, the default) or zeros (from 0.9 on). */
const Padding = Type.Optional(Type.Union([Type.Literal('reflect'), Type.Literal('constant')]));

/** librosa.feature.melspectrogram, Slaney mels, then `power_to_db` or `amplitude_to_db` against the maximum. */
export const LibrosaMelSchema = Type.Object({
  kind: Type.Literal('librosa-mel'),
  ...Common,
  padding: Padding,
  numMels: Type.Integer({ minimum: 8, maximum: 256 }),
  /** librosa's conversion to decibels; both are floored 80 dB below the loudest value of the utterance. */
  decibels: Type.Union([Type.Literal('power'), Type.Literal('amplitude')]),
});

/** librosa.feature.mfcc: 128 Slaney mels, `power_to_db`, orthonormal DCT-II. */
export const LibrosaMfccSchema = Type.Object({
  kind: Type.Literal('librosa-mfcc'),
  ...Common,
  padding: Padding,
  numCoefficients: Type.Integer({ minimum: 2, maximum: 128 }),
  numMels: Type.Integer({ minimum: 8, maximum: 256 }),
});

/** torch.stft without centring, Hamming window, ln(1 + magnitude): KoSpeech's `spect`. */
export const SpectrogramSchema = Type.Object({
  kind: Type.Literal('spectrogram'),
  ...Common,
  /** `torch`: log1p of the magnitude, FFT as long as the window. `kaldi`: torchaudio.compliance.kaldi.spectrogram. */
  method: Type.Union([Type.Literal('torch'), Type.Literal('kaldi')]),
});

/** TensorFlow's audio_spectrogram and mfcc operations, as DeepSpeech and Coqui use them. */
export const CoquiMfccSchema = Type.Object({
  kind: Type.Literal('coqui-mfcc'),
  sampleRate: Type.Literal(16000),
  windowSamples: Type.Integer({ minimum: 64, maximum: 4096 }),
  stepSamples: Type.Integer({ minimum: 16, maximum: 4096 }),
  numMels: Type.Integer({ minimum: 8, maximum: 128 }),
  numCoefficients: Type.Integer({ minimum: 2, maximum: 128 }),
  /** Frames on each side that the acoustic model sees with each frame. */
  contextFrames: Type.Integer({ minimum: 0, maximum: 64 }),
});

export const FrontEndSchema = Type.Union([
  KaldiFbankSchema,
  LibrosaMelSchema,
  LibrosaMfccSchema,
  SpectrogramSchema,
  CoquiMfccSchema,
]);
