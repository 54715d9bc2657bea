/**
 * Silero VAD as a graph over many windows of many streams at once. Silero's own file (v5) takes one window of each of
 * some streams; called for every 32 ms of audio, most of the time goes into calling it. Its layers before the LSTM know
 * nothing of other windows, so here they take all windows in one batch, and the LSTM steps through those of each
 * stream. The weights are read from Silero's file; the numbers are the same up to rounding.
 */
import { Buffer } from 'node:buffer';
import { constantsOfBranches, GraphWriter, type Constant } from './onnx-graph.js';

const HIDDEN = 128;
const BINS = 129;
const STFT_WINDOW = 256;
const STFT_HOP = 128;
const CONVOLUTION_STRIDES = [1, 2, 2, 1] as const;

/**
 * @param file Silero's `silero_vad.onnx` of version 5
 * @returns an ONNX model. Inputs: `windows` [N, 576] float32, the last 64 samples before each window and its 512;
 * `order` [T, B] int64, which of the windows is the t-th of stream b (any where it has no more); `counts` [B] int32, how
 * many windows each stream has; `hidden` and `cell` [1, B, 128]. Outputs: `probabilities` [T, 1, B, 1], of no meaning
 * beyond `counts`; `next_hidden`, `next_cell`
 * @throws RangeError when the file is something else
 */
export function sileroGraph(file: Uint8Array): Uint8Array {
  const constants = constantsOf(file);
  const weights = (name: string, ...dims: number[]): Constant => {
    const found = constants.get(name);
    if (found === undefined || found.dims.join() !== dims.join())
      throw new RangeError(`${name} is not in the file`);
    return found;
  };
  const gates = 4 * HIDDEN;
  const graph = new GraphWriter();
  graph.constant('context', int64s(0, 0, 0, 64));
  graph.constant('one', int64s(1));
  graph.constant('halves', int64s(BINS, BINS));
  graph.constant('flat', int64s(-1, HIDDEN));
  graph.constant('basis', weights('stft.forward_basis_buffer', 2 * BINS, 1, STFT_WINDOW));
  // The spectrum's last frame hangs over: 64 samples are mirrored, as in torch's stft.
  graph.node('Pad', ['windows', 'context'], ['padded'], { mode: 'reflect' });
  graph.node('Unsqueeze', ['padded', 'one'], ['channel']);
  graph.node('Conv', ['channel', 'basis'], ['spectrum'], {
    kernel_shape: [STFT_WINDOW],
    strides: [STFT_HOP],
  });
  graph.node('Split', ['spectrum', 'halves'], ['real', 'imaginary'], { axis: 1 });
  graph.node('Mul', ['real', 'real'], ['real2']);
  graph.node('Mul', ['imaginary', 'imaginary'], ['imaginary2']);
  graph.node('Add', ['real2', 'imaginary2'], ['power']);
  graph.node('Sqrt', ['power'], ['features0']);
  const widths = [BINS, 128, 64, 64, 128] as const;
  CONVOLUTION_STRIDES.forEach((stride, n) => {
    const part = `encoder.${String(n)}.reparam_conv`;
    const [wide, out] = [widths[n], widths[n + 1]];
    graph.constant(`${part}.weight`, weights(`${part}.weight`, out, wide, 3));
    graph.constant(`${part}.bias`, weights(`${part}.bias`, out));
    graph.node('Conv', [`features${String(n)}`, `${part}.weight`, `${part}.bias`], [`sum${String(n)}`], {
      kernel_shape: [3],
      pads: [1, 1],
      strides: [stride],
    });
    graph.node('Relu', [`sum${String(n)}`], [`features${String(n + 1)}`]);
  });
  graph.node('Reshape', ['features4', 'flat'], ['each']);
  graph.node('Gather', ['each', 'order'], ['sequences'], { axis: 0 });
  const type = 'float32';
  for (const [name, of] of [
    ['inputs', 'weight_ih'],
    ['recurrent', 'weight_hh'],
  ] as const) {
    const { bytes } = weights(`decoder.rnn.${of}`, gates, HIDDEN);
    graph.constant(name, { type, dims: [1, gates, HIDDEN], bytes: reordered(bytes) });
  }
  const biases = ['bias_ih', 'bias_hh'].map((of) => reordered(weights(`decoder.rnn.${of}`, gates).bytes));
  graph.constant('biases', { type, dims: [1, 2 * gates], bytes: Buffer.concat(biases) });
  graph.node(
    'LSTM',
    ['sequences', 'inputs', 'recurrent', 'biases', 'counts', 'hidden', 'cell'],
    ['states', 'next_hidden', 'next_cell'],
    { hidden_size: HIDDEN },
  );
  graph.node('Relu', ['states'], ['activated']);
  const { bytes } = weights('decoder.decoder.2.weight', 1, HIDDEN, 1);
  graph.constant('output', { type, dims: [HIDDEN, 1], bytes });
  graph.constant('offset', weights('decoder.decoder.2.bias', 1));
  graph.node('MatMul', ['activated', 'output'], ['products']);
  graph.node('Add', ['products', 'offset'], ['logits']);
  graph.node('Sigmoid', ['logits'], ['probabilities']);
  const state = [1, 'streams', HIDDEN];
  graph.input('windows', type, ['windows', 64 + 512]);
  graph.input('order', 'int64', ['steps', 'streams']);
  graph.input('counts', 'int32', ['streams']);
  graph.input('hidden', type, state);
  graph.input('cell', type, state);
  graph.output('probabilities', type, ['steps', 1, 'streams', 1]);
  graph.output('next_hidden', type, state);
  graph.output('next_cell', type, state);
  return graph.finish('silero');
}

/** The constants of the branch for 16 kHz, by the names that they had in training. */
function constantsOf(file: Uint8Array): Map<string, Constant> {
  for (const branch of constantsOfBranches(file)) {
    const named = new Map([...branch].map(([name, value]) => [name.replace(/^.*Inline_0__/, ''), value]));
    // The other branch, for 8 kHz, has a shorter window.
    if (named.get('stft.forward_basis_buffer')?.dims[2] === STFT_WINDOW) return named;
  }
  throw new RangeError('this is no file of Silero VAD 5');
}

function int64s(...values: number[]): Constant {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, n) => view.setBigInt64(8 * n, BigInt(value), true));
  return { type: 'int64', dims: [values.length], bytes };
}

/** torch orders the gates of an LSTM input, forget, cell, output; ONNX input, output, forget, cell. */
function reordered(bytes: Uint8Array): Uint8Array {
  const part = bytes.length / 4;
  const [i, f, c, o] = [0, 1, 2, 3].map((n) => bytes.subarray(n * part, (n + 1) * part));
  return Buffer.concat([i!, o!, f!, c!]);
}
