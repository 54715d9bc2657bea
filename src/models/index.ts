export type { AcousticRuntime } from './contract.js';
export { MANIFEST_FILE, ManifestSchema, parseManifest, readPackage, verifyPackage } from './manifest.js';
export type { Manifest, ModelPackage } from './manifest.js';
export { ModelRegistry } from './registry.js';
export type { BrokenPackage } from './registry.js';

import type { AcousticRuntime } from './contract.js';
import type { ModelPackage } from './manifest.js';
import { CtcRuntime } from './runtimes/ctc.js';

/** Loads the runtime of the package's decoding family. For worker threads: it blocks. */
export function loadRuntime(model: ModelPackage): Promise<AcousticRuntime> {
  switch (model.manifest.family) {
    case 'ctc':
      return CtcRuntime.load(model);
  }
}
