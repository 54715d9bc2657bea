import { MalgwiError } from '../errors.js';
import type { FeatureMatrix, StreamingFbankConfig } from './contract.js';
import { KaldiFbank } from './fbank.js';
import { normalizeFeatures } from './normalize.js';
import { RunningNormalizer } from './running.js';
import { checkFrontEnd, checkRunning } from './validate.js';

/**
 * A front end fed piece by piece; its frames joined are bit-equal to those of the whole signal at once. With running
 * normalisation they are not normalised yet: whoever hands them to a model asks {@link StreamingFrontEnd.normalizer}.
 */
export interface StreamingFrontEnd {
  readonly config: StreamingFbankConfig;
  readonly dims: number;
  /** Frames that became complete with `samples` (16 kHz mono, [-1, 1]); possibly none. */
  push(samples: Float32Array): FeatureMatrix;
  /** Frames that only the end of the signal completes (without snip_edges). The next push starts a new signal. */
  flush(): FeatureMatrix;
  /** For one utterance, where the config asks for running normalisation. */
  normalizer(): RunningNormalizer | undefined;
  /** One more, at the same place of the same signal; the two go their own ways. */
  fork(): StreamingFrontEnd;
}

/**
 * Creates a streaming front end. Memory: one window of samples, besides what a call brings.
 * @throws MalgwiError manifest_invalid for a config that needs the whole utterance (utterance normalisation, silence
 * trimming, reversed frames) or is not valid
 */
export function createStreamingFrontEnd(config: StreamingFbankConfig): StreamingFrontEnd {
  const { normalize } = config;
  if (normalize.kind === 'running') checkRunning(normalize);
  checkFrontEnd({ ...config, normalize: normalize.kind === 'running' ? { kind: 'none' } : normalize });
  if (normalize.kind === 'utterance' || config.trimSilence || config.reverse) {
    const detail =
      'a front end with utterance normalisation, silence trimming or reversed frames needs the whole utterance and cannot stream';
    throw new MalgwiError('manifest_invalid', { param: 'frontEnd', detail });
  }
  return new StreamingKaldiFbank(config);
}

class StreamingKaldiFbank implements StreamingFrontEnd {
  readonly dims: number;
  /** Samples from `offset` of the signal on that frames to come still need. */
  private tail = new Float32Array(0);
  private offset = 0;
  private nextFrame = 0;

  constructor(
    readonly config: StreamingFbankConfig,
    private readonly fbank = new KaldiFbank(config),
  ) {
    this.dims = fbank.dims;
  }

  push(samples: Float32Array): FeatureMatrix {
    const signal = new Float32Array(this.tail.length + samples.length);
    signal.set(this.tail);
    signal.set(samples, this.tail.length);
    const end = this.offset + signal.length;
    const { fbank } = this;
    let frames = 0;
    while (fbank.frames.frameStart(this.nextFrame + frames) + fbank.frames.frameLength <= end) frames++;
    const matrix = this.compute(signal, frames);
    // The left edge is mirrored from the samples themselves, so frames that reach over it still need sample 0 on.
    const keepFrom = Math.min(end, Math.max(this.offset, this.fbank.frames.frameStart(this.nextFrame)));
    this.tail = signal.slice(keepFrom - this.offset);
    this.offset = keepFrom;
    return matrix;
  }

  flush(): FeatureMatrix {
    const total = this.fbank.frames.frameCount(this.offset + this.tail.length);
    const matrix = this.compute(this.tail, Math.max(0, total - this.nextFrame));
    this.tail = new Float32Array(0);
    this.offset = 0;
    this.nextFrame = 0;
    return matrix;
  }

  normalizer(): RunningNormalizer | undefined {
    const { normalize, power } = this.config;
    return normalize.kind === 'running' ? new RunningNormalizer(normalize, this.dims, power) : undefined;
  }

  fork(): StreamingKaldiFbank {
    // Its tables and scratch memory serve one call at a time, and no call waits for anything.
    const copy = new StreamingKaldiFbank(this.config, this.fbank);
    copy.tail = this.tail;
    copy.offset = this.offset;
    copy.nextFrame = this.nextFrame;
    return copy;
  }

  private compute(signal: Float32Array, frames: number): FeatureMatrix {
    const { fbank, dims } = this;
    const matrix = { data: new Float32Array(frames * dims), frames, dims };
    for (let i = 0; i < frames; i++) {
      fbank.compute(signal, fbank.frames.frameStart(this.nextFrame + i) - this.offset, matrix.data, i * dims);
    }
    this.nextFrame += frames;
    const { normalize } = this.config;
    if (normalize.kind !== 'running') normalizeFeatures(matrix, normalize);
    return matrix;
  }
}
