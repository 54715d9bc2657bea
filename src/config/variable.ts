import Type from 'typebox';
import type { TSchema } from 'typebox';

export const Integer = (minimum: number, maximum: number): TSchema => Type.Integer({ minimum, maximum });
export const Text = Type.String({ minLength: 1, maxLength: 4096 });
export const Key = Type.String({ minLength: 8, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' });
export const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });

export type Kind = 'text' | 'integer' | 'boolean' | 'list' | 'map';

export interface Variable {
  readonly env: string;
  /** Where the value goes: `group.key`, or `key`. */
  readonly path: string;
  readonly kind: Kind;
  readonly schema: TSchema;
  /** Used when the variable is absent or empty. */
  readonly fallback: (env: NodeJS.ProcessEnv) => unknown;
  /** The default as the reference page shows it. */
  readonly shown: string;
  readonly about: string;
}

export const variable = (
  env: string,
  path: string,
  kind: Kind,
  schema: TSchema,
  fallback: unknown,
  about: string,
  shown?: string,
): Variable => ({
  env,
  path,
  kind,
  schema,
  fallback: typeof fallback === 'function' ? (fallback as Variable['fallback']) : (): unknown => fallback,
  shown: shown ?? (Array.isArray(fallback) || fallback === undefined ? 'none' : String(fallback)),
  about,
});

export const HOUR = 3600;
