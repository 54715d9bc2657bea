// Music with drums, played by code: a chord progression, a bass, a melody and a drum kit.
import { between, pick } from '../random.mjs';
import { add, decay, faded, fill, resonate, samplesOf, tone, white } from './parts.mjs';

const hertz = (midi) => 440 * 2 ** ((midi - 69) / 12);
const MAJOR = [0, 4, 7];
const MINOR = [0, 3, 7];

/** A note of an instrument. */
const INSTRUMENTS = {
  piano: (seconds, f) => decay(tone(seconds, f, [1, 0.5, 0.35, 0.2, 0.12, 0.06]), 0.5),
  organ: (seconds, f) => faded(tone(seconds, f, [1, 0.8, 0.6, 0.5, 0.1, 0.3]), 0.02),
  strings: (seconds, f) =>
    faded(
      fill(seconds, (t) => {
        // A saw made of overtones, with vibrato.
        const phase = 2 * Math.PI * f * t + 0.6 * Math.sin(2 * Math.PI * 5.5 * t);
        let sum = 0;
        for (let k = 1; k <= 12 && k * f < 7000; k++) sum += Math.sin(k * phase) / k;
        return sum;
      }),
      0.08,
    ),
  flute: (seconds, f) => faded(tone(seconds, f, [1, 0.25, 0.08]), 0.04),
  pluck: (seconds, f) => decay(tone(seconds, f, [1, 0.7, 0.6, 0.45, 0.3, 0.2, 0.1]), 0.18),
};

function drum(random, kind) {
  if (kind === 'kick') {
    return decay(
      fill(0.3, (t) => Math.sin(2 * Math.PI * (45 * t + 3 * (1 - Math.exp(-t / 0.03))))),
      0.1,
      0.001,
    );
  }
  const noise = white(random, kind === 'snare' ? 0.25 : 0.08);
  if (kind === 'hat')
    return decay(
      noise.map((sample, i) => sample - (noise[i - 1] ?? 0)),
      0.02,
      0.001,
    );
  return decay(
    resonate(noise, 1800, 2500).map((sample, i) => sample * 2 + Math.sin(0.075 * i)),
    0.07,
    0.001,
  );
}

/**
 * @param style `{tempo, root, chords: [semitones, minor?][], instrument, lead, drums}`; root as a MIDI note
 */
export function music(random, seconds, style) {
  const { tempo, root, chords, instrument, lead, drums } = style;
  const beat = 60 / tempo;
  const samples = samplesOf(seconds);
  const play = (name, at, length, midi, gain) =>
    add(samples, INSTRUMENTS[name](length, hertz(midi)), at, gain);
  for (let bar = 0, at = 0; at < seconds; bar++, at += 4 * beat) {
    const [step, minor = false] = chords[bar % chords.length];
    const chord = (minor ? MINOR : MAJOR).map((interval) => root + step + interval);
    for (const note of chord) play(instrument, at, 4 * beat, note, 0.25);
    for (const half of [0, 2]) play('pluck', at + half * beat, 2 * beat, root + step - 12, 0.5);
    for (let eighth = 0; eighth < 8; eighth++) {
      if (lead !== undefined && random() < 0.7)
        play(
          lead,
          at + (eighth * beat) / 2,
          (beat / 2) * pick(random, [1, 1, 2]),
          pick(random, chord) + 12,
          0.4,
        );
      if (drums) add(samples, drum(random, 'hat'), at + (eighth * beat) / 2, between(random, 0.1, 0.2));
    }
    if (!drums) continue;
    for (const quarter of [0, 2]) add(samples, drum(random, 'kick'), at + quarter * beat, 1);
    for (const quarter of [1, 3]) add(samples, drum(random, 'snare'), at + quarter * beat, 0.35);
  }
  return samples;
}
