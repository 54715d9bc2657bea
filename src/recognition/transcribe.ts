/** Offline recognition of one file: cut at pauses in one worker, recognised in all of them, put together in order. */
import { SAMPLE_RATE } from '../audio/contract.js';
import { MalgwiError } from '../errors.js';
import type { RejectionRules } from '../models/schema.js';
import type { EndpointConfig } from '../vad/contract.js';
import { DEFAULT_CALL_TIMEOUT_MS, type CallOptions, type WorkerPool } from '../workers/pool.js';
import type { Segment, StageTimes, TranscribeOptions, Transcript } from './contract.js';
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

/** @throws MalgwiError of the audio, the model or the pool; the file is closed in every case */
export async function transcribe(pool: WorkerPool, job: TranscribeJob): Promise<Transcript> {
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
    const opened = await pool.call<protocol.OpenFileReply>('openFile', openFileCall(handle, job), {
      ...call,
      reservation,
    });
    const total = opened.info.durationSeconds;
    const segments: Segment[] = [];
    const decoded: PlacedHypotheses[] = [];
    const pending: Promise<Recognized>[] = [];
    const deliver = async (): Promise<void> => {
      const { segment, placed } = await pending.shift()!;
      segments.push(segment);
      if (options.metadata === true) decoded.push(placed);
      options.onSegment?.(segment);
    };

    let doneSeconds = 0;
    for (let id = 0; ;) {
      const next = await pool.call<protocol.NextSegmentReply>(
        'nextSegment',
        { handle },
        { ...call, reservation },
      );
      doneSeconds = next.doneSeconds;
      stages.audioMs += next.audioMs;
      options.onProgress?.(doneSeconds, total);
      if (next.done) break;
      if (next.segment === undefined) continue;
      const recognised = recognizeSegment(pool, job, call, id++, next.segment, stages);
      recognised.catch((error: unknown) => failure.abort(error));
      pending.push(recognised);
      // As many segments under way as keep every worker busy, and no more: memory does not grow with the file.
      while (pending.length > pool.size) await deliver();
    }
    while (pending.length > 0) await deliver();

    return {
      model: job.model,
      language: job.language,
      text: segments
        .map((segment) => segment.text)
        .filter(Boolean)
        .join(' '),
      duration: doneSeconds,
      segments,
      ...(options.metadata === true ? { metadata: toMetadata(decoded) } : {}),
      info: opened.info,
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

function openFileCall(handle: number, job: TranscribeJob): protocol.OpenFileCall {
  const { raw, maxSeconds } = job.options;
  return {
    handle,
    path: job.path,
    endpoint: job.endpoint,
    ...(job.wholeSamples === undefined ? {} : { wholeSamples: job.wholeSamples }),
    ...(raw === undefined ? {} : { raw }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
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
