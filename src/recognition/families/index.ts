/** Loads the family that a package asks for. For worker threads: loading and decoding block. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokens, type TokenTable } from '../../decoding/index.js';
import type { ModelPackage } from '../../models/index.js';
import { AttentionFamily } from './attention.js';
import type { Family } from './contract.js';
import { CoquiFamily } from './coqui.js';
import { CtcFamily } from './ctc.js';
import { TransducerFamily } from './transducer.js';

export { isStreaming } from './contract.js';
export type { DecodedUtterance, DecodingStream, Family, StreamingFamily } from './contract.js';

/** @throws MalgwiError manifest_invalid */
export async function readTokens({ directory, manifest }: ModelPackage): Promise<TokenTable> {
  return parseTokens(await readFile(join(directory, manifest.tokens.file), 'utf8'), manifest.tokens);
}

/** @throws MalgwiError manifest_invalid | inference_failed */
export async function loadFamily(model: ModelPackage): Promise<Family> {
  const table = await readTokens(model);
  switch (model.manifest.family) {
    case 'ctc':
      return CtcFamily.load(model, table);
    case 'attention':
      return AttentionFamily.load(model, table);
    case 'transducer':
      return TransducerFamily.load(model, table);
    case 'coqui':
      return CoquiFamily.load(model, table);
  }
}
