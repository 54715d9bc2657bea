/** What those ask for who do the work. Every method is one change: it happens as a whole or not at all. */
import { MalgwiError, type PlainError } from '../../errors.js';
import type { Checkpoint, Job, JobProgress } from '../contract.js';
import { backOff, MAX_CRASHES } from '../policy.js';
import { toJob, type JobRow } from './rows.js';
import type { JobTable } from './table.js';

export interface TakenJob {
  readonly job: Job;
  readonly lease: string;
}

export interface TakenNotice {
  readonly job: Job;
  readonly messageId: string;
  readonly lease: string;
}

export interface Taken<T> {
  readonly taken: readonly T[];
  /** When there may be more, if nothing else happens. */
  readonly nextAt?: number;
}

const CRASHED: PlainError = { code: 'worker_crashed', message: 'The process that held this job died.' };

export class WorkerOperations {
  #leases = 0;

  /** @param run names this process in its leases */
  constructor(
    private readonly table: JobTable,
    private readonly run: string,
  ) {}

  /**
   * At the start of a process: what another one held is free again. A job whose holders die again and again, without getting on,
   * is taken for the cause.
   */
  recover(now: number): void {
    const { table } = this;
    for (const row of table.all<JobRow>(`SELECT * FROM jobs WHERE state = 'active'`)) {
      if (row.crashes + 1 >= MAX_CRASHES) {
        table.finish(row.seq, 'failed', now, CRASHED);
        continue;
      }
      table.run(
        `UPDATE jobs SET state = 'queued', queued_at = ?, crashes = crashes + 1, lease = NULL, error = ? WHERE seq = ?`,
        now,
        JSON.stringify(CRASHED),
        row.seq,
      );
      table.event(row.seq, 'retrying', now, CRASHED);
    }
    table.run(`UPDATE jobs SET notice_lease = NULL, notice_due = ? WHERE notice_lease IS NOT NULL`, now);
  }

