// Fills the tables of docs/reference from the code: errors, configuration, metrics.
//   npm run build && node scripts/docs-reference.mjs [--check]
// What stands between `<!-- generated NAME -->` and `<!-- end -->` belongs to this script; the rest is written by hand.
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |\n`;
const table = (head, rows) => row(head) + row(head.map(() => '---')) + rows.map(row).join('');
const code = (text) => `\`${text}\``;

/** @param errors the table of src/errors.ts */
export function errorsTable(errors) {
  return table(
    ['code', 'status', 'type', 'close code', 'again?', 'message'],
    Object.entries(errors).map(([name, entry]) => [
      code(name),
      entry.status,
      entry.type,
      entry.close ?? '',
      entry.retryable ? 'yes' : 'no',
      entry.message,
    ]),
  );
}

/** @param variables the table of src/config/variables.ts */
export function configurationTable(variables) {
  return table(
    ['variable', 'default', 'what it does'],
    variables.map(({ env, shown, about }) => [
      code(env),
      /^[\w.-]+$/.test(shown) ? code(shown) : shown,
      about,
    ]),
  );
}

/** @param metrics prom-client's metrics, in the order of their making */
export function metricsTable(metrics) {
  const own = metrics.filter(({ name }) => name.startsWith('malgwi_'));
  return table(
    ['metric', 'type', 'labels', 'what it counts or measures'],
    own.map(({ name, type, labelNames, help }) => [
      code(name),
      type,
      labelNames
        .filter((label) => label !== 'le')
        .map(code)
        .join(', '),
      help,
    ]),
  );
}

/** The page with its generated part replaced. @throws when the page has no such part */
export function fill(page, name, content) {
  const pattern = new RegExp(`(<!-- generated ${name} -->)[\\s\\S]*?(<!-- end -->)`);
  if (!pattern.test(page)) throw new Error(`the page has no part "generated ${name}"`);
  return page.replace(pattern, (_all, start, end) => `${start}\n\n${content}\n${end}`);
}

/** prom-client tells types and labels of a metric only to those who ask the metric itself. */
export function describeMetrics(metrics) {
  return metrics.registry.getMetricsAsArray().map((metric) => ({
    name: metric.name,
    help: metric.help,
    labelNames: metric.labelNames,
    type: metric.constructor.name.toLowerCase(),
  }));
}

/** Makes the metrics that are asked at every scrape known, as a running service does. */
export function watchNothing(metrics) {
  metrics.watchRecognizer(() => ({
    workers: 0,
    busy: 0,
    queued: 0,
    queueLimit: 0,
    liveStreams: 0,
    liveBusySeconds: 0,
    liveCost: undefined,
    restarts: 0,
  }));
  metrics.watchLive(() => ({ capacity: 0, load: 0, lagSeconds: 0, cost: 0, connections: new Map() }));
}

async function main() {
  const { ERRORS } = await import('../dist/errors.js');
  const { VARIABLES } = await import('../dist/config/variables.js');
  const { Metrics } = await import('../dist/metrics/index.js');
  const metrics = new Metrics();
  watchNothing(metrics);
  const parts = {
    errors: errorsTable(ERRORS),
    configuration: configurationTable(VARIABLES),
    metrics: metricsTable(describeMetrics(metrics)),
  };
  metrics.close();
  const stale = [];
  for (const [name, content] of Object.entries(parts)) {
    const file = new URL(`../docs/reference/${name}.md`, import.meta.url);
    const page = await readFile(file, 'utf8');
    const filled = fill(page, name, content);
    if (filled === page) continue;
    if (process.argv.includes('--check')) stale.push(`docs/reference/${name}.md`);
    else await writeFile(file, filled);
  }
  if (stale.length > 0) {
    console.error(`${stale.join(', ')}: not what the code says. Run node scripts/docs-reference.mjs.`);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
