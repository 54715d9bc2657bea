/** The acoustic model of DeepSpeech (Hannun et al. 2014, with an LSTM) and Coqui STT, stepped through by its state. */
import { Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../../errors.js';
import type { CoquiRuntime, CoquiState } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';
import { floats, GraphSession } from './session.js';

type Result = Awaited<ReturnType<CoquiRuntime['run']>>;

/** Units of the LSTM, at most: eight times what Coqui trains. */
const MAX_UNITS = 16_384;

export class OnnxCoquiRuntime implements CoquiRuntime {
  readonly family = 'coqui';

  private constructor(
    readonly manifest: Manifest,
    private readonly session: GraphSession,
    private readonly units: number,
    /** Values of one step's input. */
    private readonly width: number,
  ) {}

  /** @throws MalgwiError inference_failed when the graph cannot be loaded; manifest_invalid when it does not fit the manifest */
  static async load(model: ModelPackage): Promise<OnnxCoquiRuntime> {
    const { manifest } = model;
    const units = unitsOf(manifest);
    const width = widthOf(manifest);
    const session = await GraphSession.open(model, manifest.graphs.encoder, {
      role: 'encoder',
      inputs: [
        { name: 'windows', type: 'float32', shape: ['*', 'steps', width] },
        { name: 'hidden', type: 'float32', shape: ['*', units] },
        { name: 'cell', type: 'float32', shape: ['*', units] },
      ],
      outputs: ['probs', 'next_hidden', 'next_cell'],
    });
    return new OnnxCoquiRuntime(manifest, session, units, width);
  }

  initial(): CoquiState {
    return { cell: new Float32Array(this.units), hidden: new Float32Array(this.units) };
  }

  async run(windows: Float32Array, steps: number, state: CoquiState): Promise<Result> {
    const { units, width } = this;
    if (windows.length !== steps * width) {
      throw new MalgwiError('inference_failed', { detail: 'The windows are not as many as the steps.' });
    }
    const outputs = await this.session.run({
      windows: new Tensor('float32', windows, [1, steps, width]),
      hidden: new Tensor('float32', state.hidden, [1, units]),
      cell: new Tensor('float32', state.cell, [1, units]),
    });
    const probs = floats(outputs, 'probs', 3);
    const hidden = floats(outputs, 'next_hidden', 2).data;
    const cell = floats(outputs, 'next_cell', 2).data;
    const [, given, classes] = probs.dims as [number, number, number];
    if (given !== steps || hidden.length !== units || cell.length !== units) {
      throw new MalgwiError('inference_failed', { detail: 'The encoder graph gave other shapes than it was given.' });
    }
    if (!probs.data.every((value) => value >= 0 && value <= 1.001)) {
      throw new MalgwiError('inference_failed', { detail: 'The encoder graph gave values that are no probabilities.' });
    }
    return { probabilities: probs.data, classes, state: { cell, hidden } };
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}

function widthOf({ frontEnd }: Manifest): number {
  if (frontEnd.kind !== 'coqui-mfcc') {
    throw new MalgwiError('manifest_invalid', { detail: 'manifest.json: /frontEnd/kind is not coqui-mfcc' });
  }
  return (2 * frontEnd.contextFrames + 1) * frontEnd.numCoefficients;
}

/** The states `hidden` and `cell`, and nothing else, both ['batch', units]. */
function unitsOf({ graphs }: Manifest): number {
  const states = graphs.encoder.states ?? [];
  const [units, other] = ['hidden', 'cell'].map((name) => {
    const shape = states.find((state) => state.name === name)?.shape;
    return shape?.length === 2 && shape[0] === 'batch' && typeof shape[1] === 'number' ? shape[1] : undefined;
  });
  if (units === undefined || units !== other || states.length !== 2 || units > MAX_UNITS) {
    const detail = `manifest.json: /graphs/encoder/states are not hidden and cell, ['batch', units] with up to ${MAX_UNITS} units`;
    throw new MalgwiError('manifest_invalid', { detail });
  }
  return units;
}
