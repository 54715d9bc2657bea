import type { SpeexResamplerModule } from '@echogarden/speex-resampler-wasm/simd';
import { SAMPLE_RATE } from './contract.js';

/** A mono signal at one rate in, the same signal at {@link SAMPLE_RATE} out, in any split. */
export interface Resampler {
  /** Samples that became complete; shares no memory with the input or later results. */
  process(samples: Float32Array): Float32Array;
  /** The tail. In all, exactly round(samples in * 16000 / rate) samples come out. */
  flush(): Float32Array;
  close(): void;
}

/**
 * SpeexDSP's quality 5 (0..10): 80 taps per output period under a Kaiser window. Pass band to 7.5 kHz at 16 kHz
 * output, aliases below -100 dB; higher settings only narrow the transition band above it, at a multiple of the cost.
 */
const QUALITY = 5;

/** Input samples per call into wasm. */
const BLOCK = 8192;

interface Wasm {
  readonly module: SpeexResamplerModule;
  /** Scratch memory shared by all resamplers of the thread: calls are synchronous. */
  readonly input: number;
  readonly output: number;
  readonly outputCapacity: number;
  readonly lengths: number;
}

const MIN_RATE = 1000;
const MAX_RATE = 768_000;
const OUTPUT_CAPACITY = BLOCK * Math.ceil(SAMPLE_RATE / MIN_RATE) + 64;

let loading: Promise<Wasm> | undefined;

async function load(): Promise<Wasm> {
  const { default: createModule } = await import('@echogarden/speex-resampler-wasm/simd');
  const module = await createModule();
  const [input, output, lengths] = [
    module._malloc(BLOCK * 4),
    module._malloc(OUTPUT_CAPACITY * 4),
    module._malloc(8),
  ];
  if (input === 0 || output === 0 || lengths === 0) throw new Error('resampler: out of wasm memory');
  return { module, input, output, outputCapacity: OUTPUT_CAPACITY, lengths };
}

class PassThrough implements Resampler {
  process(samples: Float32Array): Float32Array {
    return samples.slice();
  }
  flush(): Float32Array {
    return new Float32Array(0);
  }
  close(): void {
    // holds nothing
  }
}

class SpeexResampler implements Resampler {
  readonly #wasm: Wasm;
  readonly #rate: number;
  readonly #state: number;
  readonly #latency: number;
  #closed = false;
  #samplesIn = 0;
  #samplesOut = 0;

  constructor(wasm: Wasm, rate: number) {
    const { module, lengths } = wasm;
    this.#wasm = wasm;
    this.#rate = rate;
    this.#state = module._speex_resampler_init(1, rate, SAMPLE_RATE, QUALITY, lengths);
    if (this.#state === 0 || module.HEAP32[lengths >> 2] !== 0)
      throw new Error('resampler: initialisation failed');
    this.#latency = module._speex_resampler_get_input_latency(this.#state);
    // Without this the output would begin with the filter's delay of silence.
    module._speex_resampler_skip_zeros(this.#state);
  }

  process(samples: Float32Array): Float32Array {
    this.#samplesIn += samples.length;
    const out = this.#run(samples);
    this.#samplesOut += out.length;
    return out;
  }

  flush(): Float32Array {
    const due = Math.round((this.#samplesIn * SAMPLE_RATE) / this.#rate) - this.#samplesOut;
    if (due <= 0) return new Float32Array(0);
    // Silence behind the end pushes the filter's memory out; a little more makes up for rounding.
    const tail = this.#run(new Float32Array(this.#latency + Math.ceil((2 * this.#rate) / SAMPLE_RATE) + 1));
    const out = new Float32Array(due);
    out.set(tail.subarray(0, due));
    this.#samplesOut += due;
    return out;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wasm.module._speex_resampler_destroy(this.#state);
  }

  #run(samples: Float32Array): Float32Array {
    if (this.#closed) throw new Error('resampler: closed');
    const { module, input, output, outputCapacity, lengths } = this.#wasm;
    const out = new Float32Array(Math.ceil((samples.length * SAMPLE_RATE) / this.#rate) + 64);
    let written = 0;
    for (let at = 0; at < samples.length;) {
      const block = samples.subarray(at, at + BLOCK);
      module.HEAPF32.set(block, input >> 2);
      module.HEAP32[lengths >> 2] = block.length;
      module.HEAP32[(lengths >> 2) + 1] = outputCapacity;
      const status = module._speex_resampler_process_float(
        this.#state,
        0,
        input,
        lengths,
        output,
        lengths + 4,
      );
      if (status !== 0) throw new Error(`resampler: error ${String(status)}`);
      const consumed = module.HEAP32[lengths >> 2];
      const produced = module.HEAP32[(lengths >> 2) + 1];
      if (consumed === 0 && produced === 0) throw new Error('resampler: no progress');
      out.set(module.HEAPF32.subarray(output >> 2, (output >> 2) + produced), written);
      written += produced;
      at += consumed;
    }
    return out.slice(0, written);
  }
}

/** Whether {@link createResampler} takes this rate, Hz. */
export function isResamplable(rate: number): boolean {
  return Number.isInteger(rate) && rate >= MIN_RATE && rate <= MAX_RATE;
}

/**
 * A streaming, band-limited sample rate converter to {@link SAMPLE_RATE}: SpeexDSP's polyphase windowed sinc
 * (J. Valin, after J. O. Smith's "Digital Audio Resampling") compiled to SIMD WebAssembly.
 * @param rate input rate in Hz, an integer from 1000 to 768000
 */
export async function createResampler(rate: number): Promise<Resampler> {
  if (!isResamplable(rate)) throw new RangeError(`unsupported sample rate ${String(rate)}`);
  if (rate === SAMPLE_RATE) return new PassThrough();
  loading ??= load();
  return new SpeexResampler(await loading, rate);
}
