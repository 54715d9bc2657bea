/** What the service tells Prometheus. One class, named after what happens; nothing above it knows prom-client. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { ERRORS } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { IntentName } from '../intents/contract.js';
import type { QueueStats } from '../jobs/contract.js';
import type { InstalledModel, Priority, RecognizerStats, StageTimes } from '../recognition/contract.js';
import {
  HTTP_BUCKETS,
  JOB_BUCKETS,
  LATENCY_BUCKETS,
  LOOP_BUCKETS,
  REQUEST_BUCKETS,
  RTF_BUCKETS,
  STAGE_BUCKETS,
} from './buckets.js';
import { JobGauges } from './jobs.js';
import { watchLive, type LiveStats } from './live.js';
import { watchLoopDelay } from './loop-delay.js';
import { ModelGauges } from './models.js';
import { DROP_REASONS, EAGER_OUTCOMES, REJECT_REASONS } from './reasons.js';
import type { DropReason, EagerEndOutcome, RejectReason } from './reasons.js';
import { watchRecognizer } from './recognizer.js';

export type { LiveState } from './live.js';
export { isRejectReason } from './reasons.js';
export type { DropReason, RejectReason } from './reasons.js';

/** How a request came in. */
export type Protocol = 'http' | 'stream' | 'realtime' | 'deepgram' | 'vosk';
export type LiveProtocol = Exclude<Protocol, 'http'>;
export type JobOutcomeName = 'completed' | 'yielded' | 'failed' | 'cancelled';
export type Stage = 'audio' | 'features' | 'encoder' | 'decoding' | 'intent';
export type RecognitionKind = 'live' | 'batch';

/** Counts of one evaluation, or of one scored request. Characters are counted without spaces. */
export interface AccuracyCounts {
  readonly characterEdits: number;
  readonly referenceCharacters: number;
  readonly wordEdits: number;
  readonly referenceWords: number;
  readonly utterances: number;
}

const CLOSE_CODES = new Set([
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 4000, 4001,
]);
/** Event-loop quantiles reset at every scrape (two scrapers corrupt each other); the others are gauges called `_total`. */
const UNWANTED = /^nodejs_(eventloop_lag_|active_(handles|requests|resources))/;

/** The set that references of real requests (POST /v1/feedback) are counted under. */
export const FEEDBACK_SET = 'feedback';
const NO_COUNTS: AccuracyCounts = {
  characterEdits: 0,
  referenceCharacters: 0,
  wordEdits: 0,
  referenceWords: 0,
  utterances: 0,
};

export class Metrics {
  readonly registry = new Registry();
  readonly #stop: (() => void)[] = [];
  readonly #p = { registers: [this.registry] };

