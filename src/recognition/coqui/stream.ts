import type { DecodedHypothesis, PartialText } from '../../decoding/contract.js';
import type { CoquiMfcc } from '../../features/index.js';
import type { DecodingStream } from '../families/contract.js';
import { InTurn } from '../in-turn.js';
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
  private readonly window: Float32Array;
  private filled = 0;
  private readonly frame: Float32Array;
  private readonly turns: InTurn<CoquiSteps>;

  /** @param alternatives hypotheses of a result where a call names no number */
  constructor(
    private readonly mfcc: CoquiMfcc,
    private readonly size: WindowSize,
    steps: CoquiSteps,
    private readonly alternatives: number,
  ) {
    this.turns = new InTurn(steps);
    this.window = new Float32Array(size.windowSamples);
    this.frame = new Float32Array(mfcc.dims);
  }

  feed(given: Float32Array): Promise<void> {
    // The caller may use its memory again before it is this call's turn.
    const samples = given.slice();
    return this.turns.run(async (steps) => {
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

  partial(): Promise<PartialText> {
    return this.turns.run((steps) => Promise.resolve({ text: steps.decode(1)[0].text, stable: 0 }));
  }

  intermediate(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.turns.run((steps) => Promise.resolve(steps.decode(alternatives)));
  }

  flush(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.turns.run((steps) => this.endOf(steps.fork(), alternatives));
  }

  finish(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    const result = this.turns.run((steps) => this.endOf(steps, alternatives));
    this.turns.endAfterwards();
    return result;
  }

  close(): void {
    this.turns.end();
  }

  private async endOf(steps: CoquiSteps, alternatives: number): Promise<readonly DecodedHypothesis[]> {
    const frame = new Float32Array(this.mfcc.dims);
    this.mfcc.compute(this.window.subarray(0, this.filled), 0, frame, 0);
    await steps.push(frame, 0);
    await steps.end();
    return steps.decode(alternatives);
  }
}
