// Clients of the live protocols as a load generator needs them: audio in, and what is told as one kind of event, with the
// moment it came. Times of events are seconds of audio.
import { WebSocket } from 'ws';

const RATE = 16_000;

/** 16 kHz to 24 kHz by straight lines, for Realtime: nobody's accuracy is measured with it. */
function to24k(bytes) {
  const source = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const target = new Int16Array(Math.floor((source.length * 3) / 2));
  for (let i = 0; i < target.length; i++) {
    const at = (i * 2) / 3;
    const below = Math.floor(at);
    target[i] =
      source[below] + (source[Math.min(source.length - 1, below + 1)] - source[below]) * (at - below);
  }
  return Buffer.from(target.buffer);
}

/**
 * Each: `path`, `hello` (or nothing), `audio(bytes)` as messages, `finish`, and `read(message)`, which gives events:
 * `{type: 'ready' | 'partial' | 'final' | 'error', text?, stable?, start?, end?, code?}`.
 */
export const PROTOCOLS = {
  stream: {
    path: '/v1/stream',
    hello: { type: 'hello', encoding: 'pcm_s16le', sample_rate: RATE, options: { intents: false } },
    audio: (bytes) => bytes,
    finish: { type: 'finish' },
    read(message) {
      if (message.type === 'error') return { type: 'error', code: message.error.code };
      return ['ready', 'partial', 'final', 'closed'].includes(message.type) ? message : undefined;
    },
  },
  deepgram: {
    path: `/v1/listen?encoding=linear16&sample_rate=${RATE}&interim_results=true`,
    audio: (bytes) => bytes,
    finish: { type: 'CloseStream' },
    read(message) {
      if (message.type === 'Error') return { type: 'error', code: message.variant };
      if (message.type !== 'Results') return undefined;
      const { start, duration, is_final: final, channel } = message;
      const type = final ? 'final' : 'partial';
      return { type, text: channel.alternatives[0].transcript, start, end: start + duration, stable: 0 };
    },
  },
  realtime: {
    path: '/v1/realtime?intent=transcription',
    audio: (bytes) =>
      JSON.stringify({ type: 'input_audio_buffer.append', audio: to24k(bytes).toString('base64') }),
    finish: undefined,
    read(message) {
      const kind = String(message.type).split('.').at(-1);
      if (message.type === 'error') return { type: 'error', code: message.error.code };
      if (kind === 'completed') return { type: 'final', text: message.transcript };
      return undefined;
    },
  },
  vosk: {
    path: '/v1/vosk',
    hello: { config: { sample_rate: RATE } },
    audio: (bytes) => bytes,
    finish: { eof: 1 },
    read(message) {
      if ('error' in message) return { type: 'error', code: message.code };
      if ('text' in message) return message.text === '' ? undefined : { type: 'final', text: message.text };
      return message.partial === '' ? undefined : { type: 'partial', text: message.partial, stable: 0 };
    },
  },
};

/** One stream. `events` are told with `at`, in milliseconds of performance.now(). */
export class LoadClient {
  events = [];
  closeCode;
  opened = false;

  /** @param hello in place of the protocol's own */
  constructor(host, protocol, hello = PROTOCOLS[protocol].hello) {
    this.protocol = PROTOCOLS[protocol];
    this.socket = new WebSocket(`ws://${host}${this.protocol.path}`, { perMessageDeflate: false });
    this.ready = new Promise((resolve) => this.socket.once('open', resolve).once('close', resolve));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code) => {
        this.closeCode = code;
        resolve(code);
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      const at = performance.now();
      const event = this.protocol.read(JSON.parse(data.toString()));
      if (event !== undefined) this.events.push({ ...event, at });
    });
    this.socket.once('open', () => {
      this.opened = true;
      if (hello !== undefined) this.socket.send(JSON.stringify(hello));
    });
  }

  send(bytes) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(this.protocol.audio(bytes));
  }

  /** Waits for the last words. */
  async finish(timeoutMs = 15_000) {
    const { finish } = this.protocol;
    if (this.socket.readyState === WebSocket.OPEN && finish !== undefined)
      this.socket.send(JSON.stringify(finish));
    if (finish === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      this.socket.close();
    }
    await Promise.race([this.closed, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())]);
    this.socket.terminate();
  }
}
