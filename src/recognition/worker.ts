/**
 * Entry of the worker threads. Each has its own sessions of the voice activity detector and the acoustic models, and
 * holds the state of the files and live streams that were opened on it.
 */
import { workerData } from 'node:worker_threads';
import { createPushDecoder, openAudioFile } from '../audio/index.js';
import { SAMPLE_RATE, type AudioStream } from '../audio/contract.js';
import { MalgwiError } from '../errors.js';
import type { ModelPackage } from '../models/manifest.js';
import { VAD_WINDOW } from '../vad/contract.js';
import { SileroVad } from '../vad/silero.js';
import { resumableSegments, type AudioSegment } from '../vad/segmenter.js';
import { Transferred } from '../workers/contract.js';
import { serveWorker } from '../workers/host.js';
import { RecognitionEngine } from './engine.js';
import { isStreaming } from './families/index.js';
import type * as protocol from './protocol.js';
import { readReadingState, writeReadingState, type ReadingState } from './resume.js';
import { StreamingRecognizer } from './streaming.js';
import { wholePieces } from './whole.js';
import { WorkShare } from './work-share.js';

const setup = workerData as protocol.WorkerSetup;
const packages = new Map<string, ModelPackage>(setup.models.map((model) => [model.manifest.name, model]));
const engines = new Map<string, Promise<RecognitionEngine>>();
const vad = await SileroVad.load();

function engine(name: string): Promise<RecognitionEngine> {
  let loading = engines.get(name);
  if (loading === undefined) {
    const model = packages.get(name);
    if (model === undefined) throw new MalgwiError('model_not_found', { param: 'model' });
    loading = RecognitionEngine.load(model);
    engines.set(name, loading);
    loading.catch(() => engines.delete(name));
  }
  return loading;
}

interface OpenFile {
  readonly stream: AudioStream;
  readonly windows: AsyncIterator<AudioSegment[], void>;
  /** Found, and not given out yet. */
  readonly found: AudioSegment[];
  /** Where the reading stands behind all that was found. */
  readonly save: (given: number) => { readonly state: ReadingState; readonly samples: number };
  samplesRead: number;
  /** Samples up to the end of the last segment that was given out. */
  given: number;
}

/** Silence may last for hours: after this long the search for the next segment lets other calls through. */
const SEARCH_MS = 200;

let nextStream = 1;
const share = new WorkShare();
const files = new Map<number, OpenFile>();
const streams = new Map<number, StreamingRecognizer>();

function held<T>(map: Map<number, T>, handle: number): T {
  const value = map.get(handle);
  if (value === undefined) throw new Error(`handle ${String(handle)} is not open`);
  return value;
}

async function openFile(call: protocol.OpenFileCall): Promise<protocol.OpenFileReply> {
  const stream = await openAudioFile(call.path, {
    ...(call.raw === undefined ? {} : { raw: call.raw }),
    ...(call.maxSeconds === undefined ? {} : { maxSeconds: call.maxSeconds }),
  });
  const counted = async function* (): AsyncGenerator<Float32Array> {
    for await (const chunk of stream.chunks()) {
      file.samplesRead += chunk.length;
      yield chunk;
    }
  };
  const state = call.resume === undefined ? undefined : readReadingState(call.resume);
  const reading = read(call, counted(), state);
  const given = state?.kind === 'whole' ? state.from : 0;
  const file: OpenFile = { stream, ...reading, found: [], samplesRead: 0, given };
  files.set(call.handle, file);
  return { info: stream.info };
}

function read(
  { wholeSamples, endpoint }: protocol.OpenFileCall,
  chunks: AsyncIterable<Float32Array>,
  state: ReadingState | undefined,
): Pick<OpenFile, 'windows' | 'save'> {
  if (wholeSamples !== undefined) {
    return {
      windows: wholePieces(chunks, wholeSamples, state?.kind === 'whole' ? state.from : 0),
      save: (given) => ({ state: { kind: 'whole', from: given }, samples: given }),
    };
  }
  const restored = state?.kind === 'pauses' ? state : undefined;
  const detector = vad.createStream(restored?.detector);
  const { windows, save } = resumableSegments(chunks, detector, endpoint, {}, restored?.segmenter);
  return {
    windows,
    save: () => {
      const segmenter = save();
      return {
        state: { kind: 'pauses', detector: detector.save(), segmenter },
        samples: segmenter.endpointer.window * VAD_WINDOW,
      };
    },
  };
}

