/** What leaves this repository: the package, its lock file, the bundled model, and no trace of anyone's machine. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseManifest } from '../src/models/manifest.js';
import { ROOT } from './cli-support.js';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const MODELS = join(ROOT, 'models');
const MAX_MODEL_BYTES = 20e6;

describe('package', () => {
  const manifest = JSON.parse(read('package.json')) as {
    bin: Record<string, string>;
    exports: Record<string, { types: string; default: string } | string>;
    engines: { node: string };
  };

  it('has what it names', () => {
    expect(statSync(join(ROOT, manifest.bin.malgwi)).mode & 0o100).not.toBe(0);
    expect(read(manifest.bin.malgwi)).toMatch(/^#!\/usr\/bin\/env node\n/);
    for (const entry of Object.values(manifest.exports)) {
      const files = typeof entry === 'string' ? [entry] : [entry.types, entry.default];
      for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });

  it('can be imported by name, the pure parts without native code', () => {
    const script = `
      import { createRecognizer, MalgwiError, toSrt } from 'malgwi';
      import { parseIntent } from 'malgwi/intents';
      import { normalizeForScoring } from 'malgwi/korean';
      for (const thing of [createRecognizer, MalgwiError, toSrt, parseIntent, normalizeForScoring]) {
        if (typeof thing !== 'function') throw new Error('not exported');
      }`;
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, stdio: 'pipe' });
    const pure = `
      import 'malgwi/intents';
      import 'malgwi/korean';
      if (Object.keys(process.binding('natives')).length === 0) throw new Error();
      const native = process.moduleLoadList.filter((name) => name.includes('onnxruntime'));
      if (native.length > 0) throw new Error(native.join());`;
    execFileSync(process.execPath, ['--no-deprecation', '--input-type=module', '-e', pure], {
      cwd: ROOT,
      stdio: 'pipe',
    });
  });

  it('runs by npx inside the clone', { timeout: 120_000 }, () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const printed = execFileSync('npx', ['malgwi', '--version'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(printed.trim().split('\n').at(-1)).toBe(version);
  });

  it('packs the program, the model and the documentation, and no sources or tests', () => {
    const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(listing) as [{ files: { path: string }[] }];
    const paths = files.map((file) => file.path);
    for (const path of [
      'bin/malgwi.js',
      'dist/cli/main.js',
      'dist/recognition/worker.js',
      'models/malgwi-ko/manifest.json',
      'README.md',
      'LICENSE',
    ]) {
      expect(paths).toContain(path);
    }
    expect(paths.filter((path) => /^(src|test|python|scripts|test-audio)\//.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.test\.(js|d\.ts)$/.test(path))).toEqual([]);
  });

  it('installs without addresses of any registry, and without CUDA', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    const addressed = Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.startsWith('http'));
    expect(addressed.map(([name]) => name)).toEqual([]);
    expect(read('.npmrc')).toMatch(/^onnxruntime-node-install=skip$/m);
    const native = join(ROOT, 'node_modules/onnxruntime-node/bin');
    const files = readdirSync(native, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /cuda|tensorrt/i.test(file))).toEqual([]);
  });
});

describe('bundled models', () => {
  it.each(readdirSync(MODELS))('%s is what its manifest says, at most 20 MB', (name) => {
    const manifest = parseManifest(JSON.parse(read(`models/${name}/manifest.json`)));
    expect(manifest.name).toBe(name);
    for (const [file, entry] of Object.entries(manifest.files)) {
      const bytes = readFileSync(join(MODELS, name, file));
      expect(bytes.length, file).toBe(entry.bytes);
      expect(createHash('sha256').update(bytes).digest('hex'), file).toBe(entry.sha256);
    }
    const all = readdirSync(join(MODELS, name));
    const size = all.reduce((sum, file) => sum + statSync(join(MODELS, name, file)).size, 0);
    expect(size).toBeLessThanOrEqual(MAX_MODEL_BYTES);
    const unnamed = all.filter(
      (file) => !['manifest.json', 'README.md', ...Object.keys(manifest.files)].includes(file),
    );
    expect(unnamed).toEqual([]);
  });

  it('say their licence and what was measured, with counts that add up', () => {
    const manifest = parseManifest(JSON.parse(read('models/malgwi-ko/manifest.json')));
    expect(manifest.license.weights).toContain('NC');
    expect(read('README.md')).toContain('not for commercial use');
    expect(manifest.metrics.length).toBeGreaterThan(0);
    for (const metric of manifest.metrics) {
      expect(metric.utterances).toBeGreaterThan(0);
      // A set may be divided more than once, "corpus X" and "speaker Y": each division is the whole of it.
      const parts = Object.entries(metric.bySubset ?? {});
      const divisionOf = (name: string): string => (name.includes(' ') ? name.split(' ')[0] : '');
      for (const division of new Set(parts.map(([name]) => divisionOf(name)))) {
        const own = parts.filter(([name]) => divisionOf(name) === division).map(([, part]) => part);
        for (const key of ['edits', 'referenceCharacters', 'utterances'] as const) {
          expect(own.reduce((sum, part) => sum + part[key], 0)).toBe(metric[key]);
        }
      }
    }
  });
});

const tracked = ((): string[] => {
  try {
    const list = execFileSync('git', ['ls-files', '-z'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\0').filter((path) => path !== '');
  } catch {
    return [];
  }
})();

describe.skipIf(tracked.length === 0)('repository (needs git)', () => {
  it('names no path of a machine that it was written on', () => {
    // Roots of home and work folders; written in pieces, or this file would find itself.
    const pattern = new RegExp(
      `(?<![\\w.~/-])/(${['work', 'root', 'home', 'Users', 'tmp'].join('|')})/[\\w.-]`,
    );
    const found = tracked
      .filter((path) => existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).size < 2e6)
      .flatMap((path) => {
        const text = read(path);
        if (text.includes('\0')) return [];
        const lines = text.split('\n');
        return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : []));
      });
    expect(found).toEqual([]);
  });

  it('holds no file that is too large to be reviewed, but for the model and what it is trained on from', () => {
    const large = tracked.filter((path) => {
      const file = join(ROOT, path);
      return existsSync(file) && statSync(file).size > 3e6 && !/^(models|python\/checkpoints)\//.test(path);
    });
    expect(large).toEqual([]);
  });
});
