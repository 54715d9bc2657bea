export const NOISE_NAMES: readonly string[];
export interface Room {
  readonly response: Float64Array;
  readonly rt60: number;
  readonly metres: number;
}
export function speechLevel(samples: Float32Array): number;
export function withNoise(
  samples: Float32Array,
  kind: string,
  snr: number,
  random: () => number,
): Float32Array;
export function telephoneWav(samples: Float32Array): Buffer;
export function room(random: () => number): Room;
export function farField(samples: Float32Array, rooms: readonly Room[], random: () => number): Float32Array;