  take(now: number, limit: number): Taken<TakenJob> {
    const { table } = this;
    const rows = table.all<JobRow>(
      `SELECT * FROM jobs WHERE state = 'queued' AND due_at <= ? ORDER BY priority, turn LIMIT ?`,
      now,
      limit,
    );
    const taken = rows.map(({ seq }) => {
      const lease = `${this.run}.${++this.#leases}`;
      table.run(
        `UPDATE jobs SET state = 'active', lease = ?, attempts = attempts + 1 - resumed, resumed = 0, due_at = 0, error = NULL,
          started_at = coalesce(started_at, ?) WHERE seq = ?`,
        lease,
        now,
        seq,
      );
      table.event(seq, 'started', now);
      return { job: toJob(table.row(seq)), lease };
    });
    return this.#until(
      taken,
      `SELECT min(due_at) AS at FROM jobs WHERE state = 'queued' AND due_at > ?`,
      now,
    );
  }

  checkpoints(id: string, lease: string): Checkpoint[] {
    const { seq } = this.#held(id, lease);
    return this.table
      .all<{ piece: string }>('SELECT piece FROM checkpoints WHERE job = ? ORDER BY number', seq)
      .map(({ piece }) => JSON.parse(piece) as Checkpoint);
  }

  /** @returns whether a job waits that goes before this one, or beside it */
  save(now: number, id: string, lease: string, progress: JobProgress, piece?: Checkpoint): boolean {
    const { table } = this;
    const { seq, priority } = this.#held(id, lease);
    if (piece !== undefined) {
      const count = table.first<{ n: number }>('SELECT count(*) AS n FROM checkpoints WHERE job = ?', seq)!.n;
      if (piece.index > count) throw new Error('pieces of a job are saved in order');
      table.run(
        'INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)',
        seq,
        piece.index,
        JSON.stringify(piece),
      );
      table.run('UPDATE jobs SET crashes = 0 WHERE seq = ?', seq);
    }
    this.#progress(seq, progress);
    table.event(seq, 'progress', now);
    const others = `SELECT 1 FROM jobs WHERE state = 'queued' AND priority <= ? AND due_at <= ? LIMIT 1`;
    return table.first(others, priority, now) !== undefined;
  }

  complete(now: number, id: string, lease: string, resultKey: string, progress: JobProgress): void {
    const { table } = this;
    const { seq } = this.#held(id, lease);
    this.#progress(seq, progress);
    table.run('UPDATE jobs SET result_key = ? WHERE seq = ?', resultKey, seq);
    table.run('DELETE FROM checkpoints WHERE job = ?', seq);
    table.finish(seq, 'completed', now);
  }

  /** @returns whether that was the end of it */
  fail(
    now: number,
    id: string,
    lease: string,
    error: PlainError,
    { again, maxAttempts, delayMs }: { again: boolean; maxAttempts: number; delayMs: number },
  ): boolean {
    const { table } = this;
    const { seq, failures } = this.#held(id, lease);
    table.run('UPDATE jobs SET failures = failures + 1 WHERE seq = ?', seq);
    if (!again || failures + 1 >= maxAttempts) {
      table.finish(seq, 'failed', now, error);
      return true;
    }
    table.run(
      `UPDATE jobs SET state = 'queued', queued_at = ?, turn = ?, due_at = ?, lease = NULL, error = ? WHERE seq = ?`,
      now,
      table.nextTurn(),
      now + backOff(delayMs, failures + 1),
      JSON.stringify(error),
      seq,
    );
    table.event(seq, 'retrying', now, error);
    return false;
  }

  /**
   * The job goes on later; no failure.
   * @param behind whether it goes behind those that wait, or keeps its place
   */
  release(now: number, id: string, lease: string, behind: boolean): void {
    const { seq, turn } = this.#held(id, lease);
    this.table.run(
      `UPDATE jobs SET state = 'queued', queued_at = ?, turn = ?, resumed = 1, lease = NULL WHERE seq = ?`,
      now,
      behind ? this.table.nextTurn() : turn,
      seq,
    );
  }

  takeNotices(now: number, limit: number, maxAttempts: number): Taken<TakenNotice> {
    const { table } = this;
    const pending = `notice_state = 'pending' AND notice_lease IS NULL`;
    const rows = table.all<JobRow>(
      `SELECT * FROM jobs WHERE ${pending} AND notice_due <= ? ORDER BY notice_due LIMIT ?`,
      now,
      limit,
    );
    const taken = rows.flatMap(({ seq, id, generation, notice_attempts: attempts }) => {
      // A notice whose every attempt took the process down ends too.
      if (attempts >= maxAttempts) {
        table.run(`UPDATE jobs SET notice_state = 'failed' WHERE seq = ?`, seq);
        return [];
      }
      const lease = `${this.run}.${++this.#leases}`;
      const sql = `UPDATE jobs SET notice_lease = ?, notice_attempts = notice_attempts + 1 WHERE seq = ?`;
      table.run(sql, lease, seq);
      return [{ job: toJob(table.row(seq)), messageId: `${id}.${generation}`, lease }];
    });
    return this.#until(
      taken,
      `SELECT min(notice_due) AS at FROM jobs WHERE ${pending} AND notice_due > ?`,
      now,
    );
  }

  /** @param outcome why it did not arrive; undefined when it did, or (`cutOff`) when nobody knows */
  endNotice(
    now: number,
    id: string,
    lease: string,
    outcome: string | undefined,
    { maxAttempts, delayMs, cutOff }: { maxAttempts: number; delayMs: number; cutOff: boolean },
  ): void {
    const row = this.table.job(id);
    if (row?.notice_lease !== lease) return;
    const { seq, notice_attempts: attempts } = row;
    const update =
      'UPDATE jobs SET notice_state = ?, notice_outcome = ?, notice_due = ?, notice_lease = NULL';
    const arrived = outcome === undefined && !cutOff;
    const state = arrived ? 'delivered' : attempts < maxAttempts ? 'pending' : 'failed';
    const due = cutOff ? now : now + backOff(delayMs, attempts);
    this.table.run(`${update} WHERE seq = ?`, state, outcome ?? null, due, seq);
  }

  #until<T>(taken: readonly T[], sql: string, now: number): Taken<T> {
    const at = this.table.first<{ at: number | null }>(sql, now)!.at;
    return { taken, ...(at === null ? {} : { nextAt: at }) };
  }

  #progress(seq: number, { doneSeconds, totalSeconds }: JobProgress): void {
    const sql = 'UPDATE jobs SET done_seconds = ?, total_seconds = coalesce(?, total_seconds) WHERE seq = ?';
    this.table.run(sql, doneSeconds, totalSeconds ?? null, seq);
  }

  /** @throws MalgwiError job_lease_lost */
  #held(id: string, lease: string): JobRow {
    const row = this.table.held(id, lease);
    if (row === undefined) throw new MalgwiError('job_lease_lost');
    return row;
  }
}
