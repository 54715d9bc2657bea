import type { Recognizer } from '../../src/recognition/contract.js';

export interface SoundRow {
  readonly name: string;
  readonly kind: string;
  readonly seconds: number;
  readonly offline: string;
  readonly live: string;
}
export interface ClassFigures {
  readonly kind: string;
  readonly sounds: number;
  readonly seconds: number;
  /** Syllables a minute. */
  readonly offline: number;
  readonly live: number;
  readonly limit: number;
  /** Sounds for which anything was written. */
  readonly written: number;
  readonly ok: boolean;
}
export const LIMITS: Readonly<Record<string, number>>;
export function runSuite(
  recognizer: Recognizer,
  onSound?: (row: SoundRow) => void,
): Promise<{
  readonly rows: readonly SoundRow[];
  readonly skipped: readonly { readonly kind: string; readonly reason: string }[];
}>;
export function summarise(rows: readonly SoundRow[]): ClassFigures[];
