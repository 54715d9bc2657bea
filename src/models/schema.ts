/** Schema of `manifest.json`. docs/reference/model-package.md describes every field. */
import { Type, type Static } from 'typebox';
import { FrontEndSchema, LiveFrontEndSchema } from './schema-front-end.js';

const Count = Type.Integer({ minimum: 0, maximum: 1e12 });
const Finite = Type.Number({ minimum: -1e9, maximum: 1e9 });
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' });
/** One path component: a package is flat, so nothing in it can point outside. */
const FileName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });

const Interval = Type.Tuple([Type.Number({ minimum: 0 }), Type.Number({ minimum: 0 })]);
const MeasuredCer = Type.Object({
  cerNoSpaces: Type.Number({ minimum: 0 }),
  edits: Count,
  referenceCharacters: Count,
  utterances: Count,
  /** 95 %, of `cerNoSpaces`. */
  interval: Type.Optional(Interval),
});
const Label = Type.String({ maxLength: 128 });
/** What was measured besides error rates. */
const Measurements = Type.Object({
  /** Processing time by audio time on one core. */
  speed: Type.Optional(
    Type.Array(Type.Object({ kind: Label, realTimeFactor: Type.Number({ minimum: 0 }), audioSeconds: Finite }), {
      maxItems: 20,
    }),
  ),
  /** Shares of sentences that came out right at the end. */
  tasks: Type.Optional(
    Type.Array(Type.Object({ task: Label, condition: Label, right: Count, of: Count, interval: Interval }), {
      maxItems: 50,
    }),
  ),
  /** Syllables a minute written for sounds that are not speech of the language. */
  sounds: Type.Optional(
    Type.Array(
      Type.Object({
        kind: Label,
        sounds: Count,
        seconds: Finite,
        syllablesPerMinute: Type.Number({ minimum: 0 }),
        liveSyllablesPerMinute: Type.Number({ minimum: 0 }),
      }),
      { maxItems: 50 },
    ),
  ),
});

/**
 * A tensor that a graph hands from one call to the next: float32, all zeros at first, input `NAME`, output
 * `next_NAME`. `batch` is the axis of streams or hypotheses, `frames` the length of the encoder's output, `prefix`
 * an axis that starts at 0 and grows by 1 with each token (cached keys and values), `left` the encoder frames that a
 * live stream keeps (none for whole utterances).
 */
export const StateSchema = Type.Object({
  name: Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }),
  shape: Type.Array(
    Type.Union([
      Type.Integer({ minimum: 1, maximum: 1e6 }),
      Type.Literal('batch'),
      Type.Literal('frames'),
      Type.Literal('prefix'),
      Type.Literal('left'),
    ]),
    { minItems: 1, maxItems: 6 },
  ),
});
export type State = Static<typeof StateSchema>;

const GraphSchema = Type.Object({
  file: FileName,
  precision: Type.Union([Type.Literal('float32'), Type.Literal('float16'), Type.Literal('int8')]),
  states: Type.Optional(Type.Array(StateSchema, { maxItems: 64 })),
  /** Outputs of the encoder that a decoder step takes as they are, under the same names. */
  memory: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), { maxItems: 64 })),
});
export type Graph = Static<typeof GraphSchema>;

const Decoder = Type.Object({
  /** `coqui` is Coqui's own beam search, reproduced exactly. */
  method: Type.Union([Type.Literal('greedy'), Type.Literal('beam'), Type.Literal('coqui')]),
  beamWidth: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
  /** Natural logarithm by which a token may be less probable than the best class of its frame (CTC). */
  tokenReach: Type.Optional(Type.Number({ minimum: 1, maximum: 100 })),
  /** Exponent of the length by which the score of an attention hypothesis is divided. */
  lengthNormalization: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  /** Share of CTC in the score of a joint CTC and attention model. */
  ctcWeight: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  /** Tokens of one utterance at most, for attention models. */
  maxTokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000 })),
  /** Tokens of one encoder frame at most, for transducers. */
  maxTokensPerFrame: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  /** What becomes of jamo that form no syllable. */
  strayJamo: Type.Optional(
    Type.Union([Type.Literal('drop'), Type.Literal('compatibility'), Type.Literal('silent-onset')]),
  ),
  /** Word confidence = 1 / (1 + exp(-(scale * logit(raw) + offset))), fitted on a development set (Platt 1999). */
  confidence: Type.Optional(Type.Object({ scale: Finite, offset: Finite })),
  /** What is not taken for speech of the language: the utterance gets an empty text. Nothing is rejected without it. */
  rejection: Type.Optional(
    Type.Object({
      /** Least mean natural logarithm for a unit of the language model, for texts of `fromSyllables` and more. */
      minLanguageLogProb: Type.Optional(Type.Number({ minimum: -100, maximum: 0 })),
      fromSyllables: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      /** Least confidence times probability of speech, for texts of up to `toSyllables`. */
      minEvidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
      toSyllables: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    }),
  ),
});
export type RejectionRules = NonNullable<Static<typeof Decoder>['rejection']>;

const LanguageModel = Type.Object({
  file: FileName,
  /** `coqui-scorer`: KenLM binary and dictionary in one file. `kenlm`: KenLM binary. `arpa`: ARPA text. */
  format: Type.Union([Type.Literal('coqui-scorer'), Type.Literal('kenlm'), Type.Literal('arpa')]),
  /** What one "word" of the n-gram is. */
  unit: Type.Union([Type.Literal('word'), Type.Literal('character'), Type.Literal('jamo')]),
  /** Weight of the language model, and bonus for each of its units. A Coqui scorer brings its own. */
  alpha: Type.Optional(Finite),
  beta: Type.Optional(Finite),
  license: Type.Optional(Type.String({ maxLength: 500 })),
  sources: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 50 })),
});

