/** Utterances, or pieces of them, side by side in the tensors of a CTC encoder. */
import { Tensor } from 'onnxruntime-node';
import type { LogProbs } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import { floats, type Outputs } from './session.js';

/** The inputs `features`, padded to the longest, and `lengths`. A single row is looked at where it lies: it must not change before the run is over. */
export function batchOf(rows: readonly FeatureMatrix[]): { features: Tensor; lengths: Tensor } {
  const { dims } = rows[0]!;
  const longest = Math.max(...rows.map((features) => features.frames));
  const data = rows.length === 1 ? rows[0]!.data.subarray(0, longest * dims) : joined(rows, longest * dims);
  const lengths = BigInt64Array.from(rows, (features) => BigInt(features.frames));
  return {
    features: new Tensor('float32', data, [rows.length, longest, dims]),
    lengths: new Tensor('int64', lengths, [rows.length]),
  };
}

function joined(rows: readonly FeatureMatrix[], size: number): Float32Array {
  const data = new Float32Array(rows.length * size);
  rows.forEach(({ data: values, frames, dims }, row) => data.set(values.subarray(0, frames * dims), row * size));
  return data;
}

/** The output `log_probs`, each row cut to its own length. */
export function logProbsOf(outputs: Outputs, rows: number): LogProbs[] {
  const logProbs = floats(outputs, 'log_probs', 3);
  const lengths = outputs['output_lengths']!.data as BigInt64Array;
  const [, frames, classes] = logProbs.dims as [number, number, number];
  return Array.from({ length: rows }, (_, row) => {
    const valid = Math.min(frames, Number(lengths[row]));
    const from = row * frames * classes;
    return { data: logProbs.data.slice(from, from + valid * classes), frames: valid, classes };
  });
}
