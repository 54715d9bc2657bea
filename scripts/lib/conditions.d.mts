import type { EvaluationItem } from '../../src/cli/evaluation/manifest.js';

export const CONDITIONS: Readonly<Record<string, unknown>>;
export function writeConditions(
  items: readonly EvaluationItem[],
  folder: string,
  names?: readonly string[],
): Promise<string>;
