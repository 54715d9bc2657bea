import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MalgwiError } from '../../errors.js';
import type { Job } from '../../jobs/contract.js';
import { bearerToken, KeyRing } from '../auth.js';

/** Who asks. */
export interface Caller {
  /** What the jobs of this caller are marked with: of the key, from which the key cannot be told. */
  readonly owner: string;
  /** Sees everybody's. */
  readonly admin: boolean;
}

const ID = /^job_[0-9a-f]{32}$/;

/** Jobs are their owner's: those of others are answered as if they were not there. */
export class JobAccess {
  readonly #admin: KeyRing | undefined;

  constructor(private readonly app: FastifyInstance) {
    const { adminKey } = app.config.server;
    this.#admin = adminKey === undefined ? undefined : new KeyRing([adminKey]);
  }

  /** @throws MalgwiError invalid_api_key */
  caller(request: FastifyRequest): Caller {
    const key = bearerToken(request.headers.authorization);
    if (this.#admin?.accepts(key) === true) return { owner: ownerOf(key), admin: true };
    if (!this.app.apiKeys.accepts(key)) throw new MalgwiError('invalid_api_key');
    return { owner: this.app.apiKeys.open ? '' : ownerOf(key), admin: false };
  }

  /** @throws MalgwiError job_not_found */
  async job(request: FastifyRequest, id: string): Promise<Job> {
    const { owner, admin } = this.caller(request);
    const job = ID.test(id) ? await this.app.jobs.get(id) : undefined;
    if (job === undefined || (!admin && job.spec.owner !== owner)) throw new MalgwiError('job_not_found');
    return job;
  }
}

const ownerOf = (key: string | undefined): string =>
  createHash('sha256')
    .update(`malgwi owner ${key ?? ''}`)
    .digest('hex')
    .slice(0, 32);
