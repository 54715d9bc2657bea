import Type from 'typebox';
import type { TSchema } from 'typebox';
import { ERRORS } from '../../errors.js';

/** The body of every error. */
export const ErrorSchema = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.String(),
      param: Type.Union([Type.String(), Type.Null()]),
      code: Type.Union(
        Object.keys(ERRORS).map((code) => Type.Literal(code)),
        { description: 'See docs/reference/errors.md.' },
      ),
    }),
  },
  { description: 'An error, in the shape of OpenAI.' },
);

/** Responses of a route: what it answers, and the errors. */
export const responses = (success: TSchema): Record<string, TSchema> => ({
  200: success,
  '4xx': ErrorSchema,
  '5xx': ErrorSchema,
});
