/** A small run of scripts/chaos-jobs.mjs; the large one takes minutes. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { hasRedisServer } from '../scripts/lib/redis-server.mjs';

const SCRIPT = fileURLToPath(new URL('../scripts/chaos-jobs.mjs', import.meta.url));

interface Report {
  readonly faults: readonly string[];
  readonly kills: number;
  readonly completed: number;
}

async function chaos(...args: readonly string[]): Promise<Report> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    SCRIPT,
    '--json',
    '--minutes',
    '3',
    ...args,
  ]).catch(
    // It says what was lost, and ends with an error.
    (error: { readonly stdout: string }) => error,
  );
  return JSON.parse(stdout) as Report;
}

describe('jobs survive kill -9', () => {
  test('of the service, with recordings, webhooks and the embedded queue', async () => {
    const report = await chaos('--adapter', 'embedded', '--jobs', '12', '--kills', '3');
    expect(report).toMatchObject({ faults: [], kills: 3, completed: 12 });
  }, 240_000);

  test('of the service, in the embedded queue', async () => {
    const report = await chaos('--adapter', 'embedded', '--queue-only', '--jobs', '40', '--kills', '8');
    expect(report).toMatchObject({ faults: [], kills: 8, completed: 40 });
  }, 240_000);

  test.skipIf(!hasRedisServer())(
    'of service, workers and Redis (skipped where redis-server is not installed)',
    async () => {
      const report = await chaos('--adapter', 'bullmq', '--queue-only', '--jobs', '40', '--kills', '8');
      expect(report).toMatchObject({ faults: [], kills: 8, completed: 40 });
    },
    240_000,
  );
});
