export type * from './contract.js';
export { MANIFEST_FILE, ManifestSchema, parseManifest, readPackage, verifyPackage } from './manifest.js';
export type { Manifest, ModelPackage } from './manifest.js';
export { ModelRegistry } from './registry.js';
export type { BrokenPackage } from './registry.js';
export { OnnxAttentionRuntime } from './runtimes/attention.js';
export { OnnxCoquiRuntime } from './runtimes/coqui.js';
export { OnnxCtcRuntime } from './runtimes/ctc.js';
export { OnnxTransducerRuntime } from './runtimes/transducer.js';
