import { ADTS_RATES } from '../formats/mpeg.js';
import { AacError, BitReader } from './bits.js';
import { INTENSITY, INTENSITY_NEGATIVE, NOISE, readChannel, readChannelInfo } from './channel.js';
import type { ChannelSpectrum } from './channel.js';
import { ChannelFilterBank, SHORT } from './filterbank.js';
import { applyTns } from './tns.js';

/** What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2.1). */
export interface AacConfig {
  /** Rate of the core, Hz: half of what plays where spectral band replication (HE-AAC) doubles it. */
  readonly sampleRate: number;
  readonly rateIndex: number;
  /** 0 where the frames say so themselves. */
  readonly channels: number;
}

const LC = 2;
const SBR = 5;
const PARAMETRIC_STEREO = 29;
const MAX_CHANNELS = 16;

/**
 * Parses an AudioSpecificConfig.
 * @throws AacError for object types other than LC and HE-AAC (whose LC core is decoded) and for 960-sample frames
 */
export function parseAudioSpecificConfig(data: Uint8Array): AacConfig {
  const bits = new BitReader(data);
  const objectType = (): number => {
    const type = bits.read(5);
    return type === 31 ? 32 + bits.read(6) : type;
  };
  const rate = (): number => {
    const index = bits.read(4);
    return index === 15 ? bits.read(24) : (ADTS_RATES[index] ?? 0);
  };
  let type = objectType();
  const sampleRate = rate();
  const channels = bits.read(4);
  if (type === SBR || type === PARAMETRIC_STEREO) {
    rate();
    type = objectType();
  }
  if (type !== LC) throw new AacError(`object type ${String(type)}`);
  if (bits.read(1) !== 0) throw new AacError('frames of 960 samples');
  return aacConfig(sampleRate, channels);
}

/** @throws AacError for a rate out of range */
export function aacConfig(sampleRate: number, channels: number): AacConfig {
  // Other rates use the tables of the nearest one (4.5.1.1).
  const rateIndex = ADTS_RATES.findIndex((rate, i) => sampleRate >= (rate + (ADTS_RATES[i + 1] ?? 0)) / 2);
  if (rateIndex < 0 || sampleRate > 96_000) throw new AacError('sample rate out of range');
  return { sampleRate, rateIndex, channels: channels === 7 ? 8 : channels };
}

/**
 * AAC-LC (ISO/IEC 14496-3, subpart 4): all its tools; of HE-AAC the core, which holds speech up to a quarter of the
 * sampling rate. Here because no npm package under a permissive licence decodes AAC.
 */
export class AacDecoder {
  readonly #config: AacConfig;
  readonly #banks: ChannelFilterBank[] = [];

  constructor(config: AacConfig) {
    this.#config = config;
  }

  /**
   * Decodes one raw_data_block.
   * @returns 1024 samples for each channel without the low-frequency effects, full scale 1
   * @throws AacError
   */
  decode(frame: Uint8Array): Float32Array[] {
    const bits = new BitReader(frame);
    const { rateIndex } = this.#config;
    const out: Float32Array[] = [];
    let channel = 0;
    const synthesize = (spectrum: ChannelSpectrum, audible = true): void => {
      if (channel >= MAX_CHANNELS) throw new AacError('too many channels');
      applyTns(spectrum.coefficients, spectrum.info, spectrum.tns);
      const bank = (this.#banks[channel++] ??= new ChannelFilterBank());
      const samples = bank.process(spectrum.coefficients, spectrum.info.sequence, spectrum.info.shape);
      if (audible) out.push(samples);
    };
    for (;;) {
      const element = bits.read(3);
      switch (element) {
        case 0:
        case 3:
          bits.skip(4);
          synthesize(readChannel(bits, rateIndex), element === 0);
          break;
        case 1: {
          const [left, right] = readPair(bits, rateIndex);
          synthesize(left);
          synthesize(right);
          break;
        }
        case 2:
          throw new AacError('coupling channels');
        case 4:
          skipData(bits);
          break;
        case 5:
          skipProgramConfig(bits);
          break;
        case 6:
          skipFill(bits);
          break;
        default:
          return out;
      }
    }
  }
}

function readPair(bits: BitReader, rateIndex: number): [ChannelSpectrum, ChannelSpectrum] {
  bits.skip(4);
  if (bits.read(1) === 0) return [readChannel(bits, rateIndex), readChannel(bits, rateIndex)];
  const info = readChannelInfo(bits, rateIndex);
  const mask = bits.read(2);
  if (mask === 3) throw new AacError('reserved mask');
  const used = new Uint8Array(info.groups.length * info.maxBand).fill(mask === 2 ? 1 : 0);
  if (mask === 1) for (let i = 0; i < used.length; i++) used[i] = bits.read(1);
  const left = readChannel(bits, rateIndex, info);
  const right = readChannel(bits, rateIndex, info);
  joinStereo(left, right, used, mask === 1);
  return [left, right];
}

/** Mid/side (4.6.8.1) and intensity stereo (4.6.8.2). */
function joinStereo(left: ChannelSpectrum, right: ChannelSpectrum, used: Uint8Array, masked: boolean): void {
  const { groups, maxBand, bands } = left.info;
  const [l, r] = [left.coefficients, right.coefficients];
  let window = 0;
  for (let group = 0; group < groups.length; window += groups[group], group++) {
    for (let band = 0; band < maxBand; band++) {
      const index = group * maxBand + band;
      const book = right.books[index];
      const intensity = book === INTENSITY || book === INTENSITY_NEGATIVE;
      const middle = used[index] !== 0 && !intensity && book !== NOISE && left.books[index] !== NOISE;
      if (!intensity && !middle) continue;
      const inverted = (book === INTENSITY_NEGATIVE) !== (masked && used[index] !== 0);
      const scale = inverted ? -right.scales[index] : right.scales[index];
      for (let w = window; w < window + groups[group]; w++) {
        for (let k = w * SHORT + bands[band]; k < w * SHORT + bands[band + 1]; k++) {
          if (intensity) r[k] = l[k] * scale;
          else {
            const side = r[k];
            r[k] = l[k] - side;
            l[k] += side;
          }
        }
      }
    }
  }
}

function skipData(bits: BitReader): void {
  bits.skip(4);
  const align = bits.read(1) !== 0;
  let count = bits.read(8);
  if (count === 255) count += bits.read(8);
  if (align) bits.align();
  bits.skip(count * 8);
}

function skipFill(bits: BitReader): void {
  let count = bits.read(4);
  if (count === 15) count += bits.read(8) - 1;
  bits.skip(count * 8);
}

/** program_config_element() (table 4.2): the layout of the channels, which a mono mix does not need. */
function skipProgramConfig(bits: BitReader): void {
  bits.skip(4 + 2 + 4);
  const [front, side, back] = [bits.read(4), bits.read(4), bits.read(4)];
  const [effects, data, coupling] = [bits.read(2), bits.read(3), bits.read(4)];
  for (const width of [4, 4, 3]) if (bits.read(1) !== 0) bits.skip(width);
  bits.skip((front + side + back) * 5 + effects * 4 + data * 4 + coupling * 5);
  bits.align();
  bits.skip(bits.read(8) * 8);
}
