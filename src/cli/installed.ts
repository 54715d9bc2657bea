/** Model packages as the commands for them see them: the usable ones and the broken ones. */
import type { Config } from '../config.js';
import { MalgwiError } from '../errors.js';
import type { InstalledPackages, ModelPackage } from '../models/index.js';
import { readConfig } from './options.js';

export interface ModelsOptions {
  readonly modelsDir?: string;
  readonly json?: true;
}

/** @throws MalgwiError config_invalid */
export async function openModels(
  options: ModelsOptions,
): Promise<{ readonly installed: InstalledPackages; readonly config: Config }> {
  const config = await readConfig(options);
  const { readInstalled } = await import('../models/registry.js');
  return { installed: await readInstalled(config.models.dir), config };
}

/** @throws MalgwiError model_not_found, saying which there are; of a broken package its own error; config_invalid */
export async function openModel(options: ModelsOptions, name: string): Promise<ModelPackage> {
  const config = await readConfig(options);
  const { readInstalled } = await import('../models/registry.js');
  const { packages, broken } = await readInstalled(config.models.dir, name);
  const model = packages.get(name);
  if (model !== undefined) return model;
  if (broken[0] !== undefined) throw broken[0].error;
  const names = [...(await readInstalled(config.models.dir)).packages.keys()];
  throw new MalgwiError('model_not_found', {
    detail: `No model named ${name} is installed; there is ${names.length === 0 ? 'none' : names.join(', ')}.`,
  });
}
