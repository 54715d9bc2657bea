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

const MAX_STEPS = 100;
/** Keeps the fit finite where the confidences tell right from wrong without an error. */
const RIDGE = 1e-6;

/**
 * Fits a calibration to words whose correctness is known: logistic regression on the logit, by Newton's method, with
 * Platt's targets, which are a little inside of 0 and 1.
 * @param raw confidences, 0..1, at least one
 */
export function fitCalibration(raw: readonly number[], correct: readonly boolean[]): Calibration {
  const right = correct.filter(Boolean).length;
  const high = (right + 1) / (right + 2);
  const low = 1 / (raw.length - right + 2);
  let scale = 1;
  let offset = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    // Gradient and Hessian of the log-likelihood.
    let [g0, g1, h00, h01, h11] = [-RIDGE * scale, -RIDGE * offset, RIDGE, 0, RIDGE];
    raw.forEach((value, i) => {
      const x = logit(value);
      const p = 1 / (1 + Math.exp(-(scale * x + offset)));
      const error = (correct[i] ? high : low) - p;
      const weight = p * (1 - p);
      g0 += error * x;
      g1 += error;
      h00 += weight * x * x;
      h01 += weight * x;
      h11 += weight;
    });
    const determinant = h00 * h11 - h01 * h01;
    const d0 = (h11 * g0 - h01 * g1) / determinant;
    const d1 = (h00 * g1 - h01 * g0) / determinant;
    // A full step from far away may overshoot.
    const length = Math.min(1, 5 / Math.max(Math.abs(d0), Math.abs(d1)));
    scale += length * d0;
    offset += length * d1;
    if (Math.abs(d0) + Math.abs(d1) < 1e-9) break;
  }
  return { scale, offset };
}

/**
 * Expected calibration error (Naeini et al. 2015): the mean distance between confidence and share of correct words,
 * over bins of equal width, weighted by the words in them.
 */
export function expectedCalibrationError(
  confidences: readonly number[],
  correct: readonly boolean[],
  bins = 10,
): number {
  const surplus = new Float64Array(bins);
  confidences.forEach((value, i) => {
    surplus[Math.min(bins - 1, Math.floor(value * bins))] += value - (correct[i] ? 1 : 0);
  });
  return surplus.reduce((sum, value) => sum + Math.abs(value), 0) / Math.max(1, confidences.length);
}
