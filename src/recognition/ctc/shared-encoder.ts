import type { CtcChunk, CtcStreaming, CtcStreamState } from '../../models/contract.js';
import { Together } from '../../workers/together.js';

/**
 * Streams in one run of the encoder. More of them gain next to nothing (from 8 to 16 one in fifty), a run holds the thread
 * while the others wait for their turn, and the largest run's memory stays with the session: 5 MB for each row of the bundled model.
 */
const MOST_STREAMS = 8;

/**
 * Streams whose memory is taken at the start, side by side: taken one at a time, between runs, it would lie between holes that
 * nothing fits into. 26 MB for the bundled model.
 */
const WARM_STREAMS = 32;

export type CtcStep = Awaited<ReturnType<CtcStreaming['run']>>[number];

/** An encoder that the streams of a thread share: steps that are asked for at the same time are rows of one run. */
export class SharedEncoder {
  readonly chunkFrames: number;
  readonly windowFrames: number;
  readonly hopFrames: number;
  private readonly together: Together<CtcChunk, CtcStep>;

  constructor(private readonly encoder: CtcStreaming) {
    ({ chunkFrames: this.chunkFrames, windowFrames: this.windowFrames, hopFrames: this.hopFrames } = encoder);
    this.together = new Together((chunks) => encoder.run(chunks), MOST_STREAMS);
  }

  initial(): CtcStreamState {
    return this.encoder.initial();
  }

  /**
   * The largest run that there will be, on silence, {@link WARM_STREAMS} at a time: their memory is taken.
   * @throws MalgwiError inference_failed
   */
  async warmUp(dims: number): Promise<void> {
    const data = new Float32Array(this.windowFrames * dims);
    const features = { data, frames: this.windowFrames, dims };
    const chunk = { features, state: this.initial() };
    const steps = await Promise.all(Array.from({ length: WARM_STREAMS }, () => this.step(chunk)));
    for (const { state } of steps) if (state !== undefined) this.release(state);
  }

  /** Of a stream that has ended. It must not be used any more. */
  release(state: CtcStreamState): void {
    this.encoder.release(state);
  }

  /** One step of one stream. @throws MalgwiError inference_failed */
  step(chunk: CtcChunk): Promise<CtcStep> {
    return this.together.ask(chunk);
  }
}
