/**
 * Checkpoints of KoSpeech, imported and run here, against what KoSpeech's own code computed: identical greedy tokens.
 * Needs the recorded outputs beside the repository and a Python with the importer's requirements (TEST_PYTHON
 * names one); skipped where either is missing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NpzFile } from '../src/cli/verification/npz.js';
import { readPackage } from '../src/models/index.js';
import { loadFamily, type Family } from '../src/recognition/families/index.js';
import { ROOT } from './cli-support.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const SHARED = join(ROOT, '../shared/fixtures/kospeech');
const PYTHON = process.env['TEST_PYTHON'] ?? 'python3';
const UTTERANCES = ['u0', 'u1', 'u2', 'u3'];

/** Attention models were let go on past an eos, to as many tokens as were recorded. */
const CHECKPOINTS = [
  { name: 'ds2_gru_bi', ids: 'ctc_ids', recorded: false },
  { name: 'conformer_ctc', ids: 'ctc_ids', recorded: false },
  { name: 'las_mha_vgg_joint', ids: 'greedy_ids', recorded: true },
  { name: 'transformer_joint', ids: 'greedy_ids', recorded: true },
  { name: 'rnnt_bi_lstm', ids: 'greedy_ids_standard', recorded: false },
];

function missing(): string | undefined {
  if (!existsSync(SHARED)) return 'the recorded outputs are not there';
  try {
    execFileSync(PYTHON, ['-c', 'import torch, onnx, onnxruntime'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no Python with PyTorch, onnx and onnxruntime';
  }
}

const reason = missing();

describe.skipIf(reason !== undefined)(
  `KoSpeech's own tokens${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'malgwi-kospeech-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    describe.each(CHECKPOINTS)('$name', ({ name, ids, recorded }) => {
      let family: Family;
      let golden: NpzFile;
      beforeAll(async () => {
        const out = join(folder, name.replaceAll('_', '-'));
        const vocabulary = join(SHARED, 'aihub_character_vocabs.csv');
        const files = ['--checkpoint', join(SHARED, name, 'model.pt'), '--vocab', vocabulary, '--out', out];
        const env = { ...process.env, PYTHONPATH: join(ROOT, 'python'), PYTHONDONTWRITEBYTECODE: '1' };
        execFileSync(PYTHON, ['-m', 'malgwi_models', 'import-kospeech', ...files], { stdio: 'pipe', env });
        family = await loadFamily(await readPackage(out));
        golden = await NpzFile.open(join(SHARED, name, 'golden.npz'));
      });
      afterAll(async () => {
        golden.close();
        await family.close();
      });

      it.each(UTTERANCES)('%s', async (utterance) => {
        const { values, shape } = await golden.read(`${utterance}_x`);
        const [, frames, dims] = shape;
        const expected = Array.from((await golden.read(`${utterance}_${ids}`)).values, Number);
        const features = { data: Float32Array.from(values as Float32Array), frames, dims };
        expect(await family.greedyIds(features, recorded ? expected.length : undefined)).toEqual(expected);
        const [best] = (await family.decode(features, { beamWidth: 4 })).hypotheses;
        expect(Number.isFinite(best.score)).toBe(true);
      });
    });
  },
);
