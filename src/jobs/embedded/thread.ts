/**
 * Entry of the thread that holds the database: its calls and its waits for the disk block, so they happen here. Operations come
 * in batches, each batch one transaction: many jobs that are submitted at the same moment wait for the disk once.
 */
import { workerData } from 'node:worker_threads';
import { MalgwiError, toPlainError } from '../../errors.js';
import { serveWorker } from '../../workers/host.js';
import { ClientOperations } from './client-operations.js';
import type { OpenCall, Operation, OperationReply, ThreadSetup } from './protocol.js';
import { openDatabase, type Db } from './schema.js';
import { JobTable } from './table.js';
import { WorkerOperations } from './worker-operations.js';

const { run } = workerData as ThreadSetup;
let db: Db | undefined;
let client: ClientOperations;
let worker: WorkerOperations;

function open({ path, lockWaitMs, now, recover }: OpenCall): void {
  db = openDatabase(path, lockWaitMs);
  const table = new JobTable(db);
  client = new ClientOperations(table);
  worker = new WorkerOperations(table, run);
  if (recover) transaction(db, () => worker.recover(now));
}

function transaction<T>(database: Db, action: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE');
    const result = action();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    throw explained(error);
  }
}

function explained(error: unknown): unknown {
  const code = (error as { readonly code?: unknown }).code;
  if (error instanceof MalgwiError || typeof code !== 'string') return error;
  return new MalgwiError(code.startsWith('SQLITE_FULL') ? 'storage_full' : 'job_queue_unavailable', {
    cause: error,
  });
}

/** One that fails takes nothing of the others with it. */
function one(database: Db, { name, args }: Operation): OperationReply {
  database.exec('SAVEPOINT operation');
  try {
    const owner = name in ClientOperations.prototype ? client : worker;
    const method = (owner as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name];
    const value = method.apply(owner, [...args]);
    database.exec('RELEASE operation');
    return { ok: true, value };
  } catch (error) {
    // An error of the disk ends the transaction as a whole.
    if (!database.inTransaction) throw error;
    database.exec('ROLLBACK TO operation');
    database.exec('RELEASE operation');
    const known = explained(error);
    const stack = known instanceof MalgwiError || !(error instanceof Error) ? undefined : error.stack;
    return { ok: false, error: toPlainError(known), ...(stack === undefined ? {} : { stack }) };
  }
}

serveWorker({
  open,
  run: (operations: readonly Operation[]): OperationReply[] => {
    const database = db;
    if (database === undefined) throw new MalgwiError('job_queue_unavailable');
    return transaction(database, () => operations.map((operation) => one(database, operation)));
  },
  close: () => {
    db?.close();
    db = undefined;
  },
});
