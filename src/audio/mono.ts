import type { DecodedBlock } from './decoder.js';

/** Float files may overshoot full scale a little; beyond 12 dB it is damage, and would drown everything after it. */
const LIMIT = 4;

export interface MonoBlock {
  readonly samples: Float32Array;
  /** Samples that were NaN or infinite; they are silence now. */
  readonly invalid: number;
}

/** Mean of the channels; NaN and infinities become silence, absurd amplitudes are clipped at ±4. */
export function toMono(block: DecodedBlock): MonoBlock {
  const { channels } = block;
  const length = channels[0]?.length ?? 0;
  const samples = new Float32Array(length);
  const scale = 1 / channels.length;
  for (const channel of channels) {
    for (let i = 0; i < length; i++) samples[i] += channel[i];
  }
  let invalid = 0;
  for (let i = 0; i < length; i++) {
    const value = samples[i] * scale;
    if (value >= -LIMIT && value <= LIMIT) samples[i] = value;
    else if (Number.isFinite(value)) samples[i] = Math.sign(value) * LIMIT;
    else {
      samples[i] = 0;
      invalid++;
    }
  }
  return { samples, invalid };
}
