// Random numbers that are the same every time: mulberry32, and the normal distribution by Box and Muller (1958).
/** @param {number} seed @returns numbers from 0 to 1 */
export function seeded(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed for a name: FNV-1a, so that a sound stays what it is when others are added. */
export function seedOf(name) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

export const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
export const between = (random, low, high) => low + (high - low) * random();
export const pick = (random, list) => list[Math.floor(random() * list.length)];
