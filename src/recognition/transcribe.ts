/** Offline recognition of one file: cut at pauses in one worker, recognised in all of them, put together in order. */
import { SAMPLE_RATE, type AudioInfo } from '../audio/contract.js';
import { MalgwiError } from '../errors.js';
import type { RejectionRules } from '../models/schema.js';
import type { EndpointConfig } from '../vad/contract.js';
import { DEFAULT_CALL_TIMEOUT_MS, type CallOptions, type WorkerPool } from '../workers/pool.js';
import type {
  PieceOptions,
  ResumePoint,
  Segment,
  StageTimes,
  TranscribeOptions,
  Transcript,
  TranscriptPiece,
} from './contract.js';
import { toMetadata, type PlacedHypotheses } from './metadata.js';
import type * as protocol from './protocol.js';
import { withoutRejected } from './rejection.js';
import { toSegment } from './segment.js';

export interface TranscribeJob {
  readonly path: string;
  readonly model: string;
  readonly language: string;
  readonly endpoint: EndpointConfig;
  /** The file is one utterance, or several of this many samples. */
  readonly wholeSamples?: number;
  /** What of the results is not taken for speech. */
  readonly rejection?: RejectionRules | undefined;
  readonly options: TranscribeOptions;
}

/** A worker may hold one utterance this long for each second of it: whole files can be utterances. */
const LIMIT_MS_PER_SECOND = 5000;

let nextFile = 1;

type Stages = { -readonly [K in keyof StageTimes]: number };

interface Delivered {
  /** The next utterance. */
  readonly recognized?: Recognized;
  /** Everything before this was delivered. */
  readonly saved?: NonNullable<protocol.NextSegmentReply['saved']>;
}

interface Ended {
  readonly info: AudioInfo;
  readonly duration: number;
  readonly stages: StageTimes;
  readonly processingSeconds: number;
}

interface Reading {
  /** How often, in seconds of audio, to say where the reading stands; never without it. */
  readonly saveSeconds?: number;
  readonly from?: ResumePoint;
}

/** Utterances in order of time. The file is closed in every case, also when the caller ends early. */
async function* recognizeInOrder(
  pool: WorkerPool,
  job: TranscribeJob,
  { saveSeconds = Infinity, from }: Reading,
): AsyncGenerator<Delivered, Ended, void> {
  const started = performance.now();
  const { options } = job;
  const failure = new AbortController();
  const signal =
    options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const call: CallOptions = { priority: options.priority ?? 'interactive', signal };
  const stages: Stages = { queueMs: 0, audioMs: 0, featuresMs: 0, encoderMs: 0, decodingMs: 0 };

  const reservation = pool.reserve();
  const handle = nextFile++;
  try {
    const opened = await pool.call<protocol.OpenFileReply>('openFile', openFileCall(handle, job, from), {
      ...call,
      reservation,
    });
    const total = opened.info.durationSeconds;
    const pending: (Promise<Recognized> | Required<Pick<Delivered, 'saved'>>)[] = [];
    const next = async (): Promise<Delivered> => {
      const first = pending.shift()!;
      return 'saved' in first ? first : { recognized: await first };
    };

    let doneSeconds = 0;
    let savedAt = from?.doneSeconds ?? 0;
    for (let id = from?.segments ?? 0; ;) {
      const save = doneSeconds - savedAt >= saveSeconds;
      const reply = await pool.call<protocol.NextSegmentReply>(
        'nextSegment',
        { handle, ...(save ? { save } : {}) } satisfies protocol.NextSegmentCall,
        { ...call, reservation },
      );
      doneSeconds = reply.doneSeconds;
      stages.audioMs += reply.audioMs;
      options.onProgress?.(doneSeconds, total);
      if (reply.done) break;
      if (reply.segment !== undefined) {
        const recognised = recognizeSegment(pool, job, call, id++, reply.segment, stages);
        recognised.catch((error: unknown) => failure.abort(error));
        pending.push(recognised);
      }
      if (reply.saved !== undefined) {
        savedAt = reply.saved.doneSeconds;
        pending.push({ saved: reply.saved });
      }
      // As many segments under way as keep every worker busy, and no more: memory does not grow with the file.
      while (pending.length > pool.size) yield await next();
    }
    while (pending.length > 0) yield await next();
    return {
      info: opened.info,
      duration: doneSeconds,
      stages,
      processingSeconds: (performance.now() - started) / 1000,
    };
  } catch (error) {
    // A failed segment cancels the others; what is reported is the failure, not the cancellation it caused.
    if (failure.signal.aborted && failure.signal.reason instanceof MalgwiError) throw failure.signal.reason;
    throw error;
  } finally {
    failure.abort(new MalgwiError('cancelled'));
    // Also after an `openFile` that failed here: it may have been cancelled while the worker was opening.
    await pool
      .call('closeFile', { handle }, { priority: 'live', reservation, release: true })
      .catch(() => undefined);
    reservation.release();
  }
}

