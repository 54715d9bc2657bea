/** A small run of scripts/torture-live.mjs; the large one takes minutes. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../scripts/torture-live.mjs', import.meta.url));

const run = (args: string): Promise<{ readonly stdout: string }> =>
  promisify(execFile)(process.execPath, [SCRIPT, ...args.split(' ')]).catch(
    // It says what differs, and ends with an error.
    (error: { readonly stdout: string }) => error,
  );

test('live sessions over nine bad networks are transcribed as over good ones', async () => {
  const { stdout } = await run('--reconnects 20 --seconds 6 --life 1000 --delay 400 --speed 2 --json');
  const report = JSON.parse(stdout) as { readonly reconnects: number; readonly finals: number };
  expect(report).toMatchObject({ equal: true, lost: 0, extra: 0, begunAnew: 0, failed: 0 });
  expect(report.reconnects).toBeGreaterThanOrEqual(20);
  expect(report.finals).toBeGreaterThan(9);
}, 120_000);
