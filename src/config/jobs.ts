import { homedir } from 'node:os';
import { join } from 'node:path';
import Type from 'typebox';
import { HOUR, Integer, Name, Text, variable } from './variable.js';
import type { Variable } from './variable.js';

/** Where systems expect the data of a user's programs. */
const userData = (env: NodeJS.ProcessEnv): string =>
  join(
    env.XDG_DATA_HOME ||
      (process.platform === 'win32' && env.LOCALAPPDATA) ||
      join(homedir(), '.local/share'),
    'malgwi',
  );

/** Variables of jobs, their storage and their queue. */
export const JOB_VARIABLES: readonly Variable[] = [
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
    'MALGWI_STORAGE_BUCKET',
    'storage.s3Bucket',
    'text',
    Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$' }),
    undefined,
    'S3 bucket for audio and results, in place of the folder; needed where several machines work. Keys come from where the AWS SDK looks for them (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, profile, role of the machine).',
  ),
  variable(
    'MALGWI_STORAGE_ENDPOINT',
    'storage.s3Endpoint',
    'text',
    Type.String({ pattern: '^https?://[^/\\s@]+/?$' }),
    undefined,
    "Address of a service that speaks S3; Amazon's without it.",
  ),
  variable('MALGWI_STORAGE_REGION', 'storage.s3Region', 'text', Name, 'us-east-1', 'Region of the bucket.'),
  variable(
    'MALGWI_STORAGE_PREFIX',
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
];
