import type { CtcChunk, CtcStreaming, CtcStreamState } from '../../models/contract.js';
import { Together } from '../../workers/together.js';

/**
 * Streams in one run of the encoder. More of them gain little (from 8 to 16 one in twenty), and a run holds the thread: the
 * others wait for their turn.
 */
const MOST_STREAMS = 16;

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

  /** One step of one stream. @throws MalgwiError inference_failed */
  step(chunk: CtcChunk): Promise<CtcStep> {
    return this.together.ask(chunk);
  }
}
