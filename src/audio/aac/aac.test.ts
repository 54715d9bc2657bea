import { describe, expect, it } from 'vitest';
import { AacError, BitReader, HuffmanCode } from './bits.js';
import { AacDecoder, aacConfig, parseAudioSpecificConfig } from './decoder.js';
import { ChannelFilterBank, EIGHT_SHORT, LONG_START, LONG_STOP, ONLY_LONG } from './filterbank.js';
import { Imdct } from './imdct.js';
import { LONG_BANDS, SCALE_FACTOR_BOOK, SHORT_BANDS, SPECTRAL_BOOKS } from './tables.js';

describe('AAC tables', () => {
  it('codebooks are complete: every sequence of bits is a code', () => {
    for (const book of [SCALE_FACTOR_BOOK, ...SPECTRAL_BOOKS]) {
      const kraft = book.counts.reduce((sum, count, i) => sum + count * 2 ** -(i + 1), 0);
      expect(kraft).toBe(1);
      expect(new Set(book.symbols).size).toBe(book.symbols.length);
      expect(book.counts.reduce((a, b) => a + b)).toBe(book.symbols.length);
    }
    expect(SPECTRAL_BOOKS.map((b) => b.symbols.length)).toEqual([
      81, 81, 81, 81, 81, 81, 64, 64, 169, 169, 289,
    ]);
  });

  it('bands cover the whole spectrum', () => {
    expect(new Set(LONG_BANDS.map((b) => b.at(-1)))).toEqual(new Set([1024]));
    expect(new Set(SHORT_BANDS.map((b) => b.at(-1)))).toEqual(new Set([128]));
    for (const bands of [...LONG_BANDS, ...SHORT_BANDS])
      expect([...bands].sort((a, b) => a - b)).toEqual(bands);
  });
});

describe('HuffmanCode', () => {
  it('reads short and long codes', () => {
    // 0, 10, 110 ... then twelve ones: lengths 1 to 12.
    const counts = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2];
    const code = new HuffmanCode({ counts, symbols: Array.from({ length: 13 }, (_, i) => i + 100) });
    const text = '0' + '10' + '11111111110' + '111111111111' + '111111111110';
    const bytes = Uint8Array.from(
      { length: 6 },
      (_, i) => parseInt(text.slice(i * 8, i * 8 + 8).padEnd(8, '0'), 2) || 0,
    );
    const bits = new BitReader(bytes);
    expect(Array.from({ length: 5 }, () => code.read(bits))).toEqual([100, 101, 110, 112, 111]);
  });
});

describe('Imdct', () => {
  it.each([128, 1024])('equals its definition, %i coefficients', (size) => {
    const input = Float32Array.from({ length: size }, (_, k) => Math.sin(k * k + 1));
    const output = new Float32Array(2 * size);
    new Imdct(size).run(input, 0, output);
    for (let n = 0; n < 2 * size; n += 37) {
      let sum = 0;
      for (let k = 0; k < size; k++)
        sum += input[k] * Math.cos((Math.PI / size) * (n + 0.5 + size / 2) * (k + 0.5));
      expect(output[n]).toBeCloseTo(sum, 3);
    }
  });
});

/** The forward transform of a windowed block, as an encoder does it. */
function analyse(
  signal: Float64Array,
  at: number,
  window: Float64Array,
  size: number,
  from: number,
): Float64Array {
  return Float64Array.from({ length: size }, (_, k) => {
    let sum = 0;
    for (let n = 0; n < 2 * size; n++) {
      const sample = (signal[at + from + n] ?? 0) * window[n];
      sum += sample * Math.cos((Math.PI / size) * (n + 0.5 + size / 2) * (k + 0.5));
    }
    return 2 * sum;
  });
}

describe('ChannelFilterBank', () => {
  it('reconstructs a signal perfectly through all window sequences', () => {
    const frames = [ONLY_LONG, LONG_START, EIGHT_SHORT, LONG_STOP, ONLY_LONG];
    const signal = Float64Array.from(
      { length: 1024 * 7 },
      (_, n) => 8000 * Math.sin(n * 0.03) + 500 * Math.cos(n * 1.1),
    );
    const half = (size: number, n: number): number => Math.sin((Math.PI / (2 * size)) * (n + 0.5));
    const rise = (sequence: number, n: number): number =>
      sequence === LONG_STOP ? (n < 448 ? 0 : n < 576 ? half(128, n - 448) : 1) : half(1024, n);
    const fall = (sequence: number, n: number): number =>
      sequence === LONG_START
        ? n < 448
          ? 1
          : n < 576
            ? half(128, 127 - (n - 448))
            : 0
        : half(1024, 1023 - n);
    const shortWindow = Float64Array.from({ length: 256 }, (_, n) => half(128, n < 128 ? n : 255 - n));
    const bank = new ChannelFilterBank();
    const out: number[] = [];
    frames.forEach((sequence, frame) => {
      const at = frame * 1024;
      const coefficients = new Float32Array(1024);
      if (sequence === EIGHT_SHORT) {
        for (let w = 0; w < 8; w++)
          coefficients.set(analyse(signal, at, shortWindow, 128, 448 + w * 128), w * 128);
      } else {
        const window = Float64Array.from({ length: 2048 }, (_, n) =>
          n < 1024 ? rise(sequence, n) : fall(sequence, n - 1024),
        );
        coefficients.set(analyse(signal, at, window, 1024, 0));
      }
      out.push(...bank.process(coefficients, sequence, 0));
    });
    // The first 1024 samples have no partner to cancel their aliasing.
    const errors = out.slice(1024).map((v, i) => Math.abs(v * 32_768 - signal[1024 + i]));
    expect(Math.max(...errors)).toBeLessThan(0.05);
  });
});

describe('AudioSpecificConfig', () => {
  it('reads LC, and the core of HE-AAC', () => {
    expect(parseAudioSpecificConfig(Uint8Array.of(0x12, 0x10))).toMatchObject({
      sampleRate: 44_100,
      channels: 2,
    });
    // Object type 5, core 22.05 kHz, mono, extension 44.1 kHz, then LC.
    const he = '00101' + '0111' + '0001' + '0100' + '00010' + '000';
    const bytes = Uint8Array.from({ length: 4 }, (_, i) =>
      parseInt(he.slice(i * 8, i * 8 + 8).padEnd(8, '0'), 2),
    );
    expect(parseAudioSpecificConfig(bytes)).toMatchObject({ sampleRate: 22_050, rateIndex: 7, channels: 1 });
  });

  it('refuses what it does not know', () => {
    for (const bytes of [[], [0x0a, 0x10], [0x22, 0x10], [0x12, 0x14], [0xff, 0xff, 0xff]]) {
      expect(() => parseAudioSpecificConfig(Uint8Array.from(bytes))).toThrow(AacError);
    }
    expect(() => aacConfig(0, 1)).toThrow(AacError);
    expect(() => aacConfig(200_000, 1)).toThrow(AacError);
    expect(aacConfig(46_000, 1).rateIndex).toBe(4);
  });
});

describe('AacDecoder', () => {
  it('ends on any bytes with samples or an AacError', () => {
    const decoder = new AacDecoder(aacConfig(44_100, 2));
    let state = 7;
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from({ length: 4 + (round % 300) }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 24;
      });
      try {
        for (const channel of decoder.decode(bytes)) expect(channel.length).toBe(1024);
      } catch (error) {
        expect(error).toBeInstanceOf(AacError);
      }
    }
  });
});
