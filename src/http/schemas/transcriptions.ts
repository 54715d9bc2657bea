import Type from 'typebox';
import { CHUNKING, MAX_KEYWORD, MAX_KEYWORDS, MAX_PROMPT, SEARCH } from '../forms/recognition.js';
import { RESPONSE_FORMATS } from '../transcription/fields.js';
import { oneOf } from './common.js';

const between = ({ range: [minimum, maximum] }: { readonly range: readonly [number, number] }) =>
  Type.Number({ minimum, maximum });

const setting = (name: keyof typeof SEARCH, description: string) =>
  Type.String({ default: '', description: `${description} From ${SEARCH[name].range.join(' to ')}.` });

/**
 * The form, for the API description; `src/http/transcription/fields.ts` reads and checks it. The page at /docs fills its
 * form from the defaults here: with them, choosing a file is all that a first try needs.
 */
export const TranscriptionBodySchema = Type.Object({
  file: Type.Any({
    type: 'string',
    format: 'binary',
    description: 'flac, mp3, mp4, m4a, ogg, wav or webm, of any rate and channel count.',
  }),
  model: Type.Optional(
    Type.String({
      default: '',
      description: 'Name or alias of an installed model; the default model without it.',
    }),
  ),
  language: Type.Optional(oneOf(['ko'], { description: '`ko`, or absent.' })),
  prompt: Type.Optional(
    Type.String({
      default: '',
      maxLength: MAX_PROMPT,
      description: 'Accepted, and not used: `keywords[]` is what the search listens for.',
    }),
  ),
  temperature: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Accepted and echoed.' }),
  ),
  stream: Type.Optional(
    Type.Boolean({ default: false, description: 'Answer with server-sent events, utterance by utterance.' }),
  ),
  response_format: Type.Optional(oneOf(RESPONSE_FORMATS, { default: 'json' })),
  'languages[]': Type.Optional(
    Type.Array(oneOf(['ko']), { default: [], description: 'Must hold `ko`, or be absent.' }),
  ),
  'keywords[]': Type.Optional(
    Type.Array(Type.String({ maxLength: MAX_KEYWORD + 16 }), {
      default: [],
      maxItems: MAX_KEYWORDS,
      description:
        'Words and phrases to favour, or with a negative weight to avoid: `word` or `word:weight`.',
    }),
  ),
  // Numbers, described as text: the page would fill a number's field in with 0, which means something here.
  beam_width: Type.Optional(
    setting('beam_width', "Hypotheses that the search holds; the package's own number without it."),
  ),
  alternatives: Type.Optional(
    setting(
      'alternatives',
      'Hypotheses of each segment, the best included. With `response_format` `verbose_json`.',
    ),
  ),
  lm_alpha: Type.Optional(setting('lm_alpha', "Weight of the language model, in place of the package's.")),
  lm_beta: Type.Optional(
    setting('lm_beta', "Bonus for each unit of the language model, in place of the package's."),
  ),
  'include[]': Type.Optional(
    Type.Array(oneOf(['logprobs']), { default: [], description: 'With `response_format` `json`.' }),
  ),
  'timestamp_granularities[]': Type.Optional(
    Type.Array(oneOf(['word', 'segment']), {
      default: [],
      description: 'With `response_format` `verbose_json`; `segment` without it.',
    }),
  ),
  chunking_strategy: Type.Optional(
    Type.Union(
      [
        oneOf(['auto']),
        Type.Object({
          type: oneOf(['server_vad']),
          threshold: Type.Optional(between(CHUNKING.threshold)),
          silence_duration_ms: Type.Optional(between(CHUNKING.silence_duration_ms)),
          prefix_padding_ms: Type.Optional(between(CHUNKING.prefix_padding_ms)),
        }),
      ],
      { default: 'auto', description: 'Where to cut at pauses.' },
    ),
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
            alternatives: Type.Optional(
              Type.Array(Type.Object({ text: Type.String(), confidence: Type.Number() })),
            ),
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
