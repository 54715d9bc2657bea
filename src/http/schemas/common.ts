import Type from 'typebox';
import type { TSchema } from 'typebox';
import { ERRORS } from '../../errors.js';

/** One of some words, as `enum`: readers of the description show that as a choice, a union of constants they do not. */
export const oneOf = (values: readonly string[], options: object = {}): TSchema =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], ...options });

/** The body of every error. */
export const ErrorSchema = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.String(),
      param: Type.Union([Type.String(), Type.Null()]),
      code: oneOf(Object.keys(ERRORS), { description: 'See docs/reference/errors.md.' }),
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