async function nextSegment(call: protocol.NextSegmentCall): Promise<Transferred<protocol.NextSegmentReply>> {
  const file = held(files, call.handle);
  const started = performance.now();
  let done = false;
  while (!done && file.found.length === 0 && performance.now() - started < SEARCH_MS) {
    const next = await file.windows.next();
    if (next.done === true) done = true;
    else file.found.push(...next.value);
  }
  const segment = file.found.shift();
  if (segment !== undefined) file.given = Math.round(segment.end * SAMPLE_RATE);
  const saved =
    call.save === true && !done && file.found.length === 0 && file.samplesRead > 0
      ? file.save(file.given)
      : undefined;
  const reply = {
    done,
    doneSeconds: file.samplesRead / SAMPLE_RATE,
    audioMs: performance.now() - started,
    ...(saved === undefined
      ? {}
      : {
          saved: { state: writeReadingState(saved.state), doneSeconds: saved.samples / SAMPLE_RATE },
        }),
  };
  if (segment === undefined) return new Transferred(reply, []);
  const { buffer, byteLength } = segment.samples;
  const samples = (
    byteLength === buffer.byteLength ? segment.samples : segment.samples.slice()
  ) as Float32Array<ArrayBuffer>;
  const { start, end, meanProbability } = segment;
  return new Transferred({ ...reply, segment: { start, end, meanProbability, samples } }, [samples.buffer]);
}

async function closeFile(call: protocol.HandleCall): Promise<void> {
  const file = files.get(call.handle);
  files.delete(call.handle);
  await file?.windows.return?.();
  await file?.stream.close();
}

async function recognize(
  call: protocol.RecognizeCall,
  signal: AbortSignal,
): Promise<protocol.RecognizeReply> {
  const loaded = await engine(call.model);
  const result = await loaded.recognize(call.samples, call.options, signal);
  return { ...result, frameSeconds: loaded.frameSeconds };
}

async function openStream(call: protocol.OpenStreamCall): Promise<{ handle: number }> {
  const loaded = await engine(call.model);
  const decoder = await createPushDecoder(call.encoding, {
    sampleRate: call.sampleRate,
    channels: call.channels,
  });
  const handle = nextStream++;
  streams.set(handle, new StreamingRecognizer(loaded, decoder, vad.createStream(), call, share));
  return { handle };
}

function closeStream(call: protocol.HandleCall): void {
  streams.get(call.handle)?.close();
  streams.delete(call.handle);
}

/** One second of a quiet tone through features, model and decoder: what readiness means. */
async function check(call: { model: string }): Promise<void> {
  const samples = Float32Array.from({ length: SAMPLE_RATE }, (_, i) => 0.1 * Math.sin(i * 0.15));
  await vad.createStream().process(samples.subarray(0, 512));
  await (await engine(call.model)).recognize(samples);
}

/** What many streams at a time take, as long as it does not grow with how many they are. */
async function expectStreams(): Promise<void> {
  await vad.warmUp();
  const { family } = await engine(setup.preload.manifest.name);
  if (isStreaming(family)) await family.warmUp?.();
}

await check({ model: setup.preload.manifest.name });
if (setup.live) await expectStreams();

serveWorker({
  check,
  openFile,
  nextSegment,
  closeFile,
  recognize,
  openStream,
  feed: (call: protocol.FeedCall, signal) => held(streams, call.handle).feed(call.bytes, signal),
  flush: (call: protocol.HandleCall, signal) => held(streams, call.handle).flush(signal),
  finish: async (call: protocol.HandleCall, signal) => {
    const result = await held(streams, call.handle).finish(signal);
    closeStream(call);
    return result;
  },
  closeStream,
});
