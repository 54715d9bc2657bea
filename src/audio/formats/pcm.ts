import wavefile from 'wavefile';

/** Interleaved linear or companded samples. `s` signed, `u` unsigned, `f` IEEE 754. */
export type PcmEncoding =
  'pcm_u8' | 'pcm_s16' | 'pcm_s24' | 'pcm_s32' | 'pcm_f32' | 'pcm_f64' | 'mulaw' | 'alaw';

export const BYTES_PER_SAMPLE: Readonly<Record<PcmEncoding, number>> = {
  pcm_u8: 1,
  pcm_s16: 2,
  pcm_s24: 3,
  pcm_s32: 4,
  pcm_f32: 4,
  pcm_f64: 8,
  mulaw: 1,
  alaw: 1,
};

type TableEncoding = 'pcm_u8' | 'pcm_s16' | 'mulaw' | 'alaw';

const tables = new Map<TableEncoding, Float32Array>();

/**
 * Codes of up to 16 bits are decoded by wavefile once, all of them, and looked up from then on: wavefile's own
 * per-sample unpacking runs at a few hundred times real time, a table at many thousands.
 */
function codeTable(encoding: TableEncoding): Float32Array {
  let table = tables.get(encoding);
  if (table !== undefined) return table;
  const wav = new wavefile.WaveFile();
  if (encoding === 'pcm_s16') {
    const codes = Float64Array.from({ length: 65_536 }, (_, i) => (i < 32_768 ? i : i - 65_536));
    wav.fromScratch(1, 8000, '16', codes);
    table = Float32Array.from(wav.getSamples(true) as unknown as Float64Array, (v) => v / 32_768);
  } else {
    const codes = Float64Array.from({ length: 256 }, (_, i) => i);
    wav.fromScratch(1, 8000, { pcm_u8: '8', mulaw: '8m', alaw: '8a' }[encoding], codes);
    if (encoding === 'mulaw') wav.fromMuLaw();
    if (encoding === 'alaw') wav.fromALaw();
    const samples = wav.getSamples(true) as unknown as Float64Array;
    table = Float32Array.from(samples, (v) => (encoding === 'pcm_u8' ? (v - 128) / 128 : v / 32_768));
  }
  tables.set(encoding, table);
  return table;
}

/** Reads sample `index` of a block as a float; a closure per block so that the loops below stay monomorphic. */
function unpack(encoding: PcmEncoding, bytes: Uint8Array, bigEndian: boolean, out: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !bigEndian;
  switch (encoding) {
    case 'pcm_u8':
    case 'mulaw':
    case 'alaw': {
      const table = codeTable(encoding);
      for (let i = 0; i < out.length; i++) out[i] = table[bytes[i]];
      return;
    }
    case 'pcm_s16': {
      const table = codeTable(encoding);
      const [low, high] = bigEndian ? [1, 0] : [0, 1];
      for (let i = 0, at = 0; i < out.length; i++, at += 2)
        out[i] = table[bytes[at + low] | (bytes[at + high] << 8)];
      return;
    }
    case 'pcm_s24': {
      const [low, high] = bigEndian ? [2, 0] : [0, 2];
      for (let i = 0, at = 0; i < out.length; i++, at += 3) {
        out[i] = ((bytes[at + low] << 8) | (bytes[at + 1] << 16) | (bytes[at + high] << 24)) / 2_147_483_648;
      }
      return;
    }
    case 'pcm_s32':
      for (let i = 0; i < out.length; i++) out[i] = view.getInt32(i * 4, little) / 2_147_483_648;
      return;
    case 'pcm_f32':
      for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(i * 4, little);
      return;
    case 'pcm_f64':
      for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(i * 8, little);
  }
}

/**
 * Interleaved bytes to one array per channel, full scale 1. Bytes beyond the last whole frame are ignored.
 * Linear samples wider than 16 bits are read in place (test: bit-equal to wavefile, which needs 10 to 30 times as
 * long for them).
 */
export function decodePcm(
  bytes: Uint8Array,
  encoding: PcmEncoding,
  channels: number,
  bigEndian = false,
): Float32Array[] {
  const frames = Math.floor(bytes.length / (BYTES_PER_SAMPLE[encoding] * channels));
  const interleaved = new Float32Array(frames * channels);
  unpack(encoding, bytes, bigEndian, interleaved);
  return deinterleave(interleaved, channels);
}

export function deinterleave(interleaved: Float32Array, channels: number): Float32Array[] {
  if (channels === 1) return [interleaved];
  const frames = Math.floor(interleaved.length / channels);
  return Array.from({ length: channels }, (_, channel) => {
    const out = new Float32Array(frames);
    for (let i = 0, at = channel; i < frames; i++, at += channels) out[i] = interleaved[at];
    return out;
  });
}

/**
 * IMA ADPCM blocks (Microsoft's WAVE form) through wavefile. Blocks of several channels are taken apart into one
 * channel's blocks first, because wavefile knows mono only: per block, a 4-byte header for each channel, then 4-byte
 * words of 8 codes in turn. wavefile gives each block's first sample twice, and a block only once another follows.
 * @param bytes whole blocks
 */
export function decodeImaAdpcm(bytes: Uint8Array, blockAlign: number, channels: number): Float32Array[] {
  const blocks = Math.floor(bytes.length / blockAlign);
  const monoAlign = blockAlign / channels;
  const perBlock = (monoAlign - 4) * 2 + 1;
  return Array.from({ length: channels }, (_, channel) => {
    const mono = new Uint8Array(blocks * monoAlign + 1);
    for (let to = 0, from = channel * 4; to + 4 <= mono.length; to += 4, from += channels * 4) {
      mono.set(bytes.subarray(from, from + 4), to);
    }
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, 8000, '4', mono);
    (wav.fmt as { blockAlign: number }).blockAlign = monoAlign;
    wav.fromIMAADPCM();
    const samples = wav.getSamples(true) as unknown as Float64Array;
    const out = new Float32Array(blocks * perBlock);
    for (let block = 0; block < blocks; block++) {
      const from = block * (perBlock + 1) + 1;
      for (let i = 0; i < perBlock; i++) out[block * perBlock + i] = samples[from + i] / 32_768;
    }
    return out;
  });
}
