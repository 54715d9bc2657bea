/** Entry of the worker threads of a {@link Model}: the acoustic model, its scorers, and the streams opened here. */
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { MalgwiError } from '../errors.js';
import type { TokenTable } from '../decoding/contract.js';
import { readPackage, type Manifest } from '../models/index.js';
import { CoquiDecoder } from '../decoding/coqui/index.js';
import { ScorerFile } from '../recognition/coqui/scorer-file.js';
import type { CoquiStream } from '../recognition/coqui/stream.js';
import { DEFAULT_BEAM_WIDTH } from '../recognition/coqui/searches.js';
import { CoquiFamily } from '../recognition/families/coqui.js';
import { readTokens } from '../recognition/families/index.js';
import { serveWorker } from '../workers/host.js';
import type * as protocol from './protocol.js';
import { toTranscript } from './transcript.js';

const { directory } = workerData as protocol.WorkerSetup;

interface Engine {
  readonly manifest: Manifest;
  readonly table: TokenTable;
  readonly family: CoquiFamily;
}

async function load(): Promise<Engine> {
  const model = await readPackage(directory);
  const { manifest } = model;
  if (manifest.family !== 'coqui') {
    const detail = `${manifest.name} is a model of the family ${manifest.family}, not coqui.`;
    throw new MalgwiError('manifest_invalid', { detail });
  }
  const table = await readTokens(model);
  return { manifest, table, family: await CoquiFamily.load(model, table) };
}

let loading: Promise<Engine> | undefined;

/** The model, loaded when it is first asked for: a thread that replaces another loads it again. */
function engine(): Promise<Engine> {
  loading ??= load();
  return loading;
}

async function describe(): Promise<protocol.ModelDescription> {
  const { manifest } = await engine();
  const { languageModel } = manifest;
  return {
    sampleRate: manifest.frontEnd.sampleRate,
    beamWidth: manifest.decoder.beamWidth ?? DEFAULT_BEAM_WIDTH,
    ...(languageModel?.format === 'coqui-scorer' ? { scorerPath: join(directory, languageModel.file) } : {}),
  };
}

/** A scorer stays open while it is enabled or a stream uses it. */
interface HeldScorer {
  readonly file: ScorerFile;
  enabled: boolean;
  streams: number;
}

const scorers = new Map<number, HeldScorer>();

async function scorerOf({ id, path, weights }: protocol.ScorerSettings): Promise<HeldScorer> {
  const known = scorers.get(id);
  if (known !== undefined) return known;
  const { family } = await engine();
  const file = ScorerFile.open(path, family.alphabet);
  if (weights !== undefined) file.scorer.setWeights(weights);
  const held = { file, enabled: true, streams: 0 };
  scorers.set(id, held);
  return held;
}

function closeUnused(id: number, held: HeldScorer): void {
  if (held.enabled || held.streams > 0) return;
  scorers.delete(id);
  held.file.close();
}

async function loadScorer(call: protocol.ScorerSettings): Promise<void> {
  await scorerOf(call);
}

function dropScorer({ id }: protocol.ScorerSettings): void {
  const held = scorers.get(id);
  if (held === undefined) return;
  held.enabled = false;
  closeUnused(id, held);
}

async function setWeights(call: protocol.ScorerSettings): Promise<void> {
  const { file } = await scorerOf(call);
  if (call.weights !== undefined) file.scorer.setWeights(call.weights);
}

const streams = new Map<number, { readonly stream: CoquiStream; release(): void }>();

async function open(call: protocol.OpenCall): Promise<void> {
  const { family } = await engine();
  const held = call.scorer === undefined ? undefined : await scorerOf(call.scorer);
  const search = new CoquiDecoder(family.alphabet, {
    beamWidth: call.beamWidth,
    hotWords: call.hotWords,
    scorer: held?.file.scorer,
  });
  if (held !== undefined) held.streams += 1;
  const release = (): void => {
    if (held === undefined || call.scorer === undefined) return;
    held.streams -= 1;
    closeUnused(call.scorer.id, held);
  };
  streams.set(call.handle, { stream: family.streamThrough(search), release });
}

function opened(handle: number): CoquiStream {
  const held = streams.get(handle);
  if (held === undefined) throw new Error(`stream ${String(handle)} is not open`);
  return held.stream;
}

async function feed({ handle, pcm }: protocol.FeedCall): Promise<void> {
  await opened(handle).feed(Float32Array.from(new Int16Array(pcm), (sample) => sample / 32768));
}

async function result(call: protocol.ResultCall): Promise<protocol.TranscriptReply[]> {
  const { table } = await engine();
  const stream = opened(call.handle);
  const hypotheses = await stream[call.kind](call.results);
  if (call.kind === 'finish') close(call);
  return hypotheses.slice(0, call.results).map((hypothesis) => toTranscript(table, hypothesis));
}

function close({ handle }: protocol.HandleCall): void {
  const held = streams.get(handle);
  streams.delete(handle);
  held?.stream.close();
  held?.release();
}

serveWorker({ describe, loadScorer, dropScorer, setWeights, open, feed, result, close });
