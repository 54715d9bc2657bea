import { CoquiScorer, type CoquiAlphabet } from '../../decoding/coqui/index.js';
import { PagedFile } from '../../models/paged-file.js';

/** A `.scorer` on disk: it stays there, and pages of it are read as the search needs them. */
export class ScorerFile {
  private constructor(
    readonly scorer: CoquiScorer,
    private readonly file: PagedFile,
  ) {}

  /** @throws MalgwiError model_file_missing | manifest_invalid | scorer_mismatch */
  static open(path: string, alphabet: CoquiAlphabet): ScorerFile {
    const file = new PagedFile(path);
    try {
      return new ScorerFile(new CoquiScorer(file, alphabet), file);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  close(): void {
    this.file.close();
  }
}
