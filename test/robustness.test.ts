/** The published suite of sounds that are no Korean speech, through the bundled model, as files and live. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS, runSuite, summarise } from '../scripts/lib/robustness.mjs';
import type { ClassFigures, SoundRow } from '../scripts/lib/robustness.mjs';
import type { Recognizer } from '../src/recognition/contract.js';
import { clips, startRecognizer } from './http-support.js';

let recognizer: Recognizer;
let rows: readonly SoundRow[];
let skipped: readonly { kind: string; reason: string }[];
let classes: ClassFigures[];

beforeAll(async () => {
  recognizer = await startRecognizer();
  ({ rows, skipped } = await runSuite(recognizer));
  classes = summarise(rows);
}, 240_000);
afterAll(() => recognizer.close());

describe('sounds that are no Korean speech', () => {
  it.for(Object.entries(LIMITS))('%s: at most %d syllables a minute', ([kind, limit], { skip }) => {
    const left = skipped.find((one) => one.kind === kind);
    if (left !== undefined) skip(left.reason);
    const figures = classes.find((one) => one.kind === kind)!;
    const written = rows.filter((row) => row.kind === kind && (row.offline !== '' || row.live !== ''));
    expect(figures.sounds).toBeGreaterThan(0);
    expect(Math.max(figures.offline, figures.live), JSON.stringify(written)).toBeLessThanOrEqual(limit);
  });

  it('while Korean is still written', async () => {
    for (const clip of clips().filter(({ name }) => !name.includes('dialogue'))) {
      const { text, segments } = await recognizer.transcribeFile(clip.path);
      expect(text, clip.name).not.toBe('');
      expect(
        segments.every((segment) => segment.text !== ''),
        clip.name,
      ).toBe(true);
    }
  });
});
