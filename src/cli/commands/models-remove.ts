/** `malgwi models remove`: deletes the folder of one package, and nothing else. */
import { lstat, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { MalgwiError } from '../../errors.js';
import { printable } from '../errors.js';
import { readConfig } from '../options.js';
import { onInterrupt } from '../signals.js';

interface RemoveOptions {
  readonly modelsDir?: string;
  readonly yes?: true;
  readonly force?: true;
}

/** What packages can be called; above all no path. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const refuse = (detail: string): MalgwiError => new MalgwiError('invalid_request', { detail });

export async function removeModel(name: string, options: RemoveOptions): Promise<void> {
  const { models } = await readConfig(options);
  if (!NAME.test(name)) throw refuse('A model is named by the name of its folder, not by a path.');
  const folder = await packageFolder(models.dir, name);
  if (name === models.default && !options.force) {
    throw refuse(`${name} is the default model; --force removes it all the same.`);
  }
  if (!options.yes && !(await confirmed(`Delete ${printable(folder)}?`))) {
    process.stdout.write('Nothing was deleted.\n');
    process.exitCode = 1;
    return;
  }
  // Out of sight at once: nobody finds half a package. Hidden folders are no packages.
  const doomed = join(models.dir, `.${name}.removed-${process.pid}`);
  await rename(folder, doomed);
  await rm(doomed, { recursive: true });
  process.stdout.write(`${printable(name)} was removed.\n`);
}

/** @throws MalgwiError model_not_found | invalid_request when it is no package, whole or broken */
async function packageFolder(directory: string, name: string): Promise<string> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw new MalgwiError('config_invalid', { detail: 'The models directory cannot be read.', cause: error });
  });
  const folder = join(root, name);
  const info = await lstat(folder).catch(() => undefined);
  if (info === undefined) {
    throw new MalgwiError('model_not_found', { detail: `No model named ${name} is installed.` });
  }
  if (info.isSymbolicLink()) throw refuse(`${name} is a link: remove the link itself, or what it leads to.`);
  if (!info.isDirectory()) throw refuse(`${name} is no folder of a model package.`);
  const entries = await readdir(folder, { withFileTypes: true });
  if (!entries.some((entry) => entry.name === 'manifest.json' && entry.isFile())) {
    throw refuse(`${name} is no folder of a model package: it has no manifest.json.`);
  }
  if (entries.some((entry) => entry.isDirectory())) {
    throw refuse(`${name} is no folder of a model package: packages hold no folders.`);
  }
  return folder;
}

/** @throws MalgwiError invalid_request where nobody can be asked, cancelled on Ctrl-C */
async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw refuse('Without a terminal to ask on, --yes is needed.');
  }
  const interrupt = onInterrupt();
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  // In a terminal that readline listens to, Ctrl-C comes as its own event.
  prompt.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: interrupt.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    throw interrupt.signal.aborted ? interrupt.signal.reason : error;
  } finally {
    prompt.close();
    interrupt.release();
  }
}
