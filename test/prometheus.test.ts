/** The real Prometheus: promtool on everything we ship, and a server that scrapes the service under load. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchNothing } from '../scripts/docs-reference.mjs';
import { Metrics } from '../src/metrics/index.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { clips, startRecognizer, testService, TRANSCRIPTIONS } from './http-support.js';
import type { TestService } from './http-support.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const installed = has('promtool') && has('prometheus');
const why = installed
  ? ''
  : ' (skipped: prometheus and promtool are not installed; Debian has them in its package prometheus)';

describe.skipIf(!installed)(`promtool${why}`, () => {
  const promtool = (...args: string[]) => run('promtool', args, { cwd: root });

  it('finds nothing to say about prometheus.yml and the rules', async () => {
    const { stdout, stderr } = await promtool(
      'check',
      'config',
      '--lint=all',
      '--lint-fatal',
      'prometheus.yml',
    );
    expect(stdout).toContain('prometheus.yml is valid');
    expect(stderr).toBe('');
  });

  it('sees every rule fire when it must, and not when it must not', async () => {
    const { stdout } = await promtool('test', 'rules', 'observability/tests/rules.yml');
    expect(stdout).toContain('SUCCESS');
  }, 120_000);

  it('accepts every expression of the dashboard, and the service has every metric in it', async () => {
    const dashboard = JSON.parse(await readFile(join(root, 'observability/grafana/malgwi.json'), 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const expressions = dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(10);
    const folder = await mkdtemp(join(tmpdir(), 'malgwi-dashboard-'));
    const rules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'malgwi').replaceAll('$model', 'm'),
    }));
    const file = join(folder, 'dashboard.json');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    await promtool('check', 'rules', '--lint=none', file);
    await rm(folder, { recursive: true });

    const metrics = new Metrics();
    watchNothing(metrics);
    const known = new Set(metrics.registry.getMetricsAsArray().map(({ name }) => name));
    metrics.close();
    const recording = await readFile(join(root, 'observability/rules/recording.yml'), 'utf8');
    const alerts = await readFile(join(root, 'observability/rules/alerts.yml'), 'utf8');
    for (const text of [...expressions, recording, alerts]) {
      for (const [name] of text.matchAll(/\b(malgwi_[a-z_]+|process_[a-z_]+)\b/g)) {
        const base = name.replace(/_(bucket|sum|count)$/, '');
        expect([name, known.has(name) || known.has(base)]).toEqual([name, true]);
      }
    }
    for (const text of [...expressions, alerts]) {
      for (const [name] of text.matchAll(/\bmalgwi:[a-z0-9_:]+/g))
        expect(recording).toContain(`record: ${name}\n`);
    }
  });
});

interface QueryResult {
  readonly metric: Record<string, string>;
  readonly value: [number, string];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!installed)(`a Prometheus that scrapes the service${why}`, () => {
  let recognizer: Recognizer;
  let service: TestService;
  let prometheus: ChildProcess;
  let folder: string;
  let address: string;
  let queries: string;

  const query = async (expr: string): Promise<QueryResult[]> => {
    const response = await fetch(`${queries}/api/v1/query?${new URLSearchParams({ query: expr })}`);
    const { status, data } = (await response.json()) as { status: string; data: { result: QueryResult[] } };
    expect([expr, status]).toEqual([expr, 'success']);
    return data.result;
  };
  const eventually = async (expr: string): Promise<QueryResult[]> => {
    for (let attempt = 0; attempt < 60; attempt += 1) {
      const result = await query(expr).catch(() => []);
      if (result.length > 0 && result.every(({ value }) => value[1] !== 'NaN')) return result;
      await sleep(500);
    }
    throw new Error(`no result for ${expr}`);
  };

  beforeAll(async () => {
    recognizer = await startRecognizer(2);
    service = await testService(recognizer);
    address = await service.app.listen({ host: '127.0.0.1', port: 0 });
    folder = await mkdtemp(join(tmpdir(), 'malgwi-prometheus-'));
    // The configuration that we ship, with the address of this test, and a pace that does not take minutes.
    const shipped = await readFile(join(root, 'prometheus.yml'), 'utf8');
    const config = shipped
      .replaceAll('localhost:3000', new URL(address).host)
      .replaceAll('observability/', join(root, 'observability/'))
      .replace(/(scrape|evaluation)_interval: 15s/g, '$1_interval: 1s')
      .replace('scrape_timeout: 10s', 'scrape_timeout: 1s');
    await writeFile(join(folder, 'prometheus.yml'), config);
    const port = await freePort();
    queries = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    await eventually('up{job="malgwi"} == 1');
  }, 90_000);

  afterAll(async () => {
    prometheus?.kill();
    await service?.close();
    await recognizer?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('reads the p95 of transcription latency and the error rates of words and characters back', async () => {
    const spoken = clips();
    let characters = 0;
    let edits = 0;
    let words = 0;
    let wordEdits = 0;
    for (let round = 0; round < 2; round += 1) {
      for (const clip of spoken) {
        const data = new FormData();
        data.append('file', new Blob([clip.bytes as BlobPart]), clip.name);
        const response = await fetch(`${address}${TRANSCRIPTIONS}`, { method: 'POST', body: data });
        expect([clip.name, response.status]).toEqual([clip.name, 200]);
        await response.arrayBuffer();
        const scored = await fetch(`${address}/v1/feedback`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ request_id: response.headers.get('x-request-id'), reference: clip.text }),
        });
        type Counts = {
          substitutions: number;
          deletions: number;
          insertions: number;
          reference_length: number;
        };
        const score = (await scored.json()) as { characters: Counts; words: Counts };
        const sum = (counts: Counts): number => counts.substitutions + counts.deletions + counts.insertions;
        characters += score.characters.reference_length;
        edits += sum(score.characters);
        words += score.words.reference_length;
        wordEdits += sum(score.words);
      }
      await sleep(1500);
    }
    const requests = 2 * spoken.length;
    await eventually(`malgwi_transcription_seconds_count == ${requests}`);

    const [p95] = await eventually(
      'histogram_quantile(0.95, sum by (le) (rate(malgwi_transcription_seconds_bucket[1m])))',
    );
    expect(Number(p95.value[1])).toBeGreaterThan(0);
    expect(Number(p95.value[1])).toBeLessThan(30);
    const [recorded] = await eventually('malgwi:transcription_seconds:p95_rate5m > 0');
    expect(recorded.metric.model).toBe(recognizer.defaultModel);

    // Rules are evaluated some time after a scrape: wait for the value, not for a value.
    const near = (rule: string, value: number): string => `abs(${rule}{set="feedback"} - ${value}) < 1e-9`;
    const [wer] = await eventually(near('malgwi:wer:ratio_total', wordEdits / words));
    expect(wer.metric).toMatchObject({ job: 'malgwi', model: recognizer.defaultModel });
    await eventually(near('malgwi:cer:ratio_total', edits / characters));

    expect(await query('malgwi_audio_processed_seconds_total{kind="batch"} > 10')).toHaveLength(1);
    expect(
      await query(
        'ALERTS{alertname=~"MalgwiDown|MalgwiErrorsBurnFast|MalgwiAudioDropped|MalgwiNotReady", alertstate="firing"}',
      ),
    ).toEqual([]);
  }, 120_000);

  it('exposes what promtool accepts, and nothing that names a person, a key or a text', async () => {
    const { stdout, stderr } = await run('bash', [
      '-c',
      `curl -s ${address}/metrics | promtool check metrics --extended`,
    ]);
    expect(stderr).toBe('');
    expect(stdout).toContain('malgwi_transcription_seconds');
    const text = await (await fetch(`${address}/metrics`)).text();
    expect(text).not.toMatch(/[가-힣]/);
    expect(text).not.toMatch(/req_[0-9a-f]/);
    expect(text).not.toContain('nodejs_active_');
    expect(text).not.toContain('nodejs_eventloop_lag');
  });
});

describe('metrics', () => {
  it('start at 0 where their labels are known, so that the first event is an increase', async () => {
    const metrics = new Metrics();
    const text = await metrics.expose();
    expect(text).toContain('malgwi_audio_dropped_seconds_total{reason="backlog"} 0');
    expect(text).toContain('malgwi_errors_total{code="internal_error",protocol="http"} 0');
    metrics.close();
  });

  it('take neither NaN nor negative times', async () => {
    const metrics = new Metrics();
    metrics.observeFinalLatency(Number.NaN, { model: 'm', protocol: 'stream' });
    metrics.observeFinalLatency(-3, { model: 'm', protocol: 'stream' });
    metrics.observeRealTimeFactor(1 / 0, { model: 'm', kind: 'live' });
    const text = await metrics.expose();
    expect(text).toContain('malgwi_final_latency_seconds_sum{model="m",protocol="stream"} 0');
    expect(text).not.toContain('malgwi_real_time_factor_ratio_count{');
    metrics.close();
  });

  it('count close codes that clients make up as one', async () => {
    const metrics = new Metrics();
    metrics.sessionOpened('stream');
    metrics.sessionEnded('stream');
    metrics.socketClosed('stream', 3999);
    metrics.socketClosed('stream', 1000);
    const text = await metrics.expose();
    expect(text).toContain('malgwi_websocket_closes_total{protocol="stream",code="other"} 1');
    expect(text).toContain('malgwi_websocket_closes_total{protocol="stream",code="1000"} 1');
    expect(text).toContain('malgwi_live_sessions_active{protocol="stream"} 0');
    metrics.close();
  });

  it('see a stalled event loop, whoever scrapes in between', async () => {
    const metrics = new Metrics();
    await sleep(60);
    const until = performance.now() + 300;
    while (performance.now() < until);
    await sleep(60);
    await metrics.expose();
    const text = await metrics.expose();
    const above = /event_loop_delay_seconds_count (\d+)/.exec(text);
    const below = /event_loop_delay_seconds_bucket\{le="0\.1"\} (\d+)/.exec(text);
    // A stall of 300 ms hides about ten samples above 100 ms; they count as well.
    expect(Number(above?.[1]) - Number(below?.[1])).toBeGreaterThanOrEqual(8);
    metrics.close();
  });
});
