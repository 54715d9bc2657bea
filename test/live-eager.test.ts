/** Eager ends over the socket, with the bundled model and real audio. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, wavData, withPause } from './live-support.js';
import type { LiveService } from './live-support.js';

const clip = wavData(fileURLToPath(new URL('../test-audio/reserve-a3.wav', import.meta.url)));
const OPTIONS = { silence_ms: 700, eager_silence_ms: 200 };

let recognizer: Recognizer;
let service: LiveService;

beforeAll(async () => {
  recognizer = await startRecognizer(1);
  service = await liveService(recognizer);
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

async function hear(bytes: Uint8Array, options: object, hello: object = {}): Promise<LiveClient> {
  const client = await LiveClient.open(service.url, { ...hello, options });
  await client.play(bytes, 1600);
  expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
  return client;
}

it('a pause inside a sentence is told and taken back, its end is told and confirmed', async () => {
  const client = await hear(withPause(clip, 0.4), OPTIONS);
  const order = client.messages.flatMap((message) => {
    if (message.type === 'final') return [message.eager];
    if (message.type === 'intent' && message.tentative && message.eager !== true) return [];
    return ['eager_end', 'eager_retracted', 'intent'].includes(message.type) ? [message.type] : [];
  });
  const early = ['eager_end', 'intent'];
  expect(order).toEqual([...early, 'eager_retracted', ...early, 'confirmed', 'intent']);

  const [first, second] = client.of('eager_end');
  const [{ type: _, eager, ...final }] = client.of('final');
  expect(eager).toBe('confirmed');
  expect({ ...second, type: 'final' }).toEqual({ type: 'final', ...final });
  expect(final.text.length).toBeGreaterThan(first.text.length);
  expect(client.of('eager_retracted')[0].time).toBeGreaterThan(first.end);
  const [, intent, last] = client.of('intent').filter((one) => one.eager === true || !one.tentative);
  expect(intent).toEqual({ ...last, tentative: true, eager: true });
  expect(last.intent).toBe('reserve');

  const metrics = await service.metrics.expose();
  for (const [outcome, count] of Object.entries({ confirmed: 1, changed: 0, retracted: 1 }))
    expect(metrics).toContain(`malgwi_eager_ends_total{outcome="${outcome}"} ${String(count)}\n`);

  // The same final without.
  const { eager_silence_ms: __, ...plain } = OPTIONS;
  const without = await hear(withPause(clip, 0.4), plain);
  expect(without.of('final')).toEqual([{ type: 'final', ...final }]);
  expect(without.messages.some(({ type }) => type.startsWith('eager'))).toBe(false);
});

it('in real time the eager end comes well before the final', async () => {
  const client = await LiveClient.open(service.url, { options: OPTIONS });
  await client.play(withPause(clip, 0.4), 1280, { speed: 1 });
  await client.finish();
  const at = (type: string): number => client.times[client.messages.findLastIndex((m) => m.type === type)];
  // 700 - 200 milliseconds, less the grid of windows and packets and a busy machine.
  expect(at('final') - at('eager_end')).toBeGreaterThan(300);
});

it('is told again after a drop, with its intent, and settled', async () => {
  const client = await LiveClient.open(service.url, { resumable: true, options: OPTIONS });
  const { session, resume } = client.of('ready')[0];
  // Up to the pause, which has no end yet.
  const paused = withPause(clip, 0.4);
  const [end] = (await hear(paused, OPTIONS)).of('eager_end').map((message) => message.end);
  const until = Math.round((end + 0.1) * 16_000) * 2;
  await client.play(paused.subarray(0, until), 1600);
  await client.next('eager_end');
  const seq = client.messages.findIndex(({ type }) => type === 'speech_start') + 1;
  client.socket.terminate();
  await client.closed;

  const again = await LiveClient.connect(service.url);
  again.say({ type: 'resume', session, token: resume!.token, seq });
  const { bytes } = await again.next('resumed');
  await again.play(paused.subarray(bytes), 1600);
  await again.finish();
  const kinds = again.messages.flatMap((message) => {
    if (message.type === 'final') return [message.eager];
    return message.type.startsWith('eager') || (message.type === 'intent' && message.eager === true)
      ? [message.type]
      : [];
  });
  const early = ['eager_end', 'intent'];
  expect(kinds).toEqual([...early, 'eager_retracted', ...early, 'confirmed']);
});

it('an eager silence must be shorter than the one that ends an utterance', async () => {
  for (const options of [
    { eager_silence_ms: 700, silence_ms: 700 },
    { eager_silence_ms: 1000 },
    { eager_silence_ms: 20 },
  ]) {
    const client = await LiveClient.connect(service.url);
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, options });
    expect((await client.closed).reason).toBe('invalid_field');
    expect(client.of('error')[0].error).toMatchObject({
      code: 'invalid_field',
      param: 'options.eager_silence_ms',
    });
  }
});

it('speech in noise that passes for speech ends when nothing new is heard', async () => {
  // A buzz: to a low threshold it is a voice.
  const samples = new Int16Array(clip.length / 2 + 5 * 16_000);
  for (let i = 0; i < samples.length; i++) {
    for (let k = 1; k <= 10; k++) samples[i] += 1600 * Math.sin((2 * Math.PI * 110 * k * i) / 16_000);
  }
  samples.set(new Int16Array(clip.slice().buffer));
  const bytes = new Uint8Array(samples.buffer);
  const spoken = clip.length / 32_000;

  const without = await hear(bytes, { threshold: 0.01 });
  expect(without.of('final').map(({ end }) => end > spoken + 4)).toEqual([true]);

  const client = await hear(bytes, { threshold: 0.01, eager_silence_ms: 200, decoder_silence_ms: 800 });
  const [final] = client.of('final');
  expect(final.end).toBeGreaterThan(spoken);
  expect(final.end).toBeLessThan(spoken + 1.5);
  expect(final.text).toBe(without.text);
  expect(client.of('intent').find(({ tentative }) => !tentative)?.intent).toBe('reserve');
  // What follows has nothing that was heard, and ends with the audio.
  expect(client.text).toBe(final.text);
});
