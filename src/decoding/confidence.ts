/** Confidence that means what it says: of all words given 0.8, four in five should be right. */
import type { DecodedWord } from './contract.js';

/** Platt scaling (Platt 1999): calibrated = 1 / (1 + exp(-(scale * logit(raw) + offset))). */
export interface Calibration {
  readonly scale: number;
  readonly offset: number;
}

/** Raw confidences are kept this far from 0 and 1, whose logits are infinite. */
const EDGE = 1e-6;

export function logit(probability: number): number {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, probability));
  return Math.log(inside / (1 - inside));
}

export function calibrated(raw: number, { scale, offset }: Calibration): number {
  return 1 / (1 + Math.exp(-(scale * logit(raw) + offset)));
}

/** The words as they are where nothing was fitted. */
export function calibrate(words: DecodedWord[], calibration: Calibration | undefined): DecodedWord[] {
  if (calibration === undefined) return words;
  return words.map((word) => ({ ...word, confidence: calibrated(word.confidence, calibration) }));
}
