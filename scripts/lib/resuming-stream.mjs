/**
 * Live recognition over connections that break: one session, one transcript. Audio is 16-bit PCM with one channel; what the
 * service may need again is kept until it says that it does not.
 */
export class ResumingStream {
  #options;
  #socket;
  /** Audio by its place in the whole: kept from the last `ack` on. */
  #kept = [];
  #end = 0;
  #settled = 0;
  #sent = 0;
  /** Of the session: who it is, the last message of it, and the place in the audio where it began. */
  #session;
  #seq = 0;
  #base = 0;
  #lastFinal = { end: 0, utterance: -1 };
  #ready = false;
  #finishing = false;
  #over = false;
  /** Connections in a row that brought nothing. */
  #failures = 0;
  #error;

  /**
   * @param options `connect()` gives a new WebSocket; `sampleRate`; `hello`: further fields of the hello; `onMessage(message)`:
   *   each message once, in order; `send(socket, bytes)`: in place of the socket's own; `attempts`: connections in a row that
   *   bring nothing
   */
  constructor({ send = (socket, bytes) => socket.send(bytes), attempts = 20, ...options }) {
    this.#options = { onMessage: () => undefined, send, attempts, ...options };
    /** Resolves at the end of the session; rejects where going on makes no sense. */
    this.closed = new Promise((resolve, reject) => Object.assign(this.#options, { resolve, reject }));
    this.#connect();
  }

  /** Bytes that were written and may be needed again. */
  get unsettled() {
    return this.#end - this.#settled;
  }

  write(bytes) {
    this.#kept.push({ at: this.#end, bytes });
    this.#end += bytes.length;
    this.#pump();
  }

  /** No more audio comes. */
  finish() {
    this.#finishing = true;
    this.#pump();
    return this.closed;
  }

  #connect() {
    const socket = this.#options.connect();
    this.#socket = socket;
    this.#error = undefined;
    socket.onopen = () => socket.send(JSON.stringify(this.#greeting()));
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onerror = () => undefined; // Its close follows.
    socket.onclose = ({ code }) => this.#onClose(code);
  }

  #greeting() {
    if (this.#session !== undefined) {
      return { type: 'resume', session: this.#session.id, token: this.#session.token, seq: this.#seq };
    }
    const { sampleRate, hello } = this.#options;
    // What is final stays; the rest is heard again by the new session.
    this.#base = Math.max(this.#settled, Math.ceil(this.#lastFinal.end * sampleRate) * 2);
    this.#sent = this.#base;
    const goesOn = { time: this.#base / 2 / sampleRate, utterance: this.#lastFinal.utterance + 1 };
    const format = { encoding: 'pcm_s16le', sample_rate: sampleRate };
    return { type: 'hello', ...format, ...hello, resumable: true, continue: goesOn };
  }

  #take(message) {
    if (message.seq !== undefined) this.#seq = message.seq;
    if (message.type === 'ready') {
      this.#session = { id: message.session, token: message.resume.token };
    } else if (message.type === 'resumed') {
      this.#sent = this.#base + message.bytes;
    } else if (message.type === 'ack') {
      this.#settled = this.#base + message.bytes;
      while (this.#kept[0]?.at + this.#kept[0]?.bytes.length <= this.#settled) this.#kept.shift();
    } else if (message.type === 'final') {
      this.#lastFinal = message;
    } else if (message.type === 'error') {
      this.#error = message.error;
    } else if (message.type === 'closed') {
      this.#session = undefined;
      this.#over = message.reason === 'finished';
    }
    if (['partial', 'final', 'ack'].includes(message.type)) this.#failures = 0;
    this.#options.onMessage(message);
    if (message.type !== 'ready' && message.type !== 'resumed') return;
    this.#ready = true;
    this.#pump();
  }

  #pump() {
    const socket = this.#socket;
    if (!this.#ready) return;
    for (const { at, bytes } of this.#kept) {
      if (at + bytes.length <= this.#sent) continue;
      this.#options.send(socket, bytes.subarray(Math.max(0, this.#sent - at)));
      this.#sent = at + bytes.length;
    }
    if (this.#finishing) socket.send('{"type":"finish"}');
  }

  #onClose(code) {
    if (this.#over) return this.#options.resolve();
    const { code: reason, message, retry_after: wait = 0 } = this.#error ?? {};
    const unknown = reason === 'session_not_found';
    if (unknown) this.#session = undefined;
    this.#ready = false;
    this.#failures += 1;
    if ((code === 1008 && !unknown) || this.#failures > this.#options.attempts) {
      this.#over = true;
      return this.#options.reject(new Error(message ?? `The connection closed with ${code}.`));
    }
    setTimeout(() => this.#connect(), Math.max(wait * 1000, Math.min(5000, 20 * 2 ** this.#failures)));
  }
}
