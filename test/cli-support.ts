/** What the command-line tests share: the real program in a process of its own, a service, and a microphone. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const MALGWI = join(ROOT, 'bin/malgwi.js');

/** util-linux's `script` runs a program on a terminal of its own. */
export const script = ((): boolean => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly finished: Promise<Finished>;
  /** Resolves when standard output or error matches; rejects when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Only what programs need: a setting in the environment of whoever runs the tests must not reach them. */
function cleanEnvironment(): Record<string, string> {
  const keep = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LD_LIBRARY_PATH', 'SystemRoot'];
  return Object.fromEntries(keep.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Starts a program; its standard input stays open until the caller ends it. */
export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let ended = false;
  const watchers = new Set<() => void>();
  const wake = (): void => watchers.forEach((watcher) => watcher());
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), wake()));
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), wake()));
  const finished = once(child, 'close').then(([code]) => {
    ended = true;
    wake();
    return { code: code as number | null, stdout, stderr };
  });
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.exec(`${stdout}\n${stderr}`);
        if (found === null && !ended) return;
        watchers.delete(check);
        if (found !== null) resolve(found);
        else reject(new Error(`ended without ${String(pattern)}:\n${stdout}\n${stderr}`));
      };
      watchers.add(check);
      check();
    });
  return { child, stdout: () => stdout, stderr: () => stderr, finished, until };
}

/** The command line, to its end. */
export async function malgwi(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const running = start(process.execPath, [MALGWI, ...args], options);
  running.child.stdin.end();
  return running.finished;
}

export interface Service {
  readonly url: string;
  readonly process: Running;
  stop(): Promise<Finished>;
}

/** `malgwi serve` on a free port, ready. */
export async function serve(args: readonly string[] = [], options: RunOptions = {}): Promise<Service> {
  const data = mkdtempSync(join(tmpdir(), 'malgwi-test-data-'));
  const env = { MALGWI_DATA_DIR: data, ...options.env };
  const running = start(process.execPath, [MALGWI, 'serve', '--port', '0', ...args], { ...options, env });
  running.child.on('close', () => rmSync(data, { recursive: true, force: true }));
  const url = (await running.until(/Server listening at (http:\/\/127\.0\.0\.1:\d+)/))[1];
  await running.until(/"msg":"ready"/);
  return {
    url,
    process: running,
    stop: () => {
      running.child.kill('SIGTERM');
      return running.finished;
    },
  };
}

const RECORDER = `
import { readFileSync } from 'node:fs';
const samples = process.env.CLIP ? readFileSync(process.env.CLIP) : Buffer.alloc(0);
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
if (option('-r') !== '16000' || option('-c') !== '1' || option('-f') !== 'S16_LE' || option('-t') !== 'raw') {
  console.error('unexpected arguments', process.argv.slice(2).join(' '));
  process.exit(2);
}
if (process.env.COMPLAINT) {
  console.error(process.env.COMPLAINT);
  process.exit(1);
}
// A tenth of a second at a time, as a sound card would; silence after the clip.
const piece = 3200;
let at = 0;
setInterval(() => {
  const next = Buffer.alloc(piece);
  samples.subarray(at, at + piece).copy(next);
  at += piece;
  process.stdout.write(next);
}, 100);
`;

/**
 * A folder for PATH that holds nothing but an `arecord`: it checks its arguments, plays CLIP (raw samples) in real
 * time and then silence until it is stopped, or fails with COMPLAINT.
 */
export async function installRecorder(folder: string): Promise<void> {
  const path = join(folder, 'arecord');
  await writeFile(`${path}.mjs`, RECORDER);
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${path}.mjs' "$@"\n`);
  await chmod(path, 0o755);
}
