/** What app.ts hangs on the Fastify instance for its routes. */
import type { Config } from '../config.js';
import type { JobQueue } from '../jobs/contract.js';
import type { Metrics } from '../metrics/index.js';
import type { GuardedHttp } from '../net/fetch.js';
import type { Recognizer } from '../recognition/contract.js';
import type { ResumableUploads } from '../resumable/index.js';
import type { ObjectStorage } from '../storage/contract.js';
import type { Hypotheses } from './hypotheses.js';
import type { KeyRing } from './auth.js';
import type { UploadStore } from './uploads.js';

declare module 'fastify' {
  interface FastifyInstance {
    readonly config: Config;
    readonly recognizer: Recognizer;
    readonly metrics: Metrics;
    /** Keys of the API; live protocols, whose clients send keys in other ways, ask it too. */
    readonly apiKeys: KeyRing;
    readonly hypotheses: Hypotheses;
    readonly uploads: UploadStore;
    /** Where jobs are offered. */
    readonly jobs: JobQueue;
    readonly storage: ObjectStorage;
    readonly resumable: ResumableUploads;
    /** For addresses that clients name. */
    readonly net: GuardedHttp;
    /** Aborts when the service closes and the time for requests at work is over. */
    readonly closing: AbortSignal;
  }
  interface FastifyContextConfig {
    /** Schema of a multipart body, for the API description only (the route checks it itself). */
    multipartBody?: object;
  }
}
