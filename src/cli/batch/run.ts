/** Runs a batch: what is done is left alone, the rest goes through a transcriber, a few files at a time. */
import { createHash } from 'node:crypto';
import { inPool } from '../concurrency.js';
import { describeError } from '../errors.js';
import type { BatchReport, Failure, Source, Task, Transcriber } from './contract.js';
import type { Journal } from './journal.js';
import { outputStems, type Outputs } from './outputs.js';

export interface Work {
  readonly task: Task;
  readonly stem: string;
}

export interface Plan {
  readonly work: readonly Work[];
  readonly skipped: number;
}

/** @param settings what is wanted of the files beside the formats: other settings make other results */
export function markOf({ name, bytes, mtimeMs }: Source, settings: readonly unknown[]): string {
  const text = JSON.stringify([name, bytes, mtimeMs, ...settings]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/**
 * What is left to do. A file is done where every result is there and was noted as made of it as it is now with these
 * settings; or, where nothing was noted, is newer than the file.
 */
export async function planBatch(
  sources: readonly Source[],
  outputs: Outputs,
  journal: Journal,
  settings: readonly unknown[],
): Promise<Plan> {
  const stems = outputStems(sources);
  const work: Work[] = [];
  for (const [index, source] of sources.entries()) {
    const stem = stems[index];
    const mark = markOf(source, settings);
    const writtenAt = await outputs.writtenAt(stem);
    const note = journal.get(source.name, mark);
    const done =
      writtenAt !== undefined &&
      (note?.done === true || (!journal.has(source.name) && writtenAt > source.mtimeMs));
    if (!done) work.push({ task: { ...source, mark }, stem });
  }
  return { work, skipped: sources.length - work.length };
}

export interface BatchEvents {
  onProgress(index: number, doneSeconds: number): void;
  /** A file is done, or has failed. */
  onEnd(index: number, work: Work, failure?: Failure): void;
}

export interface BatchOptions {
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/**
 * Failed files are part of the report; the others are still done.
 * @throws the signal's reason when interrupted: what was begun is noted, and gone on with by the next run
 */
export async function runBatch(
  { work, skipped }: Plan,
  transcriber: Transcriber,
  outputs: Outputs,
  journal: Journal,
  { concurrency, signal }: BatchOptions,
  events: BatchEvents,
): Promise<BatchReport> {
  const started = performance.now();
  const failures: Failure[] = [];
  let done = 0;
  let audioSeconds = 0;
  await inPool(work, concurrency, async (one, index) => {
    signal.throwIfAborted();
    const { task, stem } = one;
    try {
      const { seconds, texts } = await transcriber.transcribe(task, (value) =>
        events.onProgress(index, value),
      );
      await outputs.write(stem, texts);
      await journal.set(task.name, { ...journal.get(task.name, task.mark), mark: task.mark, done: true });
      done += 1;
      audioSeconds += seconds;
      events.onProgress(index, seconds);
      events.onEnd(index, one);
    } catch (error) {
      signal.throwIfAborted();
      const failure = { name: task.name, error: describeError(error) };
      failures.push(failure);
      events.onEnd(index, one, failure);
    }
  });
  const elapsedSeconds = (performance.now() - started) / 1000;
  return { done, skipped, failures, audioSeconds, elapsedSeconds };
}