/** @throws MalgwiError of the audio, the model or the pool; the file is closed in every case */
export async function transcribe(pool: WorkerPool, job: TranscribeJob): Promise<Transcript> {
  const { options } = job;
  const segments: Segment[] = [];
  const decoded: PlacedHypotheses[] = [];
  const reading = recognizeInOrder(pool, job, {});
  for (;;) {
    const { done, value } = await reading.next();
    if (done === true) {
      return {
        ...toTranscript(job, value, segments),
        ...(options.metadata === true ? { metadata: toMetadata(decoded) } : {}),
      };
    }
    if (value.recognized === undefined) continue;
    const { segment, placed } = value.recognized;
    segments.push(segment);
    if (options.metadata === true) decoded.push(placed);
    options.onSegment?.(segment);
  }
}

/**
 * As {@link transcribe}, but gives out what is done piece by piece, with where to go on behind each.
 * @returns the transcript of what follows the last piece
 */
export async function* transcribePieces(
  pool: WorkerPool,
  job: TranscribeJob,
  { pieceSeconds, from }: PieceOptions,
): AsyncGenerator<TranscriptPiece, Transcript, void> {
  const { onSegment } = job.options;
  const reading = recognizeInOrder(pool, job, {
    saveSeconds: pieceSeconds,
    ...(from === undefined ? {} : { from }),
  });
  let segments: Segment[] = [];
  let given = from?.segments ?? 0;
  try {
    for (;;) {
      const { done, value } = await reading.next();
      if (done === true) return toTranscript(job, value, segments);
      if (value.recognized !== undefined) {
        segments.push(value.recognized.segment);
        onSegment?.(value.recognized.segment);
      }
      if (value.saved !== undefined) {
        const { doneSeconds, state } = value.saved;
        given += segments.length;
        yield { segments, doneSeconds, resume: { state, doneSeconds, segments: given } };
        segments = [];
      }
    }
  } finally {
    // Ends it, where the caller ended early.
    await reading.return(undefined as never);
  }
}

function toTranscript(job: TranscribeJob, ended: Ended, segments: readonly Segment[]): Transcript {
  return {
    model: job.model,
    language: job.language,
    text: textOf(segments),
    duration: ended.duration,
    segments,
    info: ended.info,
    stages: ended.stages,
    processingSeconds: ended.processingSeconds,
  };
}

/** The text of a transcript. */
export const textOf = (segments: readonly Segment[]): string =>
  segments
    .map((segment) => segment.text)
    .filter(Boolean)
    .join(' ');

function openFileCall(
  handle: number,
  job: TranscribeJob,
  from: ResumePoint | undefined,
): protocol.OpenFileCall {
  const { raw, maxSeconds } = job.options;
  return {
    handle,
    path: job.path,
    endpoint: job.endpoint,
    ...(job.wholeSamples === undefined ? {} : { wholeSamples: job.wholeSamples }),
    ...(raw === undefined ? {} : { raw }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
    ...(from === undefined ? {} : { resume: from.state }),
  };
}

interface Recognized {
  readonly segment: Segment;
  readonly placed: PlacedHypotheses;
}

async function recognizeSegment(
  pool: WorkerPool,
  job: TranscribeJob,
  call: CallOptions,
  id: number,
  piece: NonNullable<protocol.NextSegmentReply['segment']>,
  stages: Stages,
): Promise<Recognized> {
  const { beamWidth, alternatives, hotWords, lmAlpha, lmBeta } = job.options;
  const seconds = piece.samples.length / SAMPLE_RATE;
  const request: protocol.RecognizeCall = {
    model: job.model,
    samples: piece.samples,
    options: {
      ...(beamWidth === undefined ? {} : { beamWidth }),
      ...(alternatives === undefined ? {} : { alternatives }),
      ...(hotWords === undefined ? {} : { hotWords }),
      ...(lmAlpha === undefined ? {} : { lmAlpha }),
      ...(lmBeta === undefined ? {} : { lmBeta }),
    },
  };
  const sent = performance.now();
  const reply = await pool.call<protocol.RecognizeReply>('recognize', request, {
    ...call,
    transfer: [piece.samples.buffer as ArrayBuffer],
    timeoutMs: Math.max(DEFAULT_CALL_TIMEOUT_MS, seconds * LIMIT_MS_PER_SECOND),
  });
  const computing = reply.featuresMs + reply.encoderMs + reply.decodingMs;
  stages.queueMs += Math.max(0, performance.now() - sent - computing);
  stages.featuresMs += reply.featuresMs;
  stages.encoderMs += reply.encoderMs;
  stages.decodingMs += reply.decodingMs;
  const { frameSeconds } = reply;
  const hypotheses = withoutRejected(reply.hypotheses, piece.meanProbability, job.rejection);
  const segment = toSegment(hypotheses, {
    id,
    start: piece.start,
    end: piece.end,
    speechProbability: piece.meanProbability,
    frameSeconds,
  });
  return { segment, placed: { start: piece.start, frameSeconds, hypotheses } };
}
