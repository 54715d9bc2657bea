import { MalgwiError } from '../errors.js';
import type { EndpointConfig } from '../vad/contract.js';

/** What a client may ask for; beyond it lies nonsense or a way to hold memory. */
const RANGES: Readonly<Record<keyof EndpointConfig, readonly [min: number, max: number]>> = {
  threshold: [0.01, 0.99],
  negativeThreshold: [0.005, 0.99],
  minSpeechMs: [0, 2000],
  // Longer than any utterance: no silence ends one, only a flush or its greatest length does.
  silenceDurationMs: [64, 30_000],
  prefixPaddingMs: [0, 2000],
  suffixPaddingMs: [0, 2000],
  maxUtteranceMs: [1000, 28_000],
  eagerSilenceMs: [64, 30_000],
  decoderSilenceMs: [500, 30_000],
};

/** The endpointer cuts at whole windows, and the end of a stream adds what is left of one. */
const MARGIN_MS = 100;

/**
 * The defaults with a client's wishes laid over them. A threshold without its negative one takes it along, 0.15 below.
 * @param modelMs no utterance may be longer than this: what the model takes in one piece
 * @throws MalgwiError invalid_field, naming the field
 */
export function resolveEndpoint(
  base: EndpointConfig,
  wishes: Partial<EndpointConfig> = {},
  modelMs = Infinity,
): EndpointConfig {
  const given = Object.fromEntries(
    Object.entries(wishes).filter(([, value]) => value !== undefined),
  ) as Partial<EndpointConfig>;
  for (const [name, value] of Object.entries(given) as [keyof EndpointConfig, number][]) {
    const range = RANGES[name];
    if (range === undefined) continue;
    if (typeof value !== 'number' || !(value >= range[0] && value <= range[1])) {
      throw new MalgwiError('invalid_field', {
        param: name,
        detail: `${name} must be a number from ${String(range[0])} to ${String(range[1])}.`,
      });
    }
  }
  const merged = { ...base, ...given };
  const { eagerSilenceMs = 0, silenceDurationMs } = merged;
  if (eagerSilenceMs >= silenceDurationMs) {
    throw new MalgwiError('invalid_field', {
      param: 'eagerSilenceMs',
      detail: `eagerSilenceMs must be smaller than silenceDurationMs, which is ${String(silenceDurationMs)}.`,
    });
  }
  const follows = given.threshold !== undefined && given.negativeThreshold === undefined;
  const negative = follows ? Math.max(0.005, merged.threshold - 0.15) : merged.negativeThreshold;
  return {
    ...merged,
    negativeThreshold: Math.min(negative, merged.threshold),
    maxUtteranceMs: Math.min(merged.maxUtteranceMs, Math.max(RANGES.maxUtteranceMs[0], modelMs - MARGIN_MS)),
  };
}
