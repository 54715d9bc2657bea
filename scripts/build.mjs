// Builds dist/: the service by tsc (one file per module, so that worker threads find theirs),
// the page by esbuild (browsers need a bundle).
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
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
    entryPoints: [join(web, 'main.ts'), join(web, 'capture-worklet.ts')].filter((f) => existsSync(f)),
    bundle: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    target: 'es2022',
    outdir: out,
    logLevel: 'warning',
  });
  for (const asset of ['index.html', 'style.css']) {
    if (existsSync(join(web, asset))) cpSync(join(web, asset), join(out, asset));
  }
}

// npm links the commands of dependencies, not the package's own. Without this link `npx malgwi` inside the clone would
// install the clone into npx's cache first, which builds everything anew, under the feet of a running service.
const bin = join(root, 'node_modules/.bin');
const link = join(bin, 'malgwi');
if (process.platform !== 'win32' && existsSync(bin)) {
  rmSync(link, { force: true });
  symlinkSync('../../bin/malgwi.js', link);
}
