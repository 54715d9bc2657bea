/** The language model of a package, opened the way its format and size ask for. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CtcLanguageModel } from '../../decoding/index.js';
import { MAX_ARPA_BYTES, readArpa } from '../../decoding/lm/arpa.js';
import { KenlmModel } from '../../decoding/lm/kenlm.js';
import { MalgwiError } from '../../errors.js';
import { PagedFile, type ModelPackage } from '../../models/index.js';

export interface OpenLanguageModel {
  readonly languageModel: CtcLanguageModel;
  close(): void;
}

/**
 * undefined for a package without one. KenLM's files (and the KenLM part of a Coqui scorer) are read page by page, ARPA
 * text is read whole.
 * @throws MalgwiError manifest_invalid | model_file_missing
 */
export async function openLanguageModel({
  directory,
  manifest,
}: ModelPackage): Promise<OpenLanguageModel | undefined> {
  if (manifest.languageModel === undefined) return undefined;
  const { file, format, unit, alpha, beta } = manifest.languageModel;
  const path = join(directory, file);
  if (format === 'arpa') {
    const { size } = await stat(path);
    if (size > MAX_ARPA_BYTES) {
      throw new MalgwiError('manifest_invalid', {
        param: 'languageModel',
        detail: 'The ARPA file is too large to be read whole: convert it with KenLM to its binary format.',
      });
    }
    const model = readArpa(await readFile(path));
    return { languageModel: { model, unit, alpha, beta }, close: () => undefined };
  }
  const pages = new PagedFile(path);
  try {
    return {
      languageModel: { model: new KenlmModel(pages), unit, alpha, beta },
      close: () => {
        pages.close();
      },
    };
  } catch (error) {
    pages.close();
    throw error;
  }
}
