import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointConfig } from './contract.js';
import { VAD_WINDOW } from './contract.js';
import { DEFAULT_ENDPOINT, DEFAULT_LIVE_ENDPOINT, Endpointer } from './endpointer.js';
import type { EndpointerState, EndpointEvent } from './endpointer.js';

type SpeechEnd = Extract<EndpointEvent, { type: 'speech_end' }>;

/** Silence of 10 windows (320 ms), padding of one window, at least 2 windows of speech, at most 60. */
const config: EndpointConfig = {
  threshold: 0.5,
  negativeThreshold: 0.35,
  minSpeechMs: 64,
  silenceDurationMs: 320,
  prefixPaddingMs: 32,
  suffixPaddingMs: 32,
  maxUtteranceMs: 1920,
};

const repeat = (value: number, count: number): number[] => new Array<number>(count).fill(value);
const w = (windows: number): number => windows * VAD_WINDOW;

function run(probabilities: readonly number[], overrides: Partial<EndpointConfig> = {}): EndpointEvent[] {
  const endpointer = new Endpointer({ ...config, ...overrides });
  return [...probabilities.flatMap((value) => endpointer.push(value)), ...endpointer.flush()];
}

describe('Endpointer', () => {
  it('finds an utterance between silences, padded', () => {
    const events = run([...repeat(0, 20), ...repeat(0.9, 30), ...repeat(0.1, 20)]);
    expect(events).toEqual([
      { type: 'speech_start', sample: w(19) },
      {
        type: 'speech_end',
        sample: w(51),
        lastSpeechSample: w(50),
        meanProbability: expect.closeTo(0.9, 10) as number,
        reason: 'silence',
      },
    ]);
  });

  it('announces speech as soon as it lasted minSpeechMs, and its end after the silence', () => {
    const endpointer = new Endpointer(config);
    const at: Record<string, number> = {};
    [...repeat(0, 5), ...repeat(1, 10), ...repeat(0, 20)].forEach((value, window) => {
      for (const event of endpointer.push(value)) at[event.type] = window;
    });
    expect(at).toEqual({ speech_start: 6, speech_end: 24 });
  });

  it('keeps speech going between the thresholds, but does not start it there', () => {
    expect(run(repeat(0.4, 50))).toEqual([]);
    const [start, end] = run([...repeat(0.9, 3), ...repeat(0.4, 30), ...repeat(0.3, 20)]);
    expect(start).toMatchObject({ sample: 0 });
    expect(end).toMatchObject({ lastSpeechSample: w(33) });
  });

  it('bridges pauses shorter than the silence', () => {
    const events = run([...repeat(1, 5), ...repeat(0, 9), ...repeat(1, 5), ...repeat(0, 10)]);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ lastSpeechSample: w(19) });
  });

  it('drops noise shorter than minSpeechMs', () => {
    expect(run([...repeat(0, 5), 1, ...repeat(0, 20)])).toEqual([]);
  });

  it('keeps at the flush what was being said, however short', () => {
    expect(run([...repeat(0, 5), 1])).toEqual([
      { type: 'speech_start', sample: w(4) },
      { type: 'speech_end', sample: w(6), lastSpeechSample: w(6), meanProbability: 1, reason: 'flush' },
    ]);
    expect(run([...repeat(0, 5), 1, 0])).toEqual([]);
  });

  it('goes on after a flush', () => {
    const endpointer = new Endpointer(config);
    repeat(1, 10).forEach((value) => endpointer.push(value));
    expect(endpointer.flush()).toMatchObject([{ reason: 'flush', sample: w(10) }]);
    expect(endpointer.flush()).toEqual([]);
    const events = repeat(1, 2).flatMap((value) => endpointer.push(value));
    expect(events).toEqual([{ type: 'speech_start', sample: w(10) }]);
  });

  it('never starts before the end of the utterance before', () => {
    const events = run([...repeat(1, 5), ...repeat(0, 10), ...repeat(1, 5), ...repeat(0, 10)], {
      prefixPaddingMs: 2000,
      suffixPaddingMs: 160,
    });
    expect(events.map(({ sample }) => sample)).toEqual([0, w(10), w(10), w(25)]);
  });

  it('never ends after what was heard', () => {
    const events = run([...repeat(1, 5), ...repeat(0, 10)], { suffixPaddingMs: 5000 });
    expect(events[1]).toMatchObject({ sample: w(15) });
  });

  it('cuts what is too long at its quietest recent moment, without a gap', () => {
    const probabilities = repeat(0.9, 100);
    probabilities[10] = 0.36;
    probabilities[50] = 0.4;
    const events = run(probabilities);
    const cut = w(50) + VAD_WINDOW / 2;
    expect(events[1]).toMatchObject({ type: 'speech_end', sample: cut, reason: 'max_length' });
    expect(events[2]).toEqual({ type: 'speech_start', sample: cut });
    expect((events[1] as SpeechEnd).meanProbability).toBeCloseTo((49 * 0.9 + 0.36 + 0.4) / 51, 10);
  });

  it('ends rather than cuts when only silence would follow', () => {
    const events = run([...repeat(0.9, 57), ...repeat(0.01, 40)]);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({ reason: 'max_length', lastSpeechSample: w(57), sample: w(58) });
  });

  it('takes NaN for silence', () => {
    expect(run([...repeat(1, 5), ...repeat(NaN, 10)])).toMatchObject([
      { type: 'speech_start' },
      { type: 'speech_end', reason: 'silence', meanProbability: 1 },
    ]);
  });

  it('says that an utterance may be over, and takes it back when speech goes on', () => {
    const endpointer = new Endpointer({ ...config, eagerSilenceMs: 128 });
    const probabilities = [...repeat(1, 5), ...repeat(0, 6), ...repeat(1, 3), ...repeat(0, 10)];
    const events = probabilities.flatMap((value, window) =>
      endpointer.push(value).map((event) => ({ at: window + 1, ...event })),
    );
    expect(events).toEqual([
      { at: 2, type: 'speech_start', sample: 0 },
      { at: 9, type: 'eager_end', sample: w(6), lastSpeechSample: w(5), meanProbability: 1 },
      { at: 12, type: 'eager_retracted', sample: w(11) },
      {
        at: 18,
        type: 'eager_end',
        sample: w(15),
        lastSpeechSample: w(14),
        meanProbability: expect.closeTo(8 / 14, 10) as number,
      },
      {
        at: 24,
        type: 'speech_end',
        sample: w(15),
        lastSpeechSample: w(14),
        meanProbability: expect.closeTo(8 / 14, 10) as number,
        reason: 'silence',
      },
    ]);
  });

  it('says nothing eagerly of noise, nor together with the end', () => {
    const noise = run([1, ...repeat(0, 5), ...repeat(1, 5), ...repeat(0, 10)], { eagerSilenceMs: 96 });
    expect(noise.map(({ type }) => type)).toEqual(['speech_start', 'eager_end', 'speech_end']);
    // The grid of windows: both come after ten.
    const [, end] = run([...repeat(1, 5), ...repeat(0, 12)], { eagerSilenceMs: 300 });
    expect(end).toMatchObject({ type: 'speech_end', reason: 'silence' });
  });

  it('ends where it is told that nothing is heard any more, and goes on', () => {
    const endpointer = new Endpointer(config);
    repeat(1, 10).forEach((value) => endpointer.push(value));
    expect(endpointer.flush('decoder')).toMatchObject([{ reason: 'decoder', sample: w(10) }]);
    expect(repeat(1, 2).flatMap((value) => endpointer.push(value))).toMatchObject([{ sample: w(10) }]);
  });

  describe('for any probabilities', () => {
    const anything = fc.record({
      // Runs rather than independent values: the interesting states need some length.
      runs: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 40 })), {
        maxLength: 30,
      }),
      config: fc.constantFrom(
        config,
        DEFAULT_ENDPOINT,
        DEFAULT_LIVE_ENDPOINT,
        { ...config, minSpeechMs: 320, silenceDurationMs: 64, maxUtteranceMs: 1000 },
        { ...config, minSpeechMs: 2000, prefixPaddingMs: 2000, maxUtteranceMs: 1000 },
        { ...config, minSpeechMs: 0, prefixPaddingMs: 2000, suffixPaddingMs: 2000 },
      ),
    });

    it('utterances are in order, apart, bounded, and hold all speech', () => {
      fc.assert(
        fc.property(anything, ({ runs, config }) => {
          const probabilities = runs.flatMap(([value, count]) => repeat(value, count));
          const endpointer = new Endpointer(config);
          const utterances: { start: number; end: number }[] = [];
          let open: number | undefined;
          let promised = 0;
          const apply = (events: readonly EndpointEvent[]): void => {
            for (const event of events) {
              expect(event.sample).toBeGreaterThanOrEqual(promised);
              expect(event.sample).toBeLessThanOrEqual(endpointer.position);
              if (event.type === 'speech_start') {
                expect(open).toBeUndefined();
                expect(event.sample).toBeGreaterThanOrEqual(utterances.at(-1)?.end ?? 0);
                open = event.sample;
              } else if (event.type === 'speech_end') {
                expect(open).toBeDefined();
                expect(event.sample).toBeGreaterThan(open!);
                expect(event.sample - open!).toBeLessThanOrEqual(config.maxUtteranceMs * 16 + VAD_WINDOW);
                expect(event.meanProbability).toBeGreaterThanOrEqual(0);
                expect(event.meanProbability).toBeLessThanOrEqual(1);
                utterances.push({ start: open!, end: event.sample });
                open = undefined;
              }
            }
            promised = endpointer.earliestNeeded;
          };
          for (const value of probabilities) apply(endpointer.push(value));
          apply(endpointer.flush());
          expect(open).toBeUndefined();

          let speech = 0;
          const needed = Math.max(
            1,
            Math.ceil((Math.min(config.minSpeechMs, config.maxUtteranceMs / 4) * 16) / VAD_WINDOW),
          );
          probabilities.forEach((value, window) => {
            speech = value >= config.threshold ? speech + 1 : 0;
            if (speech < needed) return;
            // A run of speech long enough is covered from its first to its last window; a cut may pass through one.
            const [from, to] = [w(window + 1 - speech), w(window + 1)];
            const covered = utterances.reduce(
              (sum, { start, end }) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)),
              0,
            );
            expect(covered).toBe(to - from);
          });
        }),
        { numRuns: 200 },
      );
    });

    const eagerly = fc.record({
      // Speech and silence in turn: with values by chance most of the utterances would hold no pause.
      runs: fc
        .array(
          fc.tuple(fc.constantFrom(0, 0.2), fc.integer({ min: 1, max: 13 }), fc.integer({ min: 1, max: 25 })),
          {
            maxLength: 15,
          },
        )
        .map((turns) =>
          turns.flatMap(([quiet, silence, speech]): [number, number][] => [
            [quiet, silence],
            [speech % 5 === 0 ? 0.4 : 1, speech],
          ]),
        ),
      base: fc.constantFrom(config, DEFAULT_LIVE_ENDPOINT, {
        ...config,
        minSpeechMs: 0,
        suffixPaddingMs: 200,
      }),
      eagerSilenceMs: fc.integer({ min: 64, max: 319 }),
      /** After so many windows: the state is kept and taken up elsewhere; the utterance is flushed. */
      restored: fc.array(fc.nat(300), { maxLength: 3 }),
      flushed: fc.array(fc.nat(300), { maxLength: 3 }),
    });

    it('an eager end is confirmed or retracted exactly once, and changes nothing else', () => {
      let confirmed = 0;
      let retracted = 0;
      fc.assert(
        fc.property(eagerly, ({ runs, base, eagerSilenceMs, restored, flushed }) => {
          const hear = (config: EndpointConfig, restored: readonly number[]): EndpointEvent[] => {
            let endpointer = new Endpointer(config);
            const probabilities = runs.flatMap(([value, count]) => repeat(value, count));
            const events = probabilities.flatMap((value, window) => {
              if (restored.includes(window)) {
                const state = JSON.parse(JSON.stringify(endpointer.save())) as EndpointerState;
                endpointer = new Endpointer(config, state);
              }
              return [...(flushed.includes(window) ? endpointer.flush() : []), ...endpointer.push(value)];
            });
            return [...events, ...endpointer.flush()];
          };
          const config = { ...base, eagerSilenceMs };
          const events = hear(config, restored);
          expect(events).toEqual(hear(config, []));
          expect(events.filter(({ type }) => !type.startsWith('eager'))).toEqual(hear(base, []));
          let open: Extract<EndpointEvent, { type: 'eager_end' }> | undefined;
          for (const event of events) {
            if (event.type === 'eager_end') {
              expect(open).toBeUndefined();
              open = event;
              continue;
            }
            if (event.type === 'eager_retracted') {
              expect(open).toBeDefined();
              expect(event.sample).toBeGreaterThan(open!.lastSpeechSample);
              retracted += 1;
            } else if (open !== undefined) {
              expect(event.type).toBe('speech_end');
              confirmed += 1;
              // With all of its padding heard it was told exactly where it ended.
              const { sample, lastSpeechSample } = event as SpeechEnd;
              const whole = open.sample === open.lastSpeechSample + base.suffixPaddingMs * 16;
              if (whole && lastSpeechSample === open.lastSpeechSample) expect(sample).toBe(open.sample);
            }
            open = undefined;
          }
          expect(open).toBeUndefined();
        }),
        { numRuns: 600, seed: 1 },
      );
      expect(Math.min(confirmed, retracted)).toBeGreaterThan(20);
    });
  });
});
