/** The reference pages say what the code says. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configurationTable,
  describeMetrics,
  errorsTable,
  fill,
  metricsTable,
  watchNothing,
} from '../scripts/docs-reference.mjs';
import { VARIABLES } from '../src/config/variables.js';
import { ERRORS } from '../src/errors.js';
import { JOB_FIELDS, JOB_SOURCES } from '../src/http/jobs/fields.js';
import { KNOWN_FIELDS } from '../src/http/transcription/fields.js';
import { Metrics } from '../src/metrics/index.js';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
const page = (name: string): Promise<string> => readFile(join(docs, name), 'utf8');
const REGENERATE = 'run: npm run build && node scripts/docs-reference.mjs';

describe('docs/reference', () => {
  let metrics: Metrics;
  beforeAll(() => {
    metrics = new Metrics();
    watchNothing(metrics);
  });
  afterAll(() => metrics.close());

  it('errors.md has every code with its status', async () => {
    const text = await page('reference/errors.md');
    expect(text === fill(text, 'errors', errorsTable(ERRORS)), REGENERATE).toBe(true);
    for (const code of Object.keys(ERRORS)) expect(text).toContain(`| \`${code}\` |`);
  });

  it('configuration.md has every variable, and no other', async () => {
    const text = await page('reference/configuration.md');
    expect(text === fill(text, 'configuration', configurationTable(VARIABLES)), REGENERATE).toBe(true);
    const known = new Set(VARIABLES.map(({ env }) => env));
    for (const [name] of text.matchAll(/MALGWI_[A-Z_]*[A-Z]/g)) expect(known).toContain(name);
    for (const name of known) expect(text).toContain(`| \`${name}\` |`);
  });

  it('metrics.md has every metric, and no other', async () => {
    const text = await page('reference/metrics.md');
    const described = describeMetrics(metrics);
    expect(text === fill(text, 'metrics', metricsTable(described)), REGENERATE).toBe(true);
    const names = new Set(described.map(({ name }: { name: string }) => name));
    for (const [name] of text.matchAll(/\bmalgwi_[a-z_]+/g)) expect(names).toContain(name);
  });

  it('monitoring.md has every alert, and names only rules and variables that exist', async () => {
    const text = await page('guides/monitoring.md');
    const rules = await readFile(join(docs, '../observability/rules/alerts.yml'), 'utf8');
    const recording = await readFile(join(docs, '../observability/rules/recording.yml'), 'utf8');
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    expect(alerts.length).toBeGreaterThan(10);
    for (const alert of alerts) {
      const short = alert.replace(/Slow$/, 'Fast');
      expect(text).toContain(`\`${short}\``);
    }
    for (const [name] of text.matchAll(/\bMalgwi[A-Z]\w+/g)) expect(alerts).toContain(name);
    for (const [name] of text.matchAll(/\bmalgwi:[a-z0-9_:]+/g))
      expect(recording).toContain(`record: ${name}\n`);
    const known = VARIABLES.map(({ env }) => env);
    for (const [name] of text.matchAll(/MALGWI_[A-Z_]*[A-Z]/g)) expect(known).toContain(name);
  });

  it('http.md has every field of the transcription form', async () => {
    const text = await page('reference/http.md');
    for (const field of KNOWN_FIELDS) {
      if (!field.includes('[')) expect(text).toMatch(new RegExp(`\\| \`${field}(\\[\\])?\` \\|`));
    }
  });

  it('http.md has every field of a job', async () => {
    const text = await page('reference/http.md');
    const section = text.slice(text.indexOf('### Fields of a job'), text.indexOf('### What a job says'));
    for (const field of [...JOB_FIELDS, ...JOB_SOURCES]) {
      if (!field.includes('[')) expect(section).toMatch(new RegExp(`\\| \`${field}(\\[\\])?\` \\|`));
    }
  });

  it('has no link that leads nowhere', async () => {
    for (const name of ['http', 'errors', 'configuration', 'metrics']
      .map((file) => `reference/${file}.md`)
      .concat('guides/monitoring.md')) {
      for (const [, link] of (await page(name)).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect([name, link, existsSync(join(docs, dirname(name), link))]).toEqual([name, link, true]);
      }
    }
  });
});
