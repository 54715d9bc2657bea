import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Type from 'typebox';
import type { TSchema } from 'typebox';

const Integer = (minimum: number, maximum: number): TSchema => Type.Integer({ minimum, maximum });
const Text = Type.String({ minLength: 1, maxLength: 4096 });
const Key = Type.String({ minLength: 8, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' });
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

const variable = (
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

const HOUR = 3600;
const packagedModels = (): string => fileURLToPath(new URL('../../models', import.meta.url));

/** Where systems expect the data of a user's programs. */
const userData = (env: NodeJS.ProcessEnv): string =>
  join(
    env.XDG_DATA_HOME ||
      (process.platform === 'win32' && env.LOCALAPPDATA) ||
      join(homedir(), '.local/share'),
    'malgwi',
  );

/** Every variable the service reads. docs/reference/configuration.md is generated from this table. */
export const VARIABLES: readonly Variable[] = [
  variable(
    'HOST',
    'server.host',
    'text',
    Text,
    '127.0.0.1',
    'Address to listen on. Only this machine by default, because no key is required by default; set `0.0.0.0` (with `MALGWI_API_KEYS`) to serve others.',
  ),
  variable(
    'PORT',
    'server.port',
    'integer',
    Integer(0, 65535),
    3000,
    'Port to listen on; 0 takes any free one.',
  ),
  variable(
    'MALGWI_LOG_LEVEL',
    'server.logLevel',
    'text',
    Type.Union(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)),
    ),
    'info',
    'Least severity that is logged: fatal, error, warn, info, debug, trace or silent. Transcripts and keys are never logged, at any level.',
  ),
  variable(
    'MALGWI_LOG_PRETTY',
    'server.logPretty',
    'boolean',
    Type.Boolean(),
    false,
    'Log for people instead of JSON lines.',
  ),
  variable(
    'MALGWI_API_KEYS',
    'server.apiKeys',
    'list',
    Type.Array(Key, { maxItems: 256 }),
    [],
    'Keys of the API, separated by commas, 8 to 512 printable characters each. Without any, the API is open.',
  ),
  variable(
    'MALGWI_ADMIN_KEY',
    'server.adminKey',
    'text',
    Key,
    undefined,
    'Key of `POST /v1/evaluations` and of `/metrics`. Without it the first takes an API key (or none, if there is none) and the second is open.',
  ),
  variable(
    'MALGWI_TRUST_PROXY',
    'server.trustProxy',
    'list',
    Type.Array(Text, { maxItems: 64 }),
    [],
    'Addresses or ranges of reverse proxies whose `X-Forwarded-*` headers are believed, separated by commas.',
  ),
  variable(
    'MALGWI_CORS_ORIGINS',
    'server.corsOrigins',
    'list',
    Type.Array(Type.String({ pattern: '^(\\*|https?://[^/\\s]+)$' }), { maxItems: 64 }),
    [],
    'Origins of pages that may call the API from a browser, separated by commas; `*` for every one. CORS is off without any.',
  ),
  variable(
    'MALGWI_MODELS_DIR',
    'models.dir',
    'text',
    Text,
    packagedModels,
    'Folder of model packages, one folder each.',
    "the package's own `models/`",
  ),
  variable(
    'MALGWI_DEFAULT_MODEL',
    'models.default',
    'text',
    Name,
    'malgwi-ko',
    'Model of requests that name none.',
  ),
  variable(
    'MALGWI_MODEL_ALIASES',
    'models.aliases',
    'map',
    Type.Record(Type.String(), Name),
    (): Record<string, string> => ({ 'whisper-1': '' }),
    'Further names of models, `alias=model` separated by commas; an empty model means the default one. Set to `-` for no alias.',
    '`whisper-1=`',
  ),
  variable(
    'MALGWI_WORKERS',
    'workers.count',
    'integer',
    Integer(1, 256),
    () => Math.max(1, availableParallelism()),
    'Worker threads that recognise.',
    'one per core',
  ),
  variable(
    'MALGWI_QUEUE_LIMIT',
    'workers.queueLimit',
    'integer',
    Integer(1, 100_000),
    64,
    'Requests that may wait for a worker; the next one is answered with `queue_full`.',
  ),
  variable(
    'MALGWI_UPLOAD_DIR',
    'uploads.dir',
    'text',
    Text,
    tmpdir,
    'Folder in which the service makes a folder of its own, readable by nobody else, for uploads while they are worked on. It is removed at the end.',
    'the temporary folder of the system',
  ),
  variable(
    'MALGWI_UPLOAD_MAX_BYTES',
    'uploads.maxBytes',
    'integer',
    Integer(1024, 2 ** 40),
    2 ** 30,
    'Largest upload; a larger one is answered with `file_too_large`.',
    '1073741824 (1 GiB)',
  ),
  variable(
    'MALGWI_UPLOAD_MAX_SECONDS',
    'uploads.maxSeconds',
    'integer',
    Integer(1, 1000 * HOUR),
    4 * HOUR,
    'Longest audio of an upload; a longer one is answered with `audio_too_long`.',
    '14400 (4 hours)',
  ),
  variable(
    'MALGWI_UPLOAD_TIMEOUT_MS',
    'uploads.timeoutMs',
    'integer',
    Integer(1000, 24 * HOUR * 1000),
    30 * 60_000,
    'Longest time of one transcription request, upload included; then `timeout`.',
    '1800000 (30 minutes)',
  ),
  variable(
    'MALGWI_UPLOAD_MAX_ACTIVE',
    'uploads.maxActive',
    'integer',
    Integer(1, 100_000),
    64,
    'Transcription requests in work or being received at a time; the next one is answered with `queue_full` before its body is read.',
  ),
  variable(
    'MALGWI_DATA_DIR',
    'data.dir',
    'text',
    Text,
    userData,
    'Folder of everything that outlives the process: jobs, their audio and results, unfinished uploads. Readable by this user only.',
    '`~/.local/share/malgwi` (below `XDG_DATA_HOME` where that is set)',
  ),
  variable(
    'MALGWI_STORAGE_KEEP_FREE_BYTES',
    'storage.keepFreeBytes',
    'integer',
    Integer(0, 2 ** 50),
    512 * 2 ** 20,
    'Bytes of the disk that stay free; a file that would take them is answered with `storage_full`.',
    '536870912 (512 MiB)',
  ),
  variable(
    'MALGWI_STORAGE_S3_BUCKET',
    'storage.s3Bucket',
    'text',
    Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$' }),
    undefined,
    'S3 bucket for audio and results, in place of the folder; needed where several machines work. Keys come from where the AWS SDK looks for them (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, profile, role of the machine).',
  ),
  variable(
    'MALGWI_STORAGE_S3_ENDPOINT',
    'storage.s3Endpoint',
    'text',
    Type.String({ pattern: '^https?://[^/\\s@]+/?$' }),
    undefined,
    "Address of a service that speaks S3; Amazon's without it.",
  ),
  variable(
    'MALGWI_STORAGE_S3_REGION',
    'storage.s3Region',
    'text',
    Name,
    'us-east-1',
    'Region of the bucket.',
  ),
  variable(
    'MALGWI_STORAGE_S3_PREFIX',
    'storage.s3Prefix',
    'text',
    Type.String({ pattern: '^[A-Za-z0-9._/-]{0,200}$' }),
    'malgwi',
    'What keys in the bucket begin with.',
  ),
  variable(
    'MALGWI_JOBS_MAX_BYTES',
    'jobs.maxBytes',
    'integer',
    Integer(1024, 2 ** 43),
    8 * 2 ** 30,
    'Largest file of a job, uploaded or fetched; a larger one is answered with `file_too_large`.',
    '8589934592 (8 GiB)',
  ),
  variable(
    'MALGWI_JOBS_MAX_QUEUED_PER_KEY',
    'jobs.maxQueuedPerKey',
    'integer',
    Integer(1, 10_000_000),
    20_000,
    'Jobs that may wait for each API key; the next one is answered with `job_queue_full`.',
  ),
  variable(
    'MALGWI_JOBS_MAX_EVENT_STREAMS',
    'jobs.maxEventStreams',
    'integer',
    Integer(1, 100_000),
    1000,
    'Clients that may follow the events of jobs at a time; the next one is answered with `queue_full`.',
  ),
  variable(
    'MALGWI_JOBS_MAX_UNFINISHED_UPLOADS',
    'jobs.maxUnfinishedUploads',
    'integer',
    Integer(1, 100_000),
    1000,
    'Resumable uploads that may be unfinished at a time; the next one is answered with `queue_full`.',
  ),
  variable(
    'MALGWI_JOBS_UPLOAD_EXPIRY_SECONDS',
    'jobs.uploadExpirySeconds',
    'integer',
    Integer(60, 1000 * HOUR),
    24 * HOUR,
    'How long a resumable upload may take, and how long a complete one waits for its job; then it is removed.',
    '86400 (24 hours)',
  ),
  variable(
    'MALGWI_WEBHOOK_SECRET',
    'jobs.webhookSecret',
    'text',
    Type.String({ pattern: '^(whsec_)?[A-Za-z0-9+/]{32,128}={0,2}$' }),
    undefined,
    'Secret that webhooks are signed with, as Standard Webhooks has it: `whsec_` and at least 24 random bytes in base64. Without it, jobs with a webhook are refused.',
  ),
  variable(
    'MALGWI_ALLOW_PRIVATE_ADDRESSES',
    'net.allowed',
    'list',
    Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]+(/\\d{1,3})?$' }), { maxItems: 64 }),
    [],
    'Addresses and ranges (`10.1.2.3`, `10.0.0.0/8`) beside the public ones that URLs of jobs and webhooks may lead to, separated by commas.',
  ),
  variable(
    'REDIS_URL',
    'redis.url',
    'text',
    Type.String({ pattern: '^rediss?://[^\\s]+$', maxLength: 2048 }),
    undefined,
    'Redis that keeps the jobs, so that other machines can work on them (`malgwi worker`): `redis://user:password@host:port/database`, or `rediss://` for TLS. Without it the jobs lie in `MALGWI_DATA_DIR`.',
  ),
  variable(
    'MALGWI_REDIS_PREFIX',
    'redis.prefix',
    'text',
    Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
    'malgwi',
    'Namespace of the keys in Redis. Services and workers that share it share their jobs.',
  ),
  variable(
    'MALGWI_REDIS_TIMEOUT_MS',
    'redis.timeoutMs',
    'integer',
    Integer(100, 60_000),
    3000,
    'How long a request waits for Redis; then `job_queue_unavailable`.',
  ),
  variable(
    'MALGWI_REDIS_LEASE_MS',
    'redis.leaseMs',
    'integer',
    Integer(1000, HOUR * 1000),
    30_000,
    'A job whose worker has said nothing to Redis for this long is given to another one.',
    '30000 (30 seconds)',
  ),
  variable(
    'MALGWI_WORKER_PORT',
    'worker.port',
    'integer',
    Integer(0, 65535),
    3001,
    'Port of `/healthz`, `/readyz` and `/metrics` of `malgwi worker`; 0 takes any free one. The address is `HOST`.',
  ),
  variable(
    'MALGWI_LIVE_MAX_SESSIONS',
    'live.maxSessions',
    'integer',
    Integer(0, 100_000),
    32,
    'Live sessions at a time; the next one is answered with `too_many_sessions`.',
  ),
  variable(
    'MALGWI_LIVE_MAX_MESSAGE_BYTES',
    'live.maxMessageBytes',
    'integer',
    Integer(1024, 2 ** 28),
    2 ** 20,
    'Largest WebSocket message; a larger one closes with `message_too_large`.',
    '1048576 (1 MiB)',
  ),
  variable(
    'MALGWI_LIVE_MAX_BACKLOG_SECONDS',
    'live.maxBacklogSeconds',
    'integer',
    Integer(1, 600),
    30,
    'Seconds of audio that may wait for recognition in one session; then `audio_backlog_full`.',
  ),
  variable(
    'MALGWI_LIVE_IDLE_TIMEOUT_MS',
    'live.idleTimeoutMs',
    'integer',
    Integer(100, HOUR * 1000),
    30_000,
    'A session without audio or message for so long is closed with `session_idle`.',
  ),
  variable(
    'MALGWI_LIVE_HELLO_TIMEOUT_MS',
    'live.helloTimeoutMs',
    'integer',
    Integer(50, 600_000),
    10_000,
    'Time for the first message; then `hello_timeout`.',
  ),
  variable(
    'MALGWI_LIVE_MAX_SESSION_SECONDS',
    'live.maxSessionSeconds',
    'integer',
    Integer(1, 1000 * HOUR),
    4 * HOUR,
    'Longest session; then `session_too_long`.',
    '14400 (4 hours)',
  ),
  variable(
    'MALGWI_LIVE_RESUME_MS',
    'live.resumeMs',
    'integer',
    Integer(0, HOUR * 1000),
    30_000,
    'A resumable session whose connection broke waits so long to be taken up again.',
  ),
  variable(
    'MALGWI_LIVE_PARTIAL_INTERVAL_MS',
    'live.partialIntervalMs',
    'integer',
    Integer(20, 10_000),
    250,
    'Shortest time between two partials of an utterance, in milliseconds of audio.',
  ),
  variable(
    'MALGWI_LIVE_SEND_BUFFER_BYTES',
    'live.sendBufferBytes',
    'integer',
    Integer(4096, 2 ** 28),
    2 ** 20,
    'Bytes of events that may wait for a client to read them; then `slow_reader`.',
    '1048576 (1 MiB)',
  ),
  variable(
    'MALGWI_VENUE_FILE',
    'venueFile',
    'text',
    Text,
    undefined,
    'JSON file of the venue (seats, rooms, rules) that intents are checked against when a request names none.',
  ),
];
