/** What a session's intents are checked against, and how they are resolved. */
import type { Config } from '../config.js';
import { MalgwiError } from '../errors.js';
import { dialogueTurn, parseIntent, type IntentResult, type Venue } from '../intents/index.js';
import type { Metrics } from '../metrics/index.js';
import type { ProtocolAdapter, SessionOptions } from './contract.js';
import type { IntentResolver } from './intents.js';

/** @throws MalgwiError invalid_field for an id that is not configured */
export function venueOf(options: SessionOptions, config: Config): Venue | undefined {
  const wanted = options.venue ?? config.venue;
  if (typeof wanted !== 'string') return wanted;
  if (config.venue?.id === wanted) return config.venue;
  throw new MalgwiError('invalid_field', {
    detail: 'No venue of this id is configured. Send the venue itself, or set MALGWI_VENUE_FILE.',
    param: 'venue',
  });
}

export function intentResolver(
  options: SessionOptions,
  config: Config,
  metrics: Metrics,
  adapter: ProtocolAdapter,
): IntentResolver {
  const venue = venueOf(options, config);
  const place = venue === undefined ? {} : { venue };
  const measured = <R>(read: () => R, intentOf: (value: R) => IntentResult['intent']): R => {
    const started = performance.now();
    const value = read();
    metrics.intentResolved(intentOf(value), (performance.now() - started) / 1000, adapter.protocol);
    return value;
  };
  return {
    parse: (text, context, tentative) => {
      const read = () => parseIntent(text, { ...context, ...place });
      return tentative ? read() : measured(read, ({ intent }) => intent);
    },
    converse: (state, text, context, now) =>
      measured(
        () => dialogueTurn(state, text, { ...context, ...place, now }),
        ({ result }) => result.intent,
      ),
  };
}
