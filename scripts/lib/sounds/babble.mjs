// A crowd that says nothing: voices made of pulses and formants, each with its own pitch, pace and pauses.
import { between, normal, pick } from '../random.mjs';
import { RATE, add, resonate, samplesOf } from './parts.mjs';

/** First three formants of five vowels, Hz (after Peterson and Barney 1952). */
const VOWELS = [
  [730, 1090, 2440],
  [270, 2290, 3010],
  [300, 870, 2240],
  [530, 1840, 2480],
  [570, 840, 2410],
];

/** One syllable: a hiss, and a voice that glides from one vowel to another. */
function syllable(random, pitch, size, seconds) {
  const source = samplesOf(seconds);
  let phase = 0;
  const rise = between(random, -0.15, 0.15);
  for (let i = 0; i < source.length; i++) {
    const t = i / source.length;
    phase += (pitch * (1 + rise * t)) / RATE;
    const pulse = phase >= 1 ? 1 : 0;
    if (pulse) phase -= 1;
    const voiced = t > 0.2 ? 1 : 0;
    source[i] = (voiced * pulse * 20 + (voiced ? 0.1 : 0.8) * normal(random) * 0.5) * Math.sin(Math.PI * t);
  }
  const vowel = pick(random, VOWELS);
  return vowel.reduce((samples, formant, k) => resonate(samples, formant * size, 60 + 40 * k), source);
}

/** @param voices how many talk at once */
export function babble(random, seconds, voices) {
  const samples = samplesOf(seconds);
  for (let voice = 0; voice < voices; voice++) {
    const pitch = between(random, 90, 240);
    const size = pitch > 160 ? 1.15 : 1;
    const gain = between(random, 0.3, 1);
    for (let at = -between(random, 0, 1); at < seconds;) {
      const length = between(random, 0.12, 0.28);
      add(samples, syllable(random, pitch * between(random, 0.85, 1.15), size, length), at, gain);
      at += length + (random() < 0.12 ? between(random, 0.3, 1.2) : 0);
    }
  }
  return samples;
}
