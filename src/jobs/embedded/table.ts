/** Jobs as rows: what the operations of clients and of workers have in common. */
import type Libsql from 'libsql';
import type { PlainError } from '../../errors.js';
import type { JobEvent, JobEventType, JobProgress, JobState } from '../contract.js';
import type { JobRow } from './rows.js';
import type { Db } from './schema.js';

type Value = string | number | null;
type Statement = Libsql.Statement<Value[]>;

/** Of a job that gives way often; a follower that comes later has missed nothing but that. */
const KEPT_EVENTS = 256;

export class JobTable {
  readonly #statements = new Map<string, Statement>();

  constructor(private readonly db: Db) {}

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  first<T>(sql: string, ...values: Value[]): T | undefined {
    return this.all<T>(sql, ...values)[0];
  }

  run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values);
  }

  job(id: string): JobRow | undefined {
    return this.first<JobRow>('SELECT * FROM jobs WHERE id = ?', id);
  }

  row(seq: number): JobRow {
    return this.first<JobRow>('SELECT * FROM jobs WHERE seq = ?', seq)!;
  }

  /** The job, if the lease is its present one. */
  held(id: string, lease: string): JobRow | undefined {
    const row = this.job(id);
    return row?.state === 'active' && row.lease === lease ? row : undefined;
  }

  /** The end of a line. */
  nextTurn(): number {
    this.run(`UPDATE counters SET value = value + 1 WHERE name = 'turn'`);
    return this.first<{ value: number }>(`SELECT value FROM counters WHERE name = 'turn'`)!.value;
  }

  /** Writes an event down, with the progress that the row has. */
  event(seq: number, type: JobEventType, at: number, error?: PlainError): void {
    this.run('UPDATE jobs SET event_count = event_count + 1 WHERE seq = ?', seq);
    const row = this.first<Pick<JobRow, 'done_seconds' | 'total_seconds'> & { event_count: number }>(
      'SELECT event_count, done_seconds, total_seconds FROM jobs WHERE seq = ?',
      seq,
    )!;
    const number = row.event_count;
    const progress: JobProgress = {
      doneSeconds: row.done_seconds,
      ...(row.total_seconds === null ? {} : { totalSeconds: row.total_seconds }),
    };
    const event: JobEvent = {
      id: String(number),
      type,
      at,
      progress,
      ...(error === undefined ? {} : { error }),
    };
    if (type === 'progress') this.run(`DELETE FROM events WHERE job = ? AND type = 'progress'`, seq);
    this.run('INSERT INTO events VALUES (?, ?, ?, ?)', seq, number, type, JSON.stringify(event));
    if (number % KEPT_EVENTS === 0)
      this.run('DELETE FROM events WHERE job = ? AND number <= ?', seq, number - KEPT_EVENTS);
  }

  /** The end of a job: state, event, and a notice for who asked for one. */
  finish(seq: number, to: JobState & JobEventType, at: number, error?: PlainError): void {
    this.run(
      `UPDATE jobs SET state = ?, finished_at = ?, error = ?, lease = NULL, resumed = 0, due_at = 0,
        notice_state = CASE WHEN spec ->> '$.webhook' IS NULL THEN NULL ELSE 'pending' END,
        notice_attempts = 0, notice_outcome = NULL, notice_due = ?, notice_lease = NULL
      WHERE seq = ?`,
      to,
      at,
      error === undefined ? null : JSON.stringify(error),
      at,
      seq,
    );
    this.event(seq, to, at, error);
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare<Value[]>(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
