// Worse versions of a recording: noise at a given ratio, the telephone, a room far from the microphone.
import { between, normal, pick, seeded, seedOf } from './random.mjs';
import { convolve } from './convolve.mjs';
import { babble } from './sounds/babble.mjs';
import { music } from './sounds/music.mjs';
import { brown, pink, rms, white, RATE } from './sounds/parts.mjs';

const FRAME = 320;
/** Frames this far below the loudest count as pauses. */
const PAUSE_DB = 30;

/** RMS over the frames in which someone speaks: those within 30 dB of the loudest 20 ms. */
export function speechLevel(samples) {
  const powers = [];
  for (let from = 0; from + FRAME <= samples.length; from += FRAME)
    powers.push(rms(samples.subarray(from, from + FRAME)) ** 2);
  if (powers.length === 0) return rms(samples);
  const least = Math.max(...powers) * 10 ** (-PAUSE_DB / 10);
  const active = powers.filter((power) => power >= least);
  return Math.sqrt(active.reduce((sum, power) => sum + power, 0) / active.length);
}

const SONG = {
  tempo: 104,
  root: 55,
  chords: [[0], [7], [9, true], [5]],
  instrument: 'piano',
  lead: 'strings',
  drums: true,
};
const POOL_SECONDS = 60;
const NOISES = {
  white,
  pink,
  brown,
  babble: (random, seconds) => babble(random, seconds, 12),
  music: (random, seconds) => music(random, seconds, SONG),
};
export const NOISE_NAMES = Object.keys(NOISES);

const pools = new Map();
/** A minute of a noise, made once: recordings get excerpts of it. */
function pool(kind) {
  let samples = pools.get(kind);
  if (samples === undefined) {
    samples = NOISES[kind](seeded(seedOf(kind)), POOL_SECONDS);
    pools.set(kind, samples);
  }
  return samples;
}

/**
 * Adds a noise of one of the kinds of `NOISE_NAMES`. What would be above full scale is brought down as a whole.
 * @param {number} snr dB, of the level where someone speaks to that of the noise
 */
export function withNoise(samples, kind, snr, random) {
  const source = pool(kind);
  const from = Math.floor(random() * source.length);
  const noise = samples.map((_, i) => source[(from + i) % source.length]);
  const gain = speechLevel(samples) / 10 ** (snr / 20) / Math.max(1e-9, rms(noise));
  const mixed = samples.map((sample, i) => sample + gain * noise[i]);
  const peak = mixed.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return peak > 1 ? mixed.map((sample) => sample / peak) : mixed;
}

/** Windowed sinc (Hamming), passing the telephone's 300 to 3400 Hz. */
function telephoneFilter() {
  const half = 150;
  const sinc = (x, cut) =>
    x === 0 ? (2 * cut) / RATE : Math.sin((2 * Math.PI * cut * x) / RATE) / (Math.PI * x);
  return Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = i - half;
    return (sinc(x, 3400) - sinc(x, 300)) * (0.54 + 0.46 * Math.cos((Math.PI * x) / half));
  });
}

/** G.711 mu-law (ITU-T G.711): a byte for a sample of 16 bits. */
function muLaw(sample) {
  const BIAS = 132;
  const value = Math.max(-32_635, Math.min(32_635, Math.round(sample * 32_767)));
  const magnitude = Math.abs(value) + BIAS;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 15;
  return ~((value < 0 ? 128 : 0) | (exponent << 4) | mantissa) & 255;
}

/** A mu-law wav file of 8 kHz, as a telephone exchange records it. */
export function telephoneWav(samples) {
  const filtered = convolve(samples, telephoneFilter());
  const data = Buffer.alloc(Math.ceil(filtered.length / 2));
  for (let i = 0; i < data.length; i++) data[i] = muLaw(filtered[2 * i]);
  const head = Buffer.alloc(58);
  head.write('RIFF', 0);
  head.writeUInt32LE(50 + data.length + (data.length % 2), 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(18, 16);
  head.writeUInt16LE(7, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE / 2, 24);
  head.writeUInt32LE(RATE / 2, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('fact', 38);
  head.writeUInt32LE(4, 42);
  head.writeUInt32LE(data.length, 46);
  head.write('data', 50);
  head.writeUInt32LE(data.length, 54);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

const SOUND_SPEED = 343;

/**
 * Impulse response of a box-shaped room: image sources (Allen and Berkley 1979) for the first 80 ms, then noise that
 * dies away as the room does. The direct sound is at the first sample and of strength 1.
 * @returns `{response, description}`
 */
export function room(random) {
  const size = [between(random, 4, 10), between(random, 3.5, 8), between(random, 2.5, 3.5)];
  const rt60 = between(random, 0.35, 0.8);
  const volume = size[0] * size[1] * size[2];
  const surface = 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2]);
  // Sabine (1900): what the walls must swallow for this reverberation time.
  const reflection = Math.sqrt(1 - Math.min(0.95, (0.161 * volume) / (surface * rt60)));
  const inside = () => size.map((length) => between(random, 0.15, 0.85) * length);
  const distanceOf = (a, b) => Math.hypot(...a.map((x, axis) => x - b[axis]));
  let speaker = inside();
  let microphone = inside();
  while (distanceOf(speaker, microphone) < 2 || distanceOf(speaker, microphone) > 5) {
    speaker = inside();
    microphone = inside();
  }
  const direct = distanceOf(speaker, microphone);
  const early = 0.08;
  const response = new Float64Array(Math.round(Math.min(rt60, 0.7) * RATE));
  const reach = early * SOUND_SPEED + direct;
  const counts = size.map((length) => Math.ceil(reach / (2 * length)));
  for (let x = -counts[0]; x <= counts[0]; x++)
    for (let y = -counts[1]; y <= counts[1]; y++)
      for (let z = -counts[2]; z <= counts[2]; z++)
        for (let mirror = 0; mirror < 8; mirror++) {
          const flips = [mirror & 1, (mirror >> 1) & 1, (mirror >> 2) & 1];
          const cells = [x, y, z];
          const image = cells.map((n, axis) => 2 * n * size[axis] + (flips[axis] ? -1 : 1) * speaker[axis]);
          const bounces = cells.reduce((sum, n, axis) => sum + Math.abs(2 * n - flips[axis]), 0);
          const distance = distanceOf(image, microphone);
          const at = Math.round(((distance - direct) / SOUND_SPEED) * RATE);
          if (at >= early * RATE) continue;
          response[at] += (reflection ** bounces * direct) / distance;
        }
  // The tail goes on at the level that the reflections had in their last 20 ms.
  const edge = Math.round(early * RATE);
  const last = response.subarray(edge - 320, edge);
  const level = Math.sqrt(last.reduce((sum, value) => sum + value * value, 0) / last.length);
  for (let i = edge; i < response.length; i++)
    response[i] = level * normal(random) * 10 ** ((-3 * (i - edge)) / RATE / rt60);
  return { response, rt60, metres: direct };
}

/** Far from the microphone: a room, and the noise of the room 25 dB below the voice. */
export function farField(samples, rooms, random) {
  const { response } = pick(random, rooms);
  const far = convolve(samples, response);
  const level = speechLevel(samples) / Math.max(1e-9, speechLevel(far));
  return withNoise(
    far.map((sample) => sample * level),
    'pink',
    25,
    random,
  );
}
