/** A minute of scripts/soak-live.mjs, which plays hours; and whether its judgement sees a leak. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { trend } from '../scripts/lib/trend.mjs';

const SCRIPT = fileURLToPath(new URL('../scripts/soak-live.mjs', import.meta.url));

interface Report {
  readonly whole: boolean;
  readonly sessions: number;
  readonly audioSeconds: number;
  readonly played: number;
  readonly rows: readonly { readonly rssMb: number; readonly finalLatencyMs: { readonly p50: number } }[];
}

test('a session in accelerated time is one session, heard to its end', async () => {
  const args = ['--hours', '0.02', '--window', '0.25', '--speed', '30', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, ...args]).catch(
    // A minute is too short to say whether anything rises.
    (error: { readonly stdout: string }) => error,
  );
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ whole: true, sessions: 1, reason: 'finished', missed: 0 });
  expect(report.audioSeconds).toBeGreaterThan(70);
  expect(report.audioSeconds).toBeCloseTo(report.played, 1);
  expect(report.rows.length).toBeGreaterThanOrEqual(4);
  for (const { rssMb, finalLatencyMs } of report.rows) {
    expect(rssMb).toBeGreaterThan(50);
    expect(finalLatencyMs.p50).toBeGreaterThan(0);
  }
}, 120_000);

test('a rise is told from noise', () => {
  const hours = Array.from({ length: 17 }, (_, n) => n);
  const noise = hours.map((n) => (n % 2 === 0 ? 3 : -3));
  const steady = trend(
    hours,
    noise.map((value) => 300 + value),
  );
  expect(Math.abs(steady.rise)).toBeLessThan(steady.error);
  const leak = trend(
    hours,
    noise.map((value, n) => 300 + value + 2 * n),
  );
  expect(leak.rise).toBeCloseTo(32, 0);
  expect(leak.rise - leak.error).toBeGreaterThan(20);
  expect(leak.mean).toBeCloseTo(316, 0);
});
