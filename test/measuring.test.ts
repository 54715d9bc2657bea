/** What the scripts measure with: conditions, sounds and sentences must be what they say they are. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { CONDITIONS, writeConditions } from '../scripts/lib/conditions.mjs';
import {
  farField,
  NOISE_NAMES,
  room,
  speechLevel,
  telephoneWav,
  withNoise,
} from '../scripts/lib/degrade.mjs';
import { seeded } from '../scripts/lib/random.mjs';
import { seatSentences, VOICES } from '../scripts/lib/seat-sentences.mjs';
import { suite } from '../scripts/lib/sounds/suite.mjs';
import { readAudio } from '../scripts/lib/wav.mjs';
import { readManifest } from '../src/cli/evaluation/manifest.js';
import { AIRPLANE, LIBRARY, parseIntent } from '../src/intents/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'malgwi-measuring-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rms = (samples: Float32Array): number =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
const db = (ratio: number): number => 20 * Math.log10(ratio);
const difference = (a: Float32Array, b: Float32Array): Float32Array => a.map((sample, i) => sample - b[i]);
const tone = (seconds: number, frequency: number, level = 0.1): Float32Array =>
  Float32Array.from(
    { length: seconds * 16_000 },
    (_, i) => level * Math.SQRT2 * Math.sin((2 * Math.PI * frequency * i) / 16_000),
  );

describe('conditions', () => {
  it('know the level of speech whatever the pauses', () => {
    const speech = tone(1, 500);
    const withPause = new Float32Array(5 * 16_000);
    withPause.set(speech, 16_000);
    expect(speechLevel(withPause)).toBeCloseTo(speechLevel(speech), 3);
  });

  it.each(NOISE_NAMES)('add %s at the ratio they say', (kind) => {
    const speech = tone(2, 500);
    for (const snr of [20, 0]) {
      const noisy = withNoise(speech, kind, snr, seeded(1));
      // Brought down as a whole where it would be above full scale: the ratio holds after undoing that.
      const gain =
        noisy.reduce((sum, v, i) => sum + v * speech[i], 0) / speech.reduce((sum, v) => sum + v * v, 0);
      const noise = difference(
        noisy,
        speech.map((v) => v * gain),
      );
      expect(db((rms(speech) * gain) / rms(noise))).toBeCloseTo(snr, -0.5);
      expect(rms(difference(withNoise(speech, kind, snr, seeded(1)), noisy))).toBe(0);
    }
  });

  it('make a telephone that passes 300 to 3,400 Hz, in a file that the service reads', async () => {
    const through = async (frequency: number): Promise<number> => {
      const path = join(folder, 'telephone.wav');
      writeFileSync(path, telephoneWav(tone(1, frequency)));
      const heard = await readAudio(path);
      expect(Math.abs(heard.length - 16_000)).toBeLessThan(10);
      return db(rms(heard.subarray(1600, -1600)) / 0.1);
    };
    expect(await through(1000)).toBeCloseTo(0, 0);
    expect(await through(3000)).toBeCloseTo(0, 0);
    expect(await through(100)).toBeLessThan(-30);
    expect(await through(5000)).toBeLessThan(-30);
  });

  it('make rooms that go on for as long as they say, after the direct sound', () => {
    for (const seed of [1, 2, 3]) {
      const { response, rt60, metres } = room(seeded(seed));
      expect(response[0]).toBeCloseTo(1, 5);
      expect(metres).toBeGreaterThanOrEqual(2);
      expect(metres).toBeLessThanOrEqual(5);
      const energy = (from: number, to: number) => rms(Float32Array.from(response.subarray(from, to)));
      const [early, late] = [0.1 * 16_000, 0.25 * 16_000];
      const fallen = db(energy(late, late + 800) / energy(early, early + 800));
      expect(Math.abs(fallen + (60 * 0.15) / rt60)).toBeLessThan(3);
    }
    const far = farField(tone(1, 500), [room(seeded(1))], seeded(1));
    expect(Math.abs(db(speechLevel(far) / 0.1))).toBeLessThan(1);
  });

  it('keep the lines of a manifest, and name what was done', async () => {
    const items = (await readManifest(join(root, 'test-audio/manifest.jsonl'))).slice(0, 2);
    const path = await writeConditions(items, join(folder, 'conditions'));
    const made = await readManifest(path);
    expect(made.map(({ fields }) => fields.condition)).toEqual([
      ...Object.keys(CONDITIONS),
      ...Object.keys(CONDITIONS),
    ]);
    expect(made[0]).toMatchObject({ text: items[0].text, fields: { voice: items[0].fields.voice } });
    expect(made.filter(({ fields }) => fields.noise !== undefined)).toHaveLength(8);
    for (const { path: audio } of made) expect((await readAudio(audio)).length).toBeGreaterThan(8000);
  });
});

describe('sounds', () => {
  it('are the same every time, within full scale, each with a name of its own', () => {
    const first = [...suite()];
    const digest = (samples: Float32Array): string =>
      createHash('sha256').update(new Uint8Array(samples.buffer)).digest('hex');
    const again = suite()[Symbol.iterator]();
    expect(first.length).toBeGreaterThan(50);
    expect(new Set(first.map(({ name }) => name)).size).toBe(first.length);
    first.forEach(({ name, samples }, i) => {
      // The first kinds stand for all: making the music twice takes its time.
      if (i < 25) expect(digest(again.next().value!.samples), name).toBe(digest(samples));
      expect(
        samples.every((sample) => Math.abs(sample) <= 1),
        name,
      ).toBe(true);
      if (name !== 'digital silence') expect(rms(samples), name).toBeGreaterThan(1e-5);
    });
  });
});

describe('seat sentences', () => {
  const halves = { report: seatSentences('report'), development: seatSentences('development') };
  const texts = Object.values(halves)
    .flat()
    .map(({ text }) => text.replaceAll(' ', ''));

  it('are at least three hundred to be reported, none of them twice or in both halves', () => {
    expect(halves.report.length).toBeGreaterThanOrEqual(300);
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('are understood as they are written, nearly all', () => {
    const wrong = halves.development.filter(({ text, venue, intent, seat }) => {
      const got = parseIntent(text, { venue: venue === 'library' ? LIBRARY : AIRPLANE });
      return got.intent !== intent || got.slots.seat !== seat;
    });
    expect(wrong.length).toBeLessThan(0.08 * halves.development.length);
  });

  it('are spoken by voices that the recipe does not train on', () => {
    const recipe = readFileSync(join(root, 'python/malgwi_train/espeak.py'), 'utf8');
    const trained = /^VARIANTS = \[([^\]]*)\]/m.exec(recipe)![1];
    expect(trained).toContain('"+f1"');
    expect(VOICES.filter((voice) => trained.includes(`"+${voice}"`))).toEqual([]);
  });

  it("are no sentences of the training's grammar", ({ skip }) => {
    const program = `
import json, random, sys
sys.path.insert(0, sys.argv[1])
from malgwi_train import seats
made = {seats.sentence(random.Random(n)).replace(" ", "") for n in range(50000)}
print(json.dumps(sorted(made & set(json.load(sys.stdin)))))`;
    let shared: string;
    try {
      const options = { input: JSON.stringify(texts), encoding: 'utf8', stdio: 'pipe' } as const;
      shared = execFileSync('python3', ['-c', program, join(root, 'python')], options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') skip('python3 is not installed');
      throw error;
    }
    expect(JSON.parse(shared)).toEqual([]);
  });
});
