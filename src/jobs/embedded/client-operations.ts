/** What those ask for who submit, look and cancel. Every method is one change: it happens as a whole or not at all. */
import { MalgwiError } from '../../errors.js';
import {
  JOB_STATES,
  TERMINAL_STATES,
  type Job,
  type JobEvent,
  type JobPage,
  type JobQuery,
  type JobState,
  type NewJob,
  type QueueStats,
  type Waiting,
} from '../contract.js';
import { cursorOf, seqOf } from '../cursor.js';
import { PRIORITY, toJob, type JobRow } from './rows.js';
import type { JobTable } from './table.js';

export class ClientOperations {
  constructor(private readonly table: JobTable) {}

  submit(now: number, job: NewJob, maxQueued: number): { readonly job: Job; readonly created: boolean } {
    const { table } = this;
    const { id, spec, idempotencyKey, fingerprint = '', maxQueuedOfOwner } = job;
    const same = table.job(id);
    if (same !== undefined) return { job: toJob(same), created: false };
    if (idempotencyKey !== undefined) {
      const known = table.first<JobRow>(
        'SELECT * FROM jobs WHERE owner = ? AND idempotency_key = ?',
        spec.owner,
        idempotencyKey,
      );
      if (known !== undefined) {
        if (known.fingerprint !== fingerprint) throw new MalgwiError('idempotency_mismatch');
        return { job: toJob(known), created: false };
      }
    }
    const ofOwner = 'owner = ? AND state = ?';
    if (
      this.#count('state = ?', 'queued') >= maxQueued ||
      (maxQueuedOfOwner !== undefined && this.#count(ofOwner, spec.owner, 'queued') >= maxQueuedOfOwner)
    ) {
      throw new MalgwiError('job_queue_full', { retryAfter: 60 });
    }
    table.run(
      `INSERT INTO jobs (id, owner, state, priority, spec, idempotency_key, fingerprint, created_at, queued_at, turn)
      VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?)`,
      id,
      spec.owner,
      PRIORITY[spec.priority],
      JSON.stringify(spec),
      idempotencyKey ?? null,
      fingerprint,
      now,
      now,
      table.nextTurn(),
    );
    table.event(table.job(id)!.seq, 'queued', now);
    return { job: toJob(table.job(id)!), created: true };
  }

  get(id: string): Job | undefined {
    const row = this.table.job(id);
    return row === undefined ? undefined : toJob(row);
  }

  waiting(now: number, id: string): Waiting | undefined {
    const row = this.table.job(id);
    if (row?.state !== 'queued') return undefined;
    const ahead = this.table.first<{ n: number }>(
      `SELECT count(*) AS n FROM jobs WHERE state = 'queued' AND due_at <= ?
        AND (priority < ? OR (priority = ? AND turn < ?))`,
      now,
      row.priority,
      row.priority,
      row.turn,
    )!.n;
    return { ahead };
  }

  list({ states, owner, cursor, limit }: JobQuery): JobPage {
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : seqOf(cursor);
    const everything = states === undefined || JOB_STATES.every((state) => states.includes(state));
    // One query for each state: each reads its index backwards, and no more of it than the page has.
    const found = (everything ? [undefined] : [...new Set(states)]).flatMap((state) => {
      const conditions = [
        ...(owner === undefined ? [] : [['owner = ?', owner] as const]),
        ...(state === undefined ? [] : [['state = ?', state] as const]),
        ['seq < ?', before] as const,
      ];
      return this.table.all<JobRow>(
        `SELECT * FROM jobs WHERE ${conditions.map(([text]) => text).join(' AND ')} ORDER BY seq DESC LIMIT ?`,
        ...conditions.map(([, value]) => value),
        limit + 1,
      );
    });
    const rows = found.sort((a, b) => b.seq - a.seq);
    const page = rows.slice(0, limit);
    return {
      jobs: page.map(toJob),
      ...(rows.length > limit ? { cursor: cursorOf(page.at(-1)!.seq) } : {}),
    };
  }

  /** @returns the job, and whether this was its end */
  cancel(now: number, id: string): { readonly job: Job; readonly ended: boolean } {
    const row = this.#existing(id);
    if (TERMINAL_STATES.includes(row.state)) return { job: toJob(row), ended: false };
    this.table.finish(row.seq, 'cancelled', now);
    return { job: toJob(this.table.row(row.seq)), ended: true };
  }

  retry(now: number, id: string): Job {
    const { table } = this;
    const { seq, state } = this.#existing(id);
    if (state !== 'failed' && state !== 'cancelled') throw new MalgwiError('job_not_retryable');
    table.run(
      `UPDATE jobs SET state = 'queued', generation = generation + 1, queued_at = ?, turn = ?, due_at = 0, started_at = NULL,
        finished_at = NULL, attempts = 0, failures = 0, crashes = 0, resumed = 0, error = NULL, result_key = NULL,
        notice_state = NULL, notice_attempts = 0, notice_outcome = NULL, notice_due = NULL, notice_lease = NULL
      WHERE seq = ?`,
      now,
      table.nextTurn(),
      seq,
    );
    table.event(seq, 'queued', now);
    return toJob(table.row(seq));
  }

  remove(id: string): void {
    const row = this.#existing(id);
    if (!TERMINAL_STATES.includes(row.state)) throw new MalgwiError('job_not_finished');
    this.table.run('DELETE FROM jobs WHERE seq = ?', row.seq);
  }

  events(id: string, after: number): { readonly state: JobState; readonly events: JobEvent[] } | undefined {
    const row = this.table.job(id);
    if (row === undefined) return undefined;
    const rows = this.table.all<{ event: string }>(
      'SELECT event FROM events WHERE job = ? AND number > ? ORDER BY number',
      row.seq,
      after,
    );
    return { state: row.state, events: rows.map(({ event }) => JSON.parse(event) as JobEvent) };
  }

  expired(endedBefore: number, limit: number): Job[] {
    const sql = 'SELECT * FROM jobs WHERE finished_at < ? ORDER BY finished_at LIMIT ?';
    return this.table.all<JobRow>(sql, endedBefore, limit).map(toJob);
  }

  stats(now: number): QueueStats {
    const counts = this.table.all<{ state: JobState; n: number }>(
      'SELECT state, count(*) AS n FROM jobs GROUP BY state',
    );
    const oldest = this.table.first<{ since: number | null }>(
      `SELECT min(queued_at) AS since FROM jobs WHERE state = 'queued'`,
    )!.since;
    return {
      byState: Object.fromEntries(
        JOB_STATES.map((state) => [state, counts.find((count) => count.state === state)?.n ?? 0]),
      ) as Record<JobState, number>,
      oldestQueuedSeconds: oldest === null ? 0 : Math.max(0, (now - oldest) / 1000),
      pendingNotifications: this.#count('notice_state = ?', 'pending'),
    };
  }

  #existing(id: string): JobRow {
    const row = this.table.job(id);
    if (row === undefined) throw new MalgwiError('job_not_found');
    return row;
  }

  #count(condition: string, ...values: string[]): number {
    return this.table.first<{ n: number }>(`SELECT count(*) AS n FROM jobs WHERE ${condition}`, ...values)!.n;
  }
}
