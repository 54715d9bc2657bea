/** The one place that reads the environment. Everything else receives a {@link Config}. */
import { readFileSync } from 'node:fs';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import { Name, VARIABLES } from './config/variables.js';
import type { Kind, Variable } from './config/variables.js';
import { MalgwiError } from './errors.js';
import { VenueSchema } from './http/schemas/venue.js';
import type { Venue } from './intents/contract.js';

export interface Config {
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
    readonly logPretty: boolean;
    readonly apiKeys: readonly string[];
    readonly adminKey?: string;
    readonly trustProxy: readonly string[];
    readonly corsOrigins: readonly string[];
  };
  readonly models: {
    readonly dir: string;
    readonly default: string;
    /** Alias to model name; an empty name means the default model. */
    readonly aliases: Readonly<Record<string, string>>;
  };
  readonly workers: { readonly count: number; readonly queueLimit: number };
  readonly uploads: {
    readonly dir: string;
    readonly maxBytes: number;
    readonly maxSeconds: number;
    readonly timeoutMs: number;
    readonly maxActive: number;
  };
  /** Everything that outlives the process. */
  readonly data: { readonly dir: string };
  readonly storage: {
    readonly keepFreeBytes: number;
    readonly s3Bucket?: string;
    readonly s3Endpoint?: string;
    readonly s3Region: string;
    readonly s3Prefix: string;
  };
  readonly jobs: {
    readonly concurrency: number;
    readonly maxSeconds: number;
    readonly maxAttempts: number;
    readonly maxQueued: number;
    readonly resultExpirySeconds: number;
    readonly audioExpirySeconds: number;
    readonly maxBytes: number;
    readonly maxQueuedPerKey: number;
    readonly maxEventStreams: number;
    readonly maxUnfinishedUploads: number;
    readonly uploadExpirySeconds: number;
    readonly webhookSecret?: string;
  };
  /** Beside public ones, what addresses that clients name may lead to. */
  readonly net: { readonly allowed: readonly string[] };
  /** Without an address the jobs lie in the data folder. */
  readonly redis: {
    readonly url?: string;
    readonly prefix: string;
    readonly timeoutMs: number;
    readonly leaseMs: number;
  };
  readonly worker: { readonly port: number };
  readonly live: {
    readonly maxSessions: number;
    /** Without it a key has no limit of its own. */
    readonly maxSessionsPerKey?: number;
    readonly admission: 'measured' | 'fixed';
    readonly headroomPercent: number;
    readonly maxLagMs: number;
    readonly maxMessageBytes: number;
    readonly maxBacklogSeconds: number;
    readonly idleTimeoutMs: number;
    readonly helloTimeoutMs: number;
    readonly maxSessionSeconds: number;
    readonly resumeMs: number;
    readonly partialIntervalMs: number;
    readonly sendBufferBytes: number;
  };
  readonly venueFile?: string;
  /** What `venueFile` holds. */
  readonly venue?: Venue;
}

/** Values that win over the environment (command-line options, tests), group by group. */
export type ConfigOverrides = {
  readonly [Group in keyof Config]?: Config[Group] extends object | undefined
    ? Partial<Config[Group]>
    : Config[Group];
};

function parse(kind: Kind, text: string): unknown {
  switch (kind) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'boolean':
      if (/^(1|true|yes|on)$/i.test(text)) return true;
      return /^(0|false|no|off)$/i.test(text) ? false : text;
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'map':
      if (text === '-') return {};
      return Object.fromEntries(
        text.split(',').map((pair) => {
          const [alias = '', ...model] = pair.split('=');
          return [alias.trim(), model.join('=').trim()];
        }),
      );
    case 'text':
      return text;
  }
}

const EXPECTED: Record<Kind, string> = {
  text: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  list: 'a list separated by commas',
  map: 'alias=model pairs separated by commas',
};

/** One line on what is wrong with a value; never the value itself, which may be a secret. */
function complaint(variable: Variable, value: unknown): string | undefined {
  if (variable.kind === 'map') {
    const wrong = Object.entries(value as Record<string, string>).some(
      ([alias, model]) => !Value.Check(Name, alias) || (model !== '' && !Value.Check(Name, model)),
    );
    return wrong ? `${variable.env} must be ${EXPECTED.map}` : undefined;
  }
  if (Value.Check(variable.schema, value)) return undefined;
  const limits = variable.schema as { minimum?: number; maximum?: number; anyOf?: { const: string }[] };
  if (variable.kind === 'integer' && typeof value === 'number') {
    return `${variable.env} must be between ${limits.minimum} and ${limits.maximum}`;
  }
  if (limits.anyOf)
    return `${variable.env} must be one of ${limits.anyOf.map((option) => option.const).join(', ')}`;
  const [first] = Value.Errors(variable.schema, value);
  return `${variable.env} must be ${EXPECTED[variable.kind]}${first === undefined ? '' : ` (${first.message})`}`;
}

function loadVenue(file: string, problems: string[]): Venue | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    problems.push('MALGWI_VENUE_FILE cannot be read as JSON');
    return undefined;
  }
  if (Value.Check(VenueSchema, value)) return value as Static<typeof VenueSchema> as Venue;
  const [first] = Value.Errors(VenueSchema, value);
  problems.push(
    `MALGWI_VENUE_FILE is not a venue: ${first?.instancePath || 'the file'} ${first?.message ?? ''}`.trim(),
  );
  return undefined;
}

/**
 * Reads the configuration.
 * @param env the environment; empty variables count as absent
 * @param overrides values that win over it
 * @throws MalgwiError config_invalid, naming every wrong variable at once (unknown MALGWI_ names included)
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, overrides: ConfigOverrides = {}): Config {
  const problems: string[] = [];
  const known = new Set(VARIABLES.map((entry) => entry.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith('MALGWI_') && !known.has(name))
      problems.push(`${name} is not a variable of this service`);
  }
  const result: Record<string, unknown> = {};
  for (const entry of VARIABLES) {
    const [group, key] = entry.path.split('.') as [string, string?];
    const text = env[entry.env]?.trim() ?? '';
    const given = (overrides as Record<string, unknown>)[group];
    const override = key === undefined ? given : (given as Record<string, unknown> | undefined)?.[key];
    const value = override ?? (text === '' ? entry.fallback(env) : parse(entry.kind, text));
    if (value === undefined) continue;
    const problem = complaint(entry, value);
    if (problem !== undefined) problems.push(problem);
    if (key === undefined) result[group] = value;
    else ((result[group] ??= {}) as Record<string, unknown>)[key] = value;
  }
  const config = result as unknown as Config;
  const venue =
    overrides.venue ?? (config.venueFile === undefined ? undefined : loadVenue(config.venueFile, problems));
  if (problems.length > 0) {
    throw new MalgwiError('config_invalid', {
      detail: `The configuration is not valid: ${problems.join('; ')}.`,
    });
  }
  return venue === undefined ? config : { ...config, venue: venue as Venue };
}
