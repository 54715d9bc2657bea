/** Nothing is told to anybody: what the native library would send, it also writes down in the temporary folder. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { malgwi } from './cli-support.js';

it('leaves nothing in the temporary folder, and sends no telemetry', { timeout: 120_000 }, async () => {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'malgwi-telemetry-'));
  try {
    const { code } = await malgwi(['transcribe', 'test-audio/greeting.wav'], { env: { TMPDIR } });
    expect(code).toBe(0);
    expect(readdirSync(TMPDIR)).toEqual([]);
  } finally {
    rmSync(TMPDIR, { recursive: true, force: true });
  }
});
