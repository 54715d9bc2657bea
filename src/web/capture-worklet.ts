/** Runs on the audio thread: collects samples into pieces of 16-bit PCM and measures how loud they are. */
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Seconds of one piece: partials come at most so much later, and the socket carries 20 messages a second. */
const PIECE_SECONDS = 0.05;

export interface CapturedPiece {
  readonly pcm: ArrayBuffer;
  /** Root mean square, 0..1. */
  readonly level: number;
  /** Set on the last piece, after `stop`. */
  readonly last: boolean;
}

class Capture extends AudioWorkletProcessor {
  private readonly samples = new Int16Array(Math.round(sampleRate * PIECE_SECONDS));
  private filled = 0;
  private energy = 0;
  private stopped = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      // What is left is sent too: the last syllable may be in it.
      this.send(true);
      this.stopped = true;
    };
  }

  process(inputs: Float32Array[][]): boolean {
    if (this.stopped) return false;
    const channels = inputs[0] ?? [];
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      const value = Math.max(-1, Math.min(1, sum / channels.length));
      this.energy += value * value;
      this.samples[this.filled++] = Math.round(value * 32767);
      if (this.filled === this.samples.length) this.send(false);
    }
    return true;
  }

  private send(last: boolean): void {
    const pcm = this.samples.slice(0, this.filled).buffer;
    const level = Math.sqrt(this.energy / Math.max(1, this.filled));
    this.filled = 0;
    this.energy = 0;
    this.port.postMessage({ pcm, level, last } satisfies CapturedPiece, [pcm]);
  }
}

registerProcessor('malgwi-capture', Capture as unknown as new () => AudioWorkletProcessor);
