import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BYTES_PER_SECOND, MESSAGES_PER_SECOND, Pace } from './pace.js';

it('never keeps a client waiting that sends audio in real time, in pieces of any usual length', () => {
  // Eight channels of 32-bit samples at 96 kHz; and a byte at a time of a telephone's audio.
  for (const [rate, piece] of [
    [96_000 * 8 * 4, 30_720],
    [8000, 1],
  ]) {
    const pace = new Pace(0);
    for (let sent = 0; sent < rate * 2; sent += piece) {
      expect(pace.took(piece, (sent / rate) * 1000)).toBe(0);
    }
  }
});

it('lets no more through than its rates and a burst, however it comes', () => {
  const message = fc.record({
    bytes: fc.integer({ min: 0, max: 2 ** 20 }),
    idle: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
      const pace = new Pace(0);
      let now = 0;
      let bytes = 0;
      for (const one of messages) {
        now += one.idle;
        bytes += one.bytes;
        // Whoever is told to wait does.
        now += pace.took(one.bytes, now);
        expect(bytes).toBeLessThanOrEqual((now / 1000 + 0.25) * BYTES_PER_SECOND + 1);
      }
    }),
  );
});

it('bounds messages of nothing', () => {
  const pace = new Pace(0);
  let now = 0;
  for (let sent = 0; sent < MESSAGES_PER_SECOND * 3; sent += 1) now += pace.took(0, now);
  expect(now).toBeGreaterThan(2700);
  expect(now).toBeLessThan(3100);
});
