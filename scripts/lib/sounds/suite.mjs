// The published suite of sounds that are not Korean speech: what a microphone at a desk, a telephone and a hall hear.
// All of it is computed; each sound has a seed of its own, made from its name.
import { between, normal, pick, seeded, seedOf } from '../random.mjs';
import { babble } from './babble.mjs';
import { music } from './music.mjs';
import { add, atLevel, brown, decay, faded, fill, pink, samplesOf, thump, tone, white } from './parts.mjs';

const SECONDS = 6;

/** Hum of the mains and its overtones, with a little noise. */
const hum = (random, base) =>
  fill(SECONDS, (t) => {
    let sum = 0.02 * normal(random);
    for (const [k, strength] of [1, 0.6, 0.5, 0.25, 0.2, 0.1].entries())
      sum += strength * Math.sin(2 * Math.PI * base * (k + 1) * t + k);
    return sum;
  });

/** Sounds of one kind at irregular moments. */
function scattered(random, seconds, gap, make) {
  const samples = samplesOf(seconds);
  for (let at = 0.3; at < seconds - 0.3; at += between(random, ...gap))
    add(samples, make(), at, between(random, 0.5, 1));
  return samples;
}

const keyboard = (random) =>
  scattered(random, SECONDS, [0.07, 0.3], () =>
    thump(random, [between(random, 1500, 2500), between(random, 3500, 6000)], 0.012),
  );
/** Three or four knocks, a pause, and again. */
function knocks(random) {
  const samples = samplesOf(SECONDS);
  for (let at = 0.5; at < SECONDS - 1; at += 2)
    for (let k = 0; k < 4; k++) add(samples, thump(random, [110, 240, 520], 0.06), at + k * 0.22);
  return samples;
}
const clicks = (random) => scattered(random, SECONDS, [0.1, 0.9], () => Float32Array.of(1, -0.6, 0.2));
const claps = (random) => scattered(random, SECONDS, [0.02, 0.08], () => thump(random, [900, 1800], 0.02));
const steps = (random) => scattered(random, SECONDS, [0.45, 0.6], () => thump(random, [90, 180, 900], 0.04));

const sweep = (low, high) =>
  fill(SECONDS, (t) => {
    const k = Math.log(high / low) / SECONDS;
    return Math.sin((2 * Math.PI * low * (Math.exp(k * t) - 1)) / k);
  });
const siren = () =>
  fill(SECONDS, (t) => Math.sin(2 * Math.PI * 900 * t - 350 * Math.cos(2 * Math.PI * 0.5 * t)));
const beeps = (frequency, on, off) =>
  fill(SECONDS, (t) => (t % (on + off) < on ? Math.sin(2 * Math.PI * frequency * t) : 0));
const chord = (notes) => {
  const parts = notes.map((frequency) => faded(tone(SECONDS, frequency, [1, 0.4, 0.2, 0.1]), 0.05));
  return parts[0].map((_, i) => parts.reduce((sum, part) => sum + part[i], 0));
};

/** Tones of the telephone (ITU-T E.180 and Q.23): frequencies together, seconds on and off. */
const telephone = (frequencies, on = SECONDS, off = 0) =>
  fill(SECONDS, (t) =>
    t % (on + off) < on ? frequencies.reduce((sum, f) => sum + Math.sin(2 * Math.PI * f * t), 0) : 0,
  );
function dtmf(random) {
  const samples = samplesOf(SECONDS);
  for (let at = 0.4; at < SECONDS - 0.3; at += 0.22) {
    const pair = [pick(random, [697, 770, 852, 941]), pick(random, [1209, 1336, 1477])];
    for (const frequency of pair) add(samples, faded(tone(0.12, frequency)), at);
  }
  return samples;
}

const POP = { tempo: 118, root: 57, chords: [[3], [10], [0, true], [8]], drums: true };
const pop = { ...POP, instrument: 'piano', lead: 'pluck' };
const anthem = { ...POP, tempo: 92, root: 52, instrument: 'organ', lead: 'strings' };
const waltz = {
  tempo: 84,
  root: 60,
  chords: [[0], [5], [7], [0]],
  instrument: 'strings',
  lead: 'flute',
  drums: false,
};
const drums = { ...POP, tempo: 140, instrument: 'pluck', chords: [[0]], lead: undefined };
const lullaby = {
  tempo: 70,
  root: 55,
  chords: [[0], [9, true], [5], [7]],
  instrument: 'piano',
  lead: 'flute',
  drums: false,
};

const NOISES = { white, pink, brown };

