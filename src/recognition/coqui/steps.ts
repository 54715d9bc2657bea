import type { CoquiRuntime, CoquiState } from '../../models/contract.js';
import type { FrameSearch } from './search.js';

/** Steps that Coqui's exported graphs take at once. */
const BATCH = 16;

/**
 * Coqui's acoustic model and a search, fed one frame of features after the other. As in the original's streaming state
 * (native_client/stt.cc), a step of the model sees a frame between `context` earlier and later ones, with frames of
 * zeros before the first and after the last, and the model runs 16 steps at a time from the first frame on. A whole
 * file goes the same way: how the frames come makes no difference to the result.
 */
export class CoquiSteps {
  private readonly dims: number;
  private readonly context: number;
  /** The frames that the next step sees, as far as they are there; row-major [2 context + 1, dims]. */
  private readonly window: Float32Array;
  private filled: number;
  /** Steps that wait for a full batch. */
  private readonly batch: Float32Array;
  private steps = 0;
  private state: CoquiState;
  /** Milliseconds in the graph so far. */
  encoderMs = 0;

  /** @param features dims of a frame, and frames of context on each side */
  constructor(
    private readonly runtime: CoquiRuntime,
    private readonly search: FrameSearch,
    private readonly features: { readonly dims: number; readonly context: number },
  ) {
    this.dims = features.dims;
    this.context = features.context;
    this.window = new Float32Array((2 * this.context + 1) * this.dims);
    this.filled = this.context * this.dims;
    this.batch = new Float32Array(BATCH * this.window.length);
    this.state = runtime.initial();
  }

  /**
   * @param data holds the frame at `at`
   * @throws MalgwiError inference_failed
   */
  async push(data: Float32Array, at: number): Promise<void> {
    const { window, dims } = this;
    window.set(data.subarray(at, at + dims), this.filled);
    this.filled += dims;
    if (this.filled < window.length) return;
    this.batch.set(window, this.steps * window.length);
    this.steps += 1;
    window.copyWithin(0, dims);
    this.filled -= dims;
    if (this.steps === BATCH) await this.run();
  }

  /**
   * The end of the utterance: zeros behind the last frame, and what waits is computed.
   * @throws MalgwiError inference_failed
   */
  async end(): Promise<void> {
    const zeros = new Float32Array(this.dims);
    for (let frame = 0; frame < this.context; frame++) await this.push(zeros, 0);
    if (this.steps > 0) await this.run();
  }

  /** A copy that goes its own way. */
  fork(): CoquiSteps {
    const copy = new CoquiSteps(this.runtime, this.search.fork(), this.features);
    copy.window.set(this.window);
    copy.filled = this.filled;
    copy.batch.set(this.batch);
    copy.steps = this.steps;
    copy.state = this.state;
    return copy;
  }

  decode(alternatives: number): ReturnType<FrameSearch['decode']> {
    return this.search.decode(alternatives);
  }

  private async run(): Promise<void> {
    const { steps, window } = this;
    const started = performance.now();
    const result = await this.runtime.run(this.batch.subarray(0, steps * window.length), steps, this.state);
    this.encoderMs += performance.now() - started;
    this.steps = 0;
    this.state = result.state;
    this.search.next(result.probabilities, steps, result.classes);
  }
}
