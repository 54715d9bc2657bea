import { checkWindows, VAD_WINDOW } from './contract.js';
import type { VoiceActivityModel, VoiceActivityStream } from './contract.js';

/** Level of an empty room on a quiet line, dB relative to full scale; the floor before there is anything to compare. */
const QUIET_DB = -60;
/** Nothing below counts as speech, whatever the noise. */
const INAUDIBLE_DB = -55;
/** The noise floor is the lowest smoothed level of this many stretches, the current one included. */
const STRETCHES = 4;
const STRETCH_WINDOWS = 32;
const SMOOTHING = 0.5;
/** Level over the noise floor at which speech is as likely as not, and how sharply that changes. */
const SPEECH_OVER_NOISE_DB = 12;
const SLOPE_DB = 2;

/**
 * Voice activity by level over an adaptive noise floor, without any model: the floor is the lowest level of the past
 * four seconds (Martin 2001, minimum statistics), since speech pauses between words and noise does not. Hears any
 * sudden sound as speech; for set-ups without the Silero model, and for tests.
 */
export class EnergyVad implements VoiceActivityModel {
  readonly name = 'energy';

  createStream(): VoiceActivityStream {
    return new EnergyStream();
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

class EnergyStream implements VoiceActivityStream {
  private readonly minima = new Float64Array(STRETCHES).fill(QUIET_DB);
  private smoothed = QUIET_DB;
  private windows = 0;
  private current = Infinity;

  async process(samples: Float32Array): Promise<Float32Array> {
    return Float32Array.from({ length: checkWindows(samples) }, (_, n) =>
      this.next(samples.subarray(n * VAD_WINDOW, (n + 1) * VAD_WINDOW)),
    );
  }

  private next(window: Float32Array): number {
    const level = levelDb(window);
    this.smoothed += SMOOTHING * (level - this.smoothed);
    const floor = this.track(this.smoothed);
    if (level < INAUDIBLE_DB) return 0;
    return 1 / (1 + Math.exp((floor + SPEECH_OVER_NOISE_DB - level) / SLOPE_DB));
  }

  private track(level: number): number {
    this.current = Math.min(this.current, level);
    this.windows += 1;
    let floor = this.current;
    for (const minimum of this.minima) floor = Math.min(floor, minimum);
    if (this.windows % STRETCH_WINDOWS === 0) {
      this.minima[(this.windows / STRETCH_WINDOWS) % STRETCHES] = this.current;
      this.current = Infinity;
    }
    return Math.max(floor, QUIET_DB);
  }
}

/** Level without the constant part, dB relative to full scale. Samples that are not numbers count as silence. */
function levelDb(window: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const raw of window) {
    const sample = raw >= -1 && raw <= 1 ? raw : 0;
    sum += sample;
    squares += sample * sample;
  }
  const variance = squares / VAD_WINDOW - (sum / VAD_WINDOW) ** 2;
  return 10 * Math.log10(Math.max(variance, 1e-12));
}
