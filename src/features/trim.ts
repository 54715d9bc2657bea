/**
 * KoSpeech's `del_silence`: librosa's `effects.split` with 30 dB on the int16-scaled signal, the kept pieces
 * concatenated (librosa, effects.py; McFee et al. 2015).
 */
const FRAME = 2048;
const HOP = 512;
const TOP_DB = 30;
/** librosa's floor of the mean square, meant for a signal in int16 units. */
const MIN_POWER = 1e-10;
const INT16_SCALE = 32768;

export interface SampleInterval {
  /** First sample, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

/**
 * Intervals of `samples` (16 kHz, [-1, 1]) that are within 30 dB of the loudest frame, in order and apart. All-zero
 * audio is kept whole, as librosa keeps it.
 */
export function findNonSilent(samples: Float32Array): SampleInterval[] {
  if (samples.length === 0) return [];
  const power = framePower(samples);
  let loudest = MIN_POWER;
  for (const value of power) if (value > loudest) loudest = value;
  const reference = 10 * Math.log10(loudest);
  const intervals: SampleInterval[] = [];
  let start = -1;
  for (let frame = 0; frame <= power.length; frame++) {
    const kept = frame < power.length && 10 * Math.log10(power[frame]) - reference > -TOP_DB;
    if (kept && start < 0) start = frame * HOP;
    if (!kept && start >= 0) {
      const end = Math.min(frame * HOP, samples.length);
      if (end > start) intervals.push({ start, end });
      start = -1;
    }
  }
  return intervals;
}

/** The non-silent parts of `samples`, joined. */
export function trimSilence(samples: Float32Array): Float32Array {
  const intervals = findNonSilent(samples);
  if (intervals.length === 1 && intervals[0].end - intervals[0].start === samples.length) return samples;
  const kept = new Float32Array(intervals.reduce((sum, { start, end }) => sum + end - start, 0));
  let at = 0;
  for (const { start, end } of intervals) {
    kept.set(samples.subarray(start, end), at);
    at += end - start;
  }
  return kept;
}

/** Mean square of each frame, in int16 units; frames are centred and the signal is mirrored at its edges. */
function framePower(samples: Float32Array): Float64Array {
  const count = 1 + Math.floor(samples.length / HOP);
  const blocksPerFrame = FRAME / HOP;
  const blocks = new Float64Array(count + blocksPerFrame - 1);
  for (let b = 0; b < blocks.length; b++) blocks[b] = blockEnergy(samples, b * HOP - FRAME / 2);
  const power = new Float64Array(count);
  for (let frame = 0; frame < count; frame++) {
    let sum = 0;
    for (let b = 0; b < blocksPerFrame; b++) sum += blocks[frame + b];
    const mean = (sum / FRAME) * INT16_SCALE * INT16_SCALE;
    power[frame] = mean > MIN_POWER && mean < Infinity ? mean : MIN_POWER;
  }
  return power;
}

function blockEnergy(samples: Float32Array, start: number): number {
  const last = samples.length - 1;
  let sum = 0;
  if (start >= 0 && start + HOP - 1 <= last) {
    for (let i = start; i < start + HOP; i++) sum += samples[i] * samples[i];
    return sum;
  }
  for (let i = start; i < start + HOP; i++) {
    // numpy's `reflect`: the edge sample once, repeated for signals shorter than the padding.
    let at = last === 0 ? 0 : i;
    while (at < 0 || at > last) at = at < 0 ? -at : 2 * last - at;
    sum += samples[at] * samples[at];
  }
  return sum;
}
