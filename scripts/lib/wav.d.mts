export function readAudio(path: string): Promise<Float32Array>;
export function wav(samples: Float32Array, rate?: number): Buffer;
