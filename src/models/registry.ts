/** The installed model packages: one folder each below the models directory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MalgwiError } from '../errors.js';
import { readPackage, verifyPackage, type ModelPackage } from './manifest.js';

const MAX_PACKAGES = 200;

export interface BrokenPackage {
  readonly folder: string;
  readonly error: MalgwiError;
}

export interface InstalledPackages {
  readonly packages: ReadonlyMap<string, ModelPackage>;
  /** Folders that hold a package which cannot be used, and why. */
  readonly broken: readonly BrokenPackage[];
}

/**
 * Every package below `directory`, verified, hashes included. Links are not followed, hidden folders not looked at.
 * @param only looks at the folder of this name alone, if it is there
 * @throws MalgwiError config_invalid when the directory cannot be read
 */
export async function readInstalled(directory: string, only?: string): Promise<InstalledPackages> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw new MalgwiError('config_invalid', { detail: 'The models directory cannot be read.', cause: error });
  });
  const folders = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .filter((name) => only === undefined || name === only)
    .sort()
    .slice(0, MAX_PACKAGES);
  const packages = new Map<string, ModelPackage>();
  const broken: BrokenPackage[] = [];
  for (const folder of folders) {
    try {
      packages.set(folder, await readInstalledPackage(directory, folder));
    } catch (error) {
      const known = error instanceof MalgwiError ? error : new MalgwiError('manifest_invalid', { cause: error });
      broken.push({ folder, error: known });
    }
  }
  return { packages, broken };
}

/** The package in the folder `name`, verified. @throws MalgwiError of the package */
async function readInstalledPackage(directory: string, name: string): Promise<ModelPackage> {
  const model = await readPackage(join(directory, name));
  if (model.manifest.name !== name) {
    throw new MalgwiError('manifest_invalid', { detail: `The package in ${name} calls itself ${model.manifest.name}.` });
  }
  await verifyPackage(model);
  return model;
}

export class ModelRegistry {
  private constructor(
    private readonly packages: ReadonlyMap<string, ModelPackage>,
    /** Folders that hold a package which cannot be used, and why. */
    readonly broken: readonly BrokenPackage[],
    readonly defaultName: string,
  ) {}

  /**
   * Reads every package below `directory` and verifies its hashes. A broken package does not stop the others, unless
   * it is the default one.
   * @param defaultName the model used when a request names none; without it the first by name
   * @throws MalgwiError model_not_found when the default is not there; the package's own error when it is broken
   */
  static async open(directory: string, defaultName?: string): Promise<ModelRegistry> {
    const { packages, broken } = await readInstalled(directory);
    const name = defaultName ?? (packages.has('malgwi-ko') ? 'malgwi-ko' : [...packages.keys()][0]);
    if (name === undefined || !packages.has(name)) {
      const reason = broken.find((entry) => name === undefined || entry.folder === name);
      throw reason?.error ?? new MalgwiError('model_not_found', { detail: `No model named ${name ?? ''} is installed.` });
    }
    return new ModelRegistry(packages, broken, name);
  }

  list(): readonly ModelPackage[] {
    return [...this.packages.values()];
  }

  /** @throws MalgwiError model_not_found */
  get(name: string = this.defaultName): ModelPackage {
    const model = this.packages.get(name);
    if (model === undefined) {
      throw new MalgwiError('model_not_found', { param: 'model' });
    }
    return model;
  }
}
