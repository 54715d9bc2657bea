/** The database file: opening it, its tables, and how older ones become newer ones. */
import Database from 'libsql';
import { MalgwiError } from '../../errors.js';

export type Db = InstanceType<typeof Database>;

/**
 * One entry for each version; `user_version` of the file says how many of them were applied. An entry that was published is never
 * changed.
 *
 * jobs: `seq` is the order of submission, `turn` the place in the line of its priority, `due_at` the time before which it is not
 * taken (a pause after a failure), `resumed` that its next start is no new attempt, `lease` whose it is, `generation` counts up
 * with every retry by hand.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO counters VALUES ('turn', 0);
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    spec TEXT NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    resumed INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL,
    due_at INTEGER NOT NULL DEFAULT 0,
    lease TEXT,
    done_seconds REAL NOT NULL DEFAULT 0,
    total_seconds REAL,
    error TEXT,
    result_key TEXT,
    event_count INTEGER NOT NULL DEFAULT 0,
    notice_state TEXT,
    notice_attempts INTEGER NOT NULL DEFAULT 0,
    notice_outcome TEXT,
    notice_due INTEGER,
    notice_lease TEXT
  ) STRICT;
  CREATE UNIQUE INDEX jobs_idempotency ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX jobs_line ON jobs (priority, turn, due_at) WHERE state = 'queued';
  CREATE INDEX jobs_due ON jobs (due_at) WHERE state = 'queued' AND due_at > 0;
  CREATE INDEX jobs_waiting ON jobs (queued_at) WHERE state = 'queued';
  CREATE INDEX jobs_state ON jobs (state, seq);
  CREATE INDEX jobs_owner ON jobs (owner, seq);
  CREATE INDEX jobs_owner_state ON jobs (owner, state, seq);
  CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;
  CREATE INDEX jobs_notices ON jobs (notice_due) WHERE notice_state = 'pending';
  CREATE TABLE checkpoints (
    job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    piece TEXT NOT NULL,
    PRIMARY KEY (job, number)
  ) STRICT;
  CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (job, number)
  ) STRICT, WITHOUT ROWID;
  `,
];

const unusable = (detail: string, cause: unknown): MalgwiError =>
  new MalgwiError('config_invalid', {
    detail: `The jobs below MALGWI_DATA_DIR cannot be opened: ${detail}.`,
    cause,
  });

function explained(error: unknown): unknown {
  const code = (error as { readonly code?: unknown }).code;
  if (error instanceof MalgwiError || typeof code !== 'string') return error;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return unusable('another process uses them; stop it, or give this one a folder of its own', error);
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return unusable('the file jobs.db is damaged', error);
  return unusable(`the database says ${code}`, error);
}

/**
 * Opens the file, for this process alone: the lock goes with the process, however that ends.
 * @throws MalgwiError config_invalid: another process has it, it is damaged, or of a later version
 */
export function openDatabase(path: string, lockWaitMs: number): Db {
  let db: Db | undefined;
  try {
    db = new Database(path, { timeout: lockWaitMs });
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    // What was committed is on the disk, not on its way there.
    db.pragma('synchronous = FULL');
    db.pragma('fullfsync = ON');
    db.pragma('foreign_keys = ON');
    // Takes the lock, and keeps it.
    db.exec('BEGIN IMMEDIATE');
    db.exec('COMMIT');
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    throw explained(error);
  }
}

function migrate(db: Db): void {
  const [{ user_version: version }] = db.pragma('user_version') as [{ user_version: number }];
  if (version > MIGRATIONS.length) {
    throw unusable('they were written by a later version of this service', undefined);
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(sql);
      db.pragma(`user_version = ${index + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}