/** @type {{name: string, kind: string, level: number, make: (random: () => number) => Float32Array}[]} */
const SOUNDS = [
  { name: 'digital silence', kind: 'silence', level: -Infinity, make: () => samplesOf(SECONDS) },
  { name: 'last bit of 16', kind: 'silence', level: -90, make: (r) => white(r, SECONDS) },
  { name: 'very quiet noise', kind: 'silence', level: -75, make: (r) => pink(r, SECONDS) },
  { name: 'a constant voltage', kind: 'silence', level: -20, make: () => fill(SECONDS, () => 1) },
  ...[-60, -45, -30, -20, -10].flatMap((level) =>
    Object.entries(NOISES).map(([colour, noise]) => ({
      name: `${colour} noise, ${level} dB`,
      kind: 'noise',
      level,
      make: (r) => noise(r, SECONDS),
    })),
  ),
  { name: 'clipped noise', kind: 'noise', level: 6, make: (r) => white(r, SECONDS) },
  {
    name: 'noise that swells',
    kind: 'noise',
    level: -25,
    make: (r) => pink(r, SECONDS).map((sample, i) => sample * (1 + 0.9 * Math.sin(i / 2500))),
  },
  {
    name: 'noise in bursts',
    kind: 'noise',
    level: -22,
    make: (r) => scattered(r, SECONDS, [0.3, 0.8], () => decay(white(r, 0.3), 0.08)),
  },
  { name: 'hum of 60 Hz', kind: 'hum', level: -25, make: (r) => hum(r, 60) },
  { name: 'hum of 50 Hz, loud', kind: 'hum', level: -12, make: (r) => hum(r, 50) },
  {
    name: 'fan',
    kind: 'hum',
    level: -30,
    make: (r) => brown(r, SECONDS).map((s, i) => s * (1 + 0.2 * Math.sin(i / 90))),
  },
  { name: 'clicks', kind: 'impulses', level: -35, make: clicks },
  { name: 'keyboard', kind: 'impulses', level: -28, make: keyboard },
  { name: 'knocks on a door', kind: 'impulses', level: -22, make: knocks },
  { name: 'applause', kind: 'impulses', level: -22, make: claps },
  { name: 'steps', kind: 'impulses', level: -28, make: steps },
  ...[120, 440, 1000, 3000].map((frequency) => ({
    name: `tone of ${frequency} Hz`,
    kind: 'tones',
    level: -20,
    make: () => faded(tone(SECONDS, frequency)),
  })),
  {
    name: 'tone with overtones of 150 Hz',
    kind: 'tones',
    level: -20,
    make: () => faded(tone(SECONDS, 150, [1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])),
  },
  { name: 'major chord', kind: 'tones', level: -20, make: () => chord([262, 330, 392]) },
  { name: 'seventh chord', kind: 'tones', level: -20, make: () => chord([196, 247, 294, 349]) },
  { name: 'sweep up', kind: 'tones', level: -20, make: () => sweep(60, 7500) },
  { name: 'sweep down', kind: 'tones', level: -20, make: () => sweep(7500, 60) },
  { name: 'siren', kind: 'tones', level: -20, make: siren },
  { name: 'beeps', kind: 'tones', level: -20, make: () => beeps(2000, 0.1, 0.4) },
  { name: 'dial tone', kind: 'telephone', level: -20, make: () => telephone([350, 440]) },
  { name: 'ringing tone', kind: 'telephone', level: -20, make: () => telephone([440, 480], 1, 2) },
  { name: 'busy tone', kind: 'telephone', level: -20, make: () => telephone([480, 620], 0.5, 0.5) },
  { name: 'DTMF', kind: 'telephone', level: -20, make: dtmf },
  ...Object.entries({
    'pop with drums': pop,
    'anthem with drums': anthem,
    waltz,
    'drums alone': drums,
    lullaby,
  }).flatMap(([name, style]) =>
    [-30, -15].map((level) => ({
      name: `${name}, ${level} dB`,
      kind: 'music',
      level,
      make: (r) => music(r, 2 * SECONDS, style),
    })),
  ),
  ...[6, 12, 30].map((voices) => ({
    name: `babble of ${voices}`,
    kind: 'babble',
    level: -25,
    make: (r) => babble(r, SECONDS, voices),
  })),
];

/** Sounds of the published suite: `{name, kind, samples}`, float, 16 kHz. */
export function* suite() {
  for (const { name, kind, level, make } of SOUNDS) {
    const samples = make(seeded(seedOf(name)));
    yield { name, kind, samples: level === -Infinity ? samples : atLevel(samples, level) };
  }
}
