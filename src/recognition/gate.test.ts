import { describe, expect, it } from 'vitest';
import { resolveEndpoint } from './endpoint.js';
import { AdmissionGate } from './gate.js';

const settled = async (promise: Promise<unknown>): Promise<string> => {
  const waiting = Symbol('waiting');
  const first = await Promise.race([
    promise.catch((e: { code: string }) => e.code),
    Promise.resolve(waiting),
  ]);
  return first === waiting ? 'waiting' : typeof first === 'string' ? first : 'entered';
};

describe('AdmissionGate', () => {
  it('lets so many in, makes so many wait in order and refuses the rest', async () => {
    const gate = new AdmissionGate(1, 2);
    const leave = await gate.enter();
    const order: number[] = [];
    const second = gate.enter().then((give) => (order.push(2), give));
    const third = gate.enter().then((give) => (order.push(3), give));
    await expect(gate.enter()).rejects.toMatchObject({ code: 'queue_full', retryAfter: 2 });
    leave();
    leave(); // giving a place back twice gives one place
    const leaveSecond = await second;
    expect(await settled(third)).toBe('waiting');
    leaveSecond();
    (await third)();
    expect(order).toEqual([2, 3]);
    (await gate.enter())();
  });

  it('takes an aborted waiter out of the line', async () => {
    const gate = new AdmissionGate(1, 1);
    const leave = await gate.enter();
    const controller = new AbortController();
    const waiting = gate.enter(controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    expect(gate.queued).toBe(0);
    leave();
    (await gate.enter())();
  });
});

describe('resolveEndpoint', () => {
  const base = {
    threshold: 0.5,
    negativeThreshold: 0.35,
    minSpeechMs: 100,
    silenceDurationMs: 500,
    prefixPaddingMs: 200,
    suffixPaddingMs: 200,
    maxUtteranceMs: 20_000,
  };

  it('lays wishes over the defaults and ignores undefined ones', () => {
    expect(resolveEndpoint(base, { silenceDurationMs: 300, prefixPaddingMs: undefined })).toEqual({
      ...base,
      silenceDurationMs: 300,
    });
    expect(resolveEndpoint(base, { threshold: 0.8 }).negativeThreshold).toBeCloseTo(0.65);
    expect(resolveEndpoint(base, { threshold: 0.1 }).negativeThreshold).toBeLessThanOrEqual(0.1);
    expect(resolveEndpoint(base, {}, 5000).maxUtteranceMs).toBeLessThan(5000);
    expect(resolveEndpoint(base, {}, 30_000)).toEqual(base);
    const wishes = { eagerSilenceMs: 200, decoderSilenceMs: 900 };
    expect(resolveEndpoint(base, wishes)).toEqual({ ...base, ...wishes });
  });

  it('wants an eager silence shorter than the one that ends an utterance, whichever was asked for', () => {
    expect(resolveEndpoint(base, { eagerSilenceMs: 500, silenceDurationMs: 600 })).toMatchObject({
      eagerSilenceMs: 500,
    });
    expect(() => resolveEndpoint(base, { eagerSilenceMs: 300, silenceDurationMs: 300 })).toThrow(
      expect.objectContaining({ code: 'invalid_field', param: 'eagerSilenceMs' }) as Error,
    );
  });

  it.each([
    ['threshold', 2],
    ['silenceDurationMs', -1],
    ['maxUtteranceMs', Number.NaN],
    ['prefixPaddingMs', '5' as unknown as number],
    ['eagerSilenceMs', 500],
    ['eagerSilenceMs', 10],
    ['decoderSilenceMs', 100],
  ] as const)('refuses %s = %s by name', (name, value) => {
    expect(() => resolveEndpoint(base, { [name]: value })).toThrow(
      expect.objectContaining({ code: 'invalid_field', param: name }) as Error,
    );
  });
});
