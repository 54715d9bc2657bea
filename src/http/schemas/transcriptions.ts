import Type from 'typebox';
import { RESPONSE_FORMATS } from '../transcription/fields.js';

/** The form, for the API description; `src/http/transcription/fields.ts` reads and checks it. */
export const TranscriptionBodySchema = Type.Object({
  file: Type.Any({
    type: 'string',
    format: 'binary',
    description: 'flac, mp3, mp4, m4a, ogg, wav or webm, of any rate and channel count.',
  }),
  model: Type.Optional(
    Type.String({ description: 'Name or alias of an installed model; the default model without it.' }),
  ),
  language: Type.Optional(Type.String({ description: '`ko`, or absent.' })),
  prompt: Type.Optional(Type.String({ description: 'Accepted; CTC models have no use for it.' })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Accepted and echoed.' })),
  stream: Type.Optional(Type.Boolean({ default: false })),
  response_format: Type.Optional(
    Type.Union(
      RESPONSE_FORMATS.map((format) => Type.Literal(format)),
      { default: 'json' },
    ),
  ),
  'languages[]': Type.Optional(Type.Array(Type.String())),
  'keywords[]': Type.Optional(Type.Array(Type.String(), { maxItems: 100, description: 'Words to favour.' })),
  'include[]': Type.Optional(Type.Array(Type.Literal('logprobs'))),
  'timestamp_granularities[]': Type.Optional(
    Type.Array(Type.Union([Type.Literal('word'), Type.Literal('segment')])),
  ),
  chunking_strategy: Type.Optional(
    Type.Union([
      Type.Literal('auto'),
      Type.Object({
        type: Type.Literal('server_vad'),
        threshold: Type.Optional(Type.Number()),
        silence_duration_ms: Type.Optional(Type.Integer()),
        prefix_padding_ms: Type.Optional(Type.Integer()),
      }),
    ]),
  ),
});

const Usage = Type.Object({ type: Type.Literal('duration'), seconds: Type.Number() });

export const TranscriptionSchema = Type.Union([
  Type.Object(
    {
      text: Type.String(),
      logprobs: Type.Optional(
        Type.Array(
          Type.Object({ token: Type.String(), bytes: Type.Array(Type.Integer()), logprob: Type.Number() }),
        ),
      ),
      usage: Usage,
    },
    { description: 'json' },
  ),
  Type.Object(
    {
      task: Type.Literal('transcribe'),
      language: Type.String(),
      duration: Type.Number(),
      text: Type.String(),
      segments: Type.Optional(
        Type.Array(
          Type.Object({
            id: Type.Integer(),
            seek: Type.Integer(),
            start: Type.Number(),
            end: Type.Number(),
            text: Type.String(),
            tokens: Type.Array(Type.Integer()),
            temperature: Type.Number(),
            avg_logprob: Type.Number(),
            compression_ratio: Type.Number(),
            no_speech_prob: Type.Number(),
          }),
        ),
      ),
      words: Type.Optional(
        Type.Array(Type.Object({ word: Type.String(), start: Type.Number(), end: Type.Number() })),
      ),
      usage: Usage,
    },
    { description: 'verbose_json' },
  ),
]);
