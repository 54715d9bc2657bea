/** Frame headers of MPEG audio layer 3 (ISO 11172-3, 13818-3) and of ADTS (ISO 13818-7, 6.2). */

export interface FrameHeader {
  /** Bytes of the whole frame, header included. */
  readonly size: number;
  readonly samples: number;
  readonly sampleRate: number;
  readonly channels: number;
}

export interface Mp3Header extends FrameHeader {
  readonly layer: 1 | 2 | 3;
  /** Bytes between the header and a Xing or Info tag. */
  readonly sideInfo: number;
}

const MP3_BITRATES_V1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MP3_BITRATES_V2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const MP2_BITRATES_V1 = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];

/** The MPEG layer 2 or 3 header at `at`, or undefined. Free format and reserved values are no header. */
export function parseMp3Header(bytes: Uint8Array, at: number): Mp3Header | undefined {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) return undefined;
  const version = (bytes[at + 1] >> 3) & 3;
  const layerBits = (bytes[at + 1] >> 1) & 3;
  const bitrateIndex = bytes[at + 2] >> 4;
  const rateIndex = (bytes[at + 2] >> 2) & 3;
  if (version === 1 || (layerBits !== 1 && layerBits !== 2) || rateIndex === 3) return undefined;
  if (bitrateIndex === 0 || bitrateIndex === 15) return undefined;
  const layer = layerBits === 1 ? 3 : 2;
  const mpeg1 = version === 3;
  const bitrates = mpeg1 ? (layer === 3 ? MP3_BITRATES_V1 : MP2_BITRATES_V1) : MP3_BITRATES_V2;
  const sampleRate = [44_100, 48_000, 32_000][rateIndex] / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 3 && !mpeg1 ? 576 : 1152;
  const padding = (bytes[at + 2] >> 1) & 1;
  const size = Math.floor((samples * bitrates[bitrateIndex] * 125) / sampleRate) + padding;
  const channels = bytes[at + 3] >> 6 === 3 ? 1 : 2;
  const sideInfo = mpeg1 ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
  return { layer, size, samples, sampleRate, channels, sideInfo };
}

export const ADTS_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
];

export interface AdtsHeader extends FrameHeader {
  readonly headerSize: number;
  /** MPEG-4 audio object type: 2 is LC. */
  readonly objectType: number;
  readonly rateIndex: number;
  readonly channelConfig: number;
}

/** The ADTS header at `at`, or undefined. */
export function parseAdtsHeader(bytes: Uint8Array, at: number): AdtsHeader | undefined {
  if (at + 7 > bytes.length || bytes[at] !== 0xff || (bytes[at + 1] & 0xf6) !== 0xf0) return undefined;
  const rateIndex = (bytes[at + 2] >> 2) & 15;
  if (rateIndex >= ADTS_RATES.length) return undefined;
  const channelConfig = ((bytes[at + 2] & 1) << 2) | (bytes[at + 3] >> 6);
  const size = ((bytes[at + 3] & 3) << 11) | (bytes[at + 4] << 3) | (bytes[at + 5] >> 5);
  const headerSize = (bytes[at + 1] & 1) !== 0 ? 7 : 9;
  if (size <= headerSize) return undefined;
  return {
    size,
    headerSize,
    samples: 1024 * ((bytes[at + 6] & 3) + 1),
    sampleRate: ADTS_RATES[rateIndex],
    channels: channelConfig === 7 ? 8 : channelConfig,
    objectType: (bytes[at + 2] >> 6) + 1,
    rateIndex,
    channelConfig,
  };
}

/**
 * Where the first chain of `count` headers that lead from one to the next begins, at `from` or behind it: a lone sync
 * word is no proof, random bytes hold one every few kilobytes. A chain that runs into the end of `bytes` counts when
 * `atEnd` says that the file ends there and two headers matched.
 */
export function findFrames<T extends FrameHeader>(
  bytes: Uint8Array,
  from: number,
  parse: (bytes: Uint8Array, at: number) => T | undefined,
  atEnd: boolean,
  count = 4,
): { readonly at: number; readonly header: T } | undefined {
  for (let at = from; at + 7 <= bytes.length; at++) {
    const header = parse(bytes, at);
    if (header === undefined) continue;
    let next = at + header.size;
    let found = 1;
    while (found < count) {
      const following = parse(bytes, next);
      if (following === undefined || following.sampleRate !== header.sampleRate) break;
      found++;
      next += following.size;
    }
    if (found >= count || (atEnd && found >= 2 && next >= bytes.length)) return { at, header };
  }
  return undefined;
}

/** Bytes of an ID3v2 tag at the beginning (id3.org, 2.4.0 section 3.1); 0 when there is none. */
export function id3Size(bytes: Uint8Array): number {
  if (bytes.length < 10 || bytes[0] !== 0x49 || bytes[1] !== 0x44 || bytes[2] !== 0x33) return 0;
  const [a, b, c, d] = bytes.subarray(6, 10);
  if ((a | b | c | d) & 0x80) return 0;
  const footer = (bytes[5] & 0x10) !== 0 ? 10 : 0;
  return 10 + (a << 21) + (b << 14) + (c << 7) + d + footer;
}
