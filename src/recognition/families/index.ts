/** Loads the family that a package asks for. For worker threads: loading and decoding block. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokens } from '../../decoding/index.js';
import { MalgwiError } from '../../errors.js';
import type { ModelPackage } from '../../models/index.js';
import { AttentionFamily } from './attention.js';
import type { Family } from './contract.js';
import { CtcFamily } from './ctc.js';
import { TransducerFamily } from './transducer.js';

export type { DecodedUtterance, Family } from './contract.js';

/** @throws MalgwiError manifest_invalid | inference_failed */
export async function loadFamily(model: ModelPackage): Promise<Family> {
  const { manifest, directory } = model;
  const table = parseTokens(await readFile(join(directory, manifest.tokens.file), 'utf8'), manifest.tokens);
  switch (manifest.family) {
    case 'ctc':
      return CtcFamily.load(model, table);
    case 'attention':
      return AttentionFamily.load(model, table);
    case 'transducer':
      return TransducerFamily.load(model, table);
    default:
      throw new MalgwiError('manifest_invalid', { detail: `No runtime for the family ${manifest.family}.` });
  }
}
