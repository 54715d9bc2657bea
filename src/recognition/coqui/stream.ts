import type { DecodedHypothesis } from '../../decoding/contract.js';
import { MalgwiError } from '../../errors.js';
import type { CoquiMfcc } from '../../features/index.js';
import type { DecodingStream } from '../families/contract.js';
import type { CoquiSteps } from './steps.js';

export interface WindowSize {
  readonly windowSamples: number;
  readonly stepSamples: number;
}

/**
 * An utterance for a Coqui model, sample by sample: windows of samples become frames of features, frames become steps
 * of the model (see {@link CoquiSteps}). At the end one more window is made of the samples that are left, be there none.
 */
export class CoquiStream implements DecodingStream {
  private steps: CoquiSteps | undefined;
  private readonly window: Float32Array;
  private filled = 0;
  private readonly frame: Float32Array;
  /** Calls are worked on in turn. */
  private last: Promise<unknown> = Promise.resolve();
  private failure: unknown;

  /** @param alternatives hypotheses of a result where a call names no number */
  constructor(
    private readonly mfcc: CoquiMfcc,
    private readonly size: WindowSize,
    steps: CoquiSteps,
    private readonly alternatives: number,
  ) {
    this.steps = steps;
    this.window = new Float32Array(size.windowSamples);
    this.frame = new Float32Array(mfcc.dims);
  }

  feed(samples: Float32Array): Promise<void> {
    return this.inTurn(async (steps) => {
      const { window, frame } = this;
      const { stepSamples } = this.size;
      for (let at = 0; at < samples.length;) {
        const piece = samples.subarray(at, at + window.length - this.filled);
        window.set(piece, this.filled);
        this.filled += piece.length;
        at += piece.length;
        if (this.filled < window.length) return;
        this.mfcc.compute(window, 0, frame, 0);
        window.copyWithin(0, stepSamples);
        this.filled -= stepSamples;
        await steps.push(frame, 0);
      }
    });
  }

  intermediate(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.inTurn((steps) => Promise.resolve(steps.decode(alternatives)));
  }

  flush(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.inTurn((steps) => this.endOf(steps.fork(), alternatives));
  }

  finish(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    const result = this.inTurn((steps) => this.endOf(steps, alternatives));
    this.last = this.last.then(() => this.close());
    return result;
  }

  close(): void {
    this.steps = undefined;
  }

  private async endOf(steps: CoquiSteps, alternatives: number): Promise<readonly DecodedHypothesis[]> {
    const frame = new Float32Array(this.mfcc.dims);
    this.mfcc.compute(this.window.subarray(0, this.filled), 0, frame, 0);
    await steps.push(frame, 0);
    await steps.end();
    return steps.decode(alternatives);
  }

  /** A stream of which one call failed has lost audio: every later call fails as it did. */
  private inTurn<T>(work: (steps: CoquiSteps) => Promise<T>): Promise<T> {
    const result = this.last.then(async () => {
      if (this.failure !== undefined) throw this.failure;
      if (this.steps === undefined) {
        throw new MalgwiError('invalid_request', { detail: 'The stream has ended.' });
      }
      try {
        return await work(this.steps);
      } catch (error) {
        this.failure = error;
        throw error;
      }
    });
    this.last = result.catch(() => undefined);
    return result;
  }
}
