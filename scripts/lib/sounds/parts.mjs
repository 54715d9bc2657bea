// What sounds are put together from. Samples are float, 16 kHz mono; levels in dB relative to full scale (RMS).
import { between, normal } from '../random.mjs';

export const RATE = 16_000;
export const samplesOf = (seconds) => new Float32Array(Math.round(seconds * RATE));

/** Sets a sample for each moment. @param {(t: number, i: number) => number} wave of the time in seconds */
export function fill(seconds, wave) {
  const samples = samplesOf(seconds);
  for (let i = 0; i < samples.length; i++) samples[i] = wave(i / RATE, i);
  return samples;
}

/** Root mean square of all of it. */
export function rms(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/** Brings a sound to a level, and below full scale. */
export function atLevel(samples, db) {
  const gain = 10 ** (db / 20) / Math.max(1e-9, rms(samples));
  return samples.map((sample) => Math.max(-1, Math.min(1, sample * gain)));
}

/** Adds `part` to `samples` from a moment on; what does not fit is left out. */
export function add(samples, part, seconds, gain = 1) {
  const from = Math.round(seconds * RATE);
  const end = Math.min(part.length, samples.length - from);
  for (let i = Math.max(0, -from); i < end; i++) samples[from + i] += gain * part[i];
}

export const white = (random, seconds) => fill(seconds, () => normal(random));

/** Noise whose power falls by 3 dB an octave: white noise through seven one-pole filters (Paul Kellet's sum). */
export function pink(random, seconds) {
  const poles = [0.99886, 0.99332, 0.969, 0.8665, 0.55, -0.7616];
  const gains = [0.0555179, 0.0750759, 0.153852, 0.3104856, 0.5329522, -0.016898];
  const state = poles.map(() => 0);
  let last = 0;
  return fill(seconds, () => {
    const input = normal(random);
    let sum = last + input * 0.5362;
    for (let k = 0; k < poles.length; k++) {
      state[k] = poles[k] * state[k] + gains[k] * input;
      sum += state[k];
    }
    last = input * 0.115926;
    return sum;
  });
}

/** Noise whose power falls by 6 dB an octave: summed white noise that leaks a little. */
export function brown(random, seconds) {
  let sum = 0;
  return fill(seconds, () => (sum = 0.998 * sum + normal(random)));
}

/** Two-pole resonator (Klatt 1980), gain 1 at 0 Hz. */
export function resonate(samples, frequency, bandwidth) {
  const c = -Math.exp((-2 * Math.PI * bandwidth) / RATE);
  const b = 2 * Math.exp((-Math.PI * bandwidth) / RATE) * Math.cos((2 * Math.PI * frequency) / RATE);
  const a = 1 - b - c;
  let y1 = 0;
  let y2 = 0;
  return samples.map((sample) => {
    const y = a * sample + b * y1 + c * y2;
    y2 = y1;
    y1 = y;
    return y;
  });
}

/** Dies away with a time constant, after an attack of a few milliseconds. */
export function decay(samples, seconds, attack = 0.003) {
  return samples.map((sample, i) => {
    const t = i / RATE;
    return sample * Math.min(1, t / attack) * Math.exp(-t / seconds);
  });
}

/** A tone with overtones, `strengths[k]` of the k-th. */
export const tone = (seconds, frequency, strengths = [1]) =>
  fill(seconds, (t) =>
    strengths.reduce(
      (sum, strength, k) => sum + strength * Math.sin(2 * Math.PI * frequency * (k + 1) * t),
      0,
    ),
  );

/** Fades both ends, so that switching on and off does not click. */
export function faded(samples, seconds = 0.005) {
  const edge = Math.max(1, Math.round(seconds * RATE));
  return samples.map((sample, i) => sample * Math.min(1, i / edge, (samples.length - 1 - i) / edge));
}

/** Knocks, keys, drops: noise through resonances that dies away. */
export function thump(random, frequencies, seconds) {
  const burst = white(random, seconds * 6);
  const body = frequencies
    .map((frequency) => resonate(burst, frequency, frequency / 4))
    .reduce((sum, part) => sum.map((sample, i) => sample + part[i]));
  return decay(body, seconds * between(random, 0.8, 1.2), 0.001);
}