  readonly #finalLatency = this.#histogram(
    'final_latency_seconds',
    'Seconds from the end of speech to the final result of a live utterance.',
    LATENCY_BUCKETS,
    ['model', 'protocol'],
  );
  readonly #firstPartial = this.#histogram(
    'first_partial_seconds',
    'Seconds from the start of speech to the first partial result of a live utterance.',
    LATENCY_BUCKETS,
    ['model', 'protocol'],
  );
  readonly #partialLag = this.#histogram(
    'partial_lag_seconds',
    'Seconds a live partial result is behind the audio that was received.',
    LATENCY_BUCKETS,
    ['model', 'protocol'],
  );
  readonly #queueWait = this.#histogram(
    'queue_wait_seconds',
    'Seconds a request waited for a worker.',
    LATENCY_BUCKETS,
    ['priority'],
  );
  readonly #rtf = this.#histogram(
    'real_time_factor_ratio',
    'Processing time divided by audio time, per request or live session.',
    RTF_BUCKETS,
    ['model', 'kind'],
  );
  readonly #transcription = this.#histogram(
    'transcription_seconds',
    'Seconds from the complete upload to the complete transcript.',
    REQUEST_BUCKETS,
    ['model'],
  );
  readonly #stage = this.#histogram(
    'stage_seconds',
    'Seconds of one stage of recognition (audio, features, encoder, decoding, intent), per request.',
    STAGE_BUCKETS,
    ['stage', 'kind'],
  );
  readonly #http = this.#histogram(
    'http_request_duration_seconds',
    'Seconds from the first byte of an HTTP request to the last of its answer.',
    HTTP_BUCKETS,
    ['route', 'method', 'status'],
  );
  readonly #loop = this.#histogram(
    'event_loop_delay_seconds',
    'Seconds the event loop was late, sampled 50 times a second.',
    LOOP_BUCKETS,
    [],
  );

  readonly #jobRun = this.#histogram(
    'job_run_seconds',
    'Seconds that a job was worked on at a stretch, by how that ended.',
    JOB_BUCKETS,
    ['outcome'],
  );

  readonly #jobs = new JobGauges(this.#p.registers);

  readonly #sessions = this.#gauge('live_sessions_active', 'Live sessions that are open.', ['protocol']);
  readonly #ready = this.#gauge(
    'ready',
    'Whether the last readiness check, a real inference, succeeded (1) or not (0).',
    [],
  );
  readonly #models = new ModelGauges(this.#p.registers);
  readonly #buildInfo = this.#gauge('build_info', 'The running build; always 1.', ['version', 'node']);

  readonly #rejected = this.#counter(
    'admission_rejected_total',
    'Requests and sessions refused because of capacity.',
    ['reason'],
  );
  readonly #audioIn = this.#counter('audio_received_seconds_total', 'Seconds of audio received.', [
    'model',
    'kind',
  ]);
  readonly #audioDone = this.#counter('audio_processed_seconds_total', 'Seconds of audio recognised.', [
    'model',
    'kind',
  ]);
  readonly #audioDropped = this.#counter(
    'audio_dropped_seconds_total',
    'Seconds of audio received but never recognised.',
    ['reason'],
  );
  readonly #eagerEnds = this.#counter(
    'eager_ends_total',
    'Ends of utterances told eagerly, by what became of them.',
    ['outcome'],
  );
  readonly #closes = this.#counter('websocket_closes_total', 'WebSocket connections closed, by close code.', [
    'protocol',
    'code',
  ]);
  readonly #errors = this.#counter(
    'errors_total',
    'Errors answered, by the code of docs/reference/errors.md.',
    ['code', 'protocol'],
  );
  readonly #intents = this.#counter('intents_total', 'Intents resolved, by name.', ['intent', 'protocol']);
  readonly #characterEdits = this.#counter(
    'character_edits_total',
    'Character edits (substitutions, deletions, insertions; without spaces) against references.',
    ['model', 'set'],
  );
  readonly #referenceCharacters = this.#counter(
    'reference_characters_total',
    'Characters of references (without spaces).',
    ['model', 'set'],
  );
  readonly #wordEdits = this.#counter('word_edits_total', 'Word edits against references.', ['model', 'set']);
  readonly #referenceWords = this.#counter('reference_words_total', 'Words of references.', ['model', 'set']);
  readonly #scored = this.#counter('scored_utterances_total', 'Utterances scored against references.', [
    'model',
    'set',
  ]);

  constructor(options: { readonly version?: string } = {}) {
    collectDefaultMetrics({ register: this.registry });
    for (const { name } of this.registry.getMetricsAsArray()) {
      if (UNWANTED.test(name)) this.registry.removeSingleMetric(name);
    }
    // A counter that appears with its first event hides that event from rate(): those with known labels start at 0.
    for (const reason of REJECT_REASONS) this.#rejected.inc({ reason }, 0);
    for (const reason of DROP_REASONS) this.#audioDropped.inc({ reason }, 0);
    for (const outcome of EAGER_OUTCOMES) this.#eagerEnds.inc({ outcome }, 0);
    for (const code of Object.keys(ERRORS)) this.#errors.inc({ code, protocol: 'http' }, 0);
    this.#buildInfo.set({ version: options.version ?? 'unknown', node: process.versions.node }, 1);
    this.#stop.push(watchLoopDelay(this.#loop));
  }

  /** Seconds from the end of speech to the final result. */
  observeFinalLatency(seconds: number, labels: { model: string; protocol: LiveProtocol }): void {
    this.#finalLatency.observe(labels, clamp(seconds));
  }

  /** Seconds from the start of speech to the first partial. */
  observeFirstPartial(seconds: number, labels: { model: string; protocol: LiveProtocol }): void {
    this.#firstPartial.observe(labels, clamp(seconds));
  }

  /** Seconds that a partial is behind the audio received so far. */
  observePartialLag(seconds: number, labels: { model: string; protocol: LiveProtocol }): void {
    this.#partialLag.observe(labels, clamp(seconds));
  }

  observeQueueWait(seconds: number, priority: Priority): void {
    this.#queueWait.observe({ priority }, clamp(seconds));
  }

  /** @param ratio processing time / audio time, of one request or one live session */
  observeRealTimeFactor(ratio: number, labels: { model: string; kind: RecognitionKind }): void {
    if (Number.isFinite(ratio)) this.#rtf.observe(labels, clamp(ratio));
  }

  /** Seconds from the complete upload to the complete transcript. */
  observeTranscription(seconds: number, model: string): void {
    this.#transcription.observe({ model }, clamp(seconds));
  }

  /** Stage times of one request. */
  observeStages(stages: StageTimes, kind: RecognitionKind): void {
    this.#stage.observe({ stage: 'audio', kind }, clamp(stages.audioMs / 1000));
    this.#stage.observe({ stage: 'features', kind }, clamp(stages.featuresMs / 1000));
    this.#stage.observe({ stage: 'encoder', kind }, clamp(stages.encoderMs / 1000));
    this.#stage.observe({ stage: 'decoding', kind }, clamp(stages.decodingMs / 1000));
  }

  /** One stage alone, where the others are not known. */
  observeStage(stage: Stage, seconds: number, kind: RecognitionKind): void {
    this.#stage.observe({ stage, kind }, clamp(seconds));
  }

  /** An intent was resolved. @param seconds what parsing took */
  intentResolved(intent: IntentName, seconds: number, protocol: Protocol): void {
    this.#intents.inc({ intent, protocol });
    this.observeStage('intent', seconds, protocol === 'http' ? 'batch' : 'live');
  }

  sessionOpened(protocol: LiveProtocol): void {
    this.#sessions.inc({ protocol });
  }

  /** A session may outlive its socket, and have several, one after the other. */
  sessionEnded(protocol: LiveProtocol): void {
    this.#sessions.dec({ protocol });
  }

  /** @param code WebSocket close code; codes that clients make up are counted as `other` */
  socketClosed(protocol: LiveProtocol, code: number): void {
    this.#closes.inc({ protocol, code: CLOSE_CODES.has(code) ? String(code) : 'other' });
  }

  admissionRejected(reason: RejectReason): void {
    this.#rejected.inc({ reason });
  }

  audioReceived(seconds: number, labels: { model: string; kind: RecognitionKind }): void {
    this.#audioIn.inc(labels, clamp(seconds));
  }

  audioProcessed(seconds: number, labels: { model: string; kind: RecognitionKind }): void {
    this.#audioDone.inc(labels, clamp(seconds));
  }

  audioDropped(seconds: number, reason: DropReason): void {
    this.#audioDropped.inc({ reason }, clamp(seconds));
  }

  eagerEnd(outcome: EagerEndOutcome): void {
    this.#eagerEnds.inc({ outcome });
  }

  errorAnswered(code: ErrorCode, protocol: Protocol): void {
    this.#errors.inc({ code, protocol });
  }

  observeHttp(seconds: number, labels: { route: string; method: string; status: number }): void {
    this.#http.observe({ ...labels, status: String(labels.status) }, clamp(seconds));
  }

  readinessChecked(ready: boolean): void {
    this.#ready.set(ready ? 1 : 0);
  }

  /** Adds counts of edits against references; rates are then right over any time and any number of processes. */
  addAccuracy(labels: { model: string; set: string }, counts: AccuracyCounts): void {
    this.#characterEdits.inc(labels, counts.characterEdits);
    this.#referenceCharacters.inc(labels, counts.referenceCharacters);
    this.#wordEdits.inc(labels, counts.wordEdits);
    this.#referenceWords.inc(labels, counts.referenceWords);
    this.#scored.inc(labels, counts.utterances);
  }

  /** Describes the installed models and their stated accuracy. */
  setModels(models: readonly InstalledModel[]): void {
    this.#models.set(models);
    for (const { name } of models) this.addAccuracy({ model: name, set: FEEDBACK_SET }, NO_COUNTS);
  }

  /** Reports the recogniser's state at every scrape. */
  watchRecognizer(stats: () => RecognizerStats): void {
    watchRecognizer(this.#p.registers, stats);
  }

  /** Reports the room for live sessions at every scrape. */
  watchLive(stats: () => LiveStats): void {
    watchLive(this.#p.registers, stats);
  }

  /**
   * Reports the jobs at every scrape.
   * @returns ends it
   */
  watchJobs(stats: () => Promise<QueueStats>): () => void {
    this.#jobs.watch(stats);
    return () => this.#jobs.watch(undefined);
  }

  /** A job was worked on at a stretch. */
  jobRan(seconds: number, outcome: JobOutcomeName): void {
    this.#jobRun.observe({ outcome }, clamp(seconds));
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The exposition format of Prometheus. */
  expose(): Promise<string> {
    return this.registry.metrics();
  }

  close(): void {
    for (const stop of this.#stop.splice(0)) stop();
  }

  #histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[],
  ): Histogram<L> {
    return new Histogram({ ...this.#p, name: `malgwi_${name}`, help, buckets, labelNames });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ ...this.#p, name: `malgwi_${name}`, help, labelNames });
  }

  #gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect?: () => void,
  ): Gauge<L> {
    return new Gauge({
      ...this.#p,
      name: `malgwi_${name}`,
      help,
      labelNames,
      ...(collect === undefined ? {} : { collect }),
    });
  }
}

/** Clocks step and rates divide by zero; a metric takes neither. */
function clamp(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}