/** How a CTC encoder is run over a live stream; frames are those of the encoder unless said otherwise. */
const Streaming = Type.Object({
  /** Frames by which one step moves on. */
  chunkFrames: Type.Integer({ minimum: 1, maximum: 1000 }),
  /** Further frames that a step sees, and that the next step computes again. */
  lookaheadFrames: Type.Integer({ minimum: 0, maximum: 1000 }),
  /** Cached frames that a step looks back at. */
  leftFrames: Type.Integer({ minimum: 0, maximum: 10000 }),
  /** Feature frames that two steps next to each other both need, besides the look-ahead. */
  overlapFrames: Type.Integer({ minimum: 0, maximum: 1000 }),
  /** Whether the final result of an utterance is decoded from all of it at once; otherwise it is the stream's. */
  secondPass: Type.Optional(Type.Boolean()),
  /** Output frames after which what the best text has begun with holds; without it, what all hypotheses agree on. */
  settleFrames: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  /** Overrides of the package's front end. */
  frontEnd: Type.Optional(LiveFrontEndSchema),
});
export type StreamingSizes = Static<typeof Streaming>;

export const ManifestSchema = Type.Object({
  schema: Type.Literal(1),
  name: Name,
  version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+([-+][0-9A-Za-z.-]{1,64})?$' }),
  language: Type.String({ minLength: 2, maxLength: 16 }),
  description: Type.String({ maxLength: 2000 }),
  /** The decoding family: which runtime runs it. */
  family: Type.Union([
    Type.Literal('ctc'),
    Type.Literal('attention'),
    Type.Literal('transducer'),
    Type.Literal('coqui'),
  ]),
  architecture: Type.Object({
    name: Type.String({ maxLength: 128 }),
    parameters: Count,
    layers: Type.Optional(Count),
    dimension: Type.Optional(Count),
    heads: Type.Optional(Count),
    units: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  frontEnd: FrontEndSchema,
  tokens: Type.Object({
    file: FileName,
    unit: Type.Union([
      Type.Literal('character'),
      Type.Literal('grapheme'),
      Type.Literal('syllable'),
      Type.Literal('subword'),
      Type.Literal('byte'),
    ]),
    /** Absent only for attention models without a CTC head. */
    blank: Type.Optional(Count),
    /** Start of the sentence: the first token an attention or transducer decoder is fed. */
    sos: Type.Optional(Count),
    eos: Type.Optional(Count),
    space: Type.String({ minLength: 1, maxLength: 16 }),
    compose: Type.Optional(Type.Union([Type.Literal('nfc'), Type.Literal('none')])),
  }),
  encoder: Type.Object({
    subsampling: Type.Integer({ minimum: 1, maximum: 64 }),
    /** Duration of one encoder frame, milliseconds. */
    frameMs: Type.Number({ minimum: 1, maximum: 1000 }),
    /** Feature frames that the graph needs at least, and takes at most. */
    minFrames: Type.Integer({ minimum: 1, maximum: 10000 }),
    maxFrames: Type.Integer({ minimum: 1, maximum: 100000 }),
    /** Whether a shorter utterance in a padded batch gives the same result as alone. */
    paddingSafe: Type.Boolean(),
    streaming: Type.Optional(Streaming),
  }),
  graphs: Type.Object({
    encoder: GraphSchema,
    /** Attention models: one step of the decoder. */
    decoder: Type.Optional(GraphSchema),
    /** Transducers: prediction network and joint network. */
    predictor: Type.Optional(GraphSchema),
    joiner: Type.Optional(GraphSchema),
  }),
  decoder: Decoder,
  languageModel: Type.Optional(LanguageModel),
  /** `pauses` (default): files are cut into utterances. `none`: a file is one utterance, as the original engine has it. */
  segmentation: Type.Optional(Type.Union([Type.Literal('pauses'), Type.Literal('none')])),
  files: Type.Record(
    FileName,
    Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), bytes: Count }),
    { additionalProperties: false },
  ),
  license: Type.Object({
    code: Type.Optional(Type.String({ maxLength: 200 })),
    weights: Type.String({ maxLength: 500 }),
    notes: Type.Optional(Type.String({ maxLength: 4000 })),
  }),
  training: Type.Object({
    data: Type.Array(
      Type.Object({
        name: Type.String({ maxLength: 200 }),
        hours: Type.Number({ minimum: 0 }),
        speakers: Type.Optional(Count),
        license: Type.String({ maxLength: 200 }),
      }),
      { maxItems: 100 },
    ),
    cost: Type.Optional(Type.String({ maxLength: 2000 })),
    recipe: Type.Optional(Type.String({ maxLength: 500 })),
  }),
  metrics: Type.Array(
    Type.Intersect([
      MeasuredCer,
      Type.Object({
        set: Type.String({ maxLength: 128 }),
        normalizer: Type.String({ maxLength: 128 }),
        decoding: Type.String({ maxLength: 128 }),
        /** Noise, telephone ...; the recordings as they are without it. */
        condition: Type.Optional(Label),
        bySubset: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), MeasuredCer)),
      }),
    ]),
    { maxItems: 100 },
  ),
  measurements: Type.Optional(Measurements),
});

/** Every file that a manifest of this schema refers to. */
export function filesOf(manifest: Static<typeof ManifestSchema>): string[] {
  const { encoder, decoder, predictor, joiner } = manifest.graphs;
  const graphs = [encoder, decoder, predictor, joiner].filter((graph) => graph !== undefined);
  return [
    manifest.tokens.file,
    ...graphs.map((graph) => graph.file),
    ...(manifest.languageModel === undefined ? [] : [manifest.languageModel.file]),
  ];
}
