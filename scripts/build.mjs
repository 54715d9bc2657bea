// Builds dist/: the service by tsc (one file per module, so that worker threads find theirs),
// the page by esbuild (browsers need a bundle).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/** Hash of everything that the build is made from. */
function fingerprint() {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  const settings = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];
  const hash = createHash('sha256');
  for (const file of [...sources.sort(), ...settings.map((name) => join(root, name))]) {
    hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

// npm runs this after `npm ci`, before `npm test`, and once more when `npx malgwi` is first used in a clone (npx links
// the clone into its cache): a build that is current stays, above all under a service that runs from it.
const stamp = join(dist, '.fingerprint');
const current = fingerprint();
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) process.exit(0);

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
const web = join(root, 'src/web');
if (existsSync(join(web, 'main.ts'))) {
  const out = join(dist, 'web');
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: ['main.ts', 'capture-worklet.ts', 'jobs/main.ts'].map((name) => join(web, name)),
    outbase: web,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    target: 'es2022',
    outdir: out,
    logLevel: 'warning',
  });
  for (const asset of ['index.html', 'style.css', 'jobs.html', 'jobs.css'])
    cpSync(join(web, asset), join(out, asset));
}
writeFileSync(stamp, current);
