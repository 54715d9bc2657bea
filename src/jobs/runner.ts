/** Transcribes one job: its audio from the storage, in pieces that are kept, its result into the storage. */
import { Readable } from 'node:stream';
import type { Recognizer, Segment, Transcript } from '../recognition/contract.js';
import { isReadingState, textOf } from '../recognition/index.js';
import type { LocalFile, ObjectStorage } from '../storage/contract.js';
import type { Checkpoint, Job, JobLease, JobOutcome } from './contract.js';
import { audioKeyOf, resultKeyOf } from './keys.js';

export interface RunnerOptions {
  readonly recognizer: Pick<Recognizer, 'transcribePieces'>;
  readonly storage: ObjectStorage;
  /** Brings what lies at a URL into the storage. */
  readonly fetchToStorage: (url: string, key: string, signal: AbortSignal) => Promise<unknown>;
  /** Longer audio is refused with audio_too_long. */
  readonly maxSeconds: number;
  /** Seconds of audio between two checkpoints. */
  readonly pieceSeconds?: number;
  readonly onTranscribed?: (job: Job, transcript: Transcript) => void;
}

const PIECE_SECONDS = 45;
/** A job that goes on reads its file up to there again: it works so many times as long before it gives way once more. */
const WORK_PER_RETURN = 4;

export class JobRunner {
  constructor(private readonly options: RunnerOptions) {}

  /** A handler of the queue. @throws MalgwiError of the storage, the address, the audio, or the recogniser */
  async transcribe(lease: JobLease): Promise<JobOutcome> {
    const file = await this.#open(lease);
    try {
      return await this.#work(lease, file);
    } finally {
      await file.release();
    }
  }

  async #open({ job, signal }: JobLease): Promise<LocalFile> {
    const { storage, fetchToStorage } = this.options;
    const key = audioKeyOf(job);
    const { source } = job.spec;
    if (source.type === 'url' && (await storage.head(key)) === undefined) {
      await fetchToStorage(source.url, key, signal);
    }
    return storage.open(key, signal);
  }

  async #work(lease: JobLease, file: LocalFile): Promise<JobOutcome> {
    const { recognizer, maxSeconds, pieceSeconds = PIECE_SECONDS } = this.options;
    const { job, signal } = lease;
    const done = usable(await lease.checkpoints());
    const segments: Segment[] = done.flatMap((piece) => [...piece.segments]);
    const from = done.at(-1)?.resume;
    let { totalSeconds } = job.progress;
    const began = performance.now();
    let returnedAt = from === undefined ? began : undefined;

    const pieces = recognizer.transcribePieces(
      file.path,
      {
        ...job.spec.options,
        model: job.spec.model,
        maxSeconds,
        priority: 'batch',
        signal,
        onProgress: (doneSeconds, total) => {
          if (doneSeconds > (from?.doneSeconds ?? 0)) returnedAt ??= performance.now();
          totalSeconds = total;
        },
        onSegment: ({ end }) => {
          // What the queue says to it, the signal says too.
          lease.progress(progressOf(end, totalSeconds)).catch(() => undefined);
        },
      },
      { pieceSeconds, ...(from === undefined ? {} : { from }) },
    );
    try {
      for (let index = done.length; ; index += 1) {
        const { done: ended, value } = await pieces.next();
        segments.push(...value.segments);
        if (ended === true) return await this.#finish(lease, { ...value, segments, text: textOf(segments) });
        const { doneSeconds, resume } = value;
        await lease.checkpoint({ index, doneSeconds, segments: value.segments, resume });
        const now = performance.now();
        const returning = (returnedAt ?? now) - began;
        if (lease.shouldYield() && now - began > returning * (1 + WORK_PER_RETURN)) {
          return { type: 'yielded' };
        }
      }
    } finally {
      await pieces.return(undefined as never);
    }
  }

  async #finish({ job, signal }: JobLease, transcript: Transcript): Promise<JobOutcome> {
    const { storage, onTranscribed } = this.options;
    const resultKey = resultKeyOf(job.id);
    await storage.put(resultKey, Readable.from([Buffer.from(JSON.stringify(transcript))]), { signal });
    // Cancelled in this very moment: nobody will ask for it. (Of a lost lease the next holder writes the same.)
    if (signal.aborted && (signal.reason as { readonly code?: unknown }).code === 'cancelled') {
      await storage.remove(resultKey);
    } else {
      onTranscribed?.(job, transcript);
    }
    const { duration } = transcript;
    return { type: 'completed', resultKey, progress: progressOf(duration, duration) };
  }
}

/** Pieces that the work can go on behind; none of what another version of the service wrote. */
function usable(pieces: readonly Checkpoint[]): readonly Checkpoint[] {
  const last = pieces.at(-1)?.resume;
  return last !== undefined && isReadingState(last.state) ? pieces : [];
}

const progressOf = (doneSeconds: number, totalSeconds: number | undefined) => ({
  doneSeconds,
  ...(totalSeconds === undefined ? {} : { totalSeconds }),
});
