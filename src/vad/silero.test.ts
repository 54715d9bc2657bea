import { describe, expect, it } from 'vitest';
import { SileroVad } from './silero.js';

describe('SileroVad', () => {
  it('says so with a code when its model cannot be loaded', async () => {
    await expect(SileroVad.load('no-such-model.onnx')).rejects.toMatchObject({ code: 'inference_failed' });
  });

  it('says so with a code when it is used after it was closed', async () => {
    const vad = await SileroVad.load();
    const stream = vad.createStream();
    await stream.process(new Float32Array(512));
    await vad.close();
    await expect(stream.process(new Float32Array(512))).rejects.toMatchObject({ code: 'inference_failed' });
  });
});
