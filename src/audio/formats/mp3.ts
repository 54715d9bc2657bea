import type { MPEGDecoder } from 'mpg123-decoder';
import { MalgwiError } from '../../errors.js';
import { sliceSource } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { quietly } from '../quietly.js';
import { truncatedAfter } from '../truncated.js';
import { findFrames, parseMp3Header } from './mpeg.js';
import type { Mp3Header } from './mpeg.js';

const PROBE_BYTES = 1 << 16;
/** At most about two seconds of audio a call, at the lowest bit rates. */
const READ_BYTES = 1 << 12;

interface XingTag {
  readonly frames: number | undefined;
  readonly bytes: number | undefined;
}

/** The Xing or Info tag that encoders put into the first frame: how many frames and bytes follow. */
function parseXing(bytes: Uint8Array, at: number, header: Mp3Header): XingTag | undefined {
  const tag = at + 4 + header.sideInfo;
  if (tag + 16 > bytes.length) return undefined;
  const name = String.fromCharCode(...bytes.subarray(tag, tag + 4));
  if (name !== 'Xing' && name !== 'Info') return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint32(tag + 4);
  return {
    frames: (flags & 1) !== 0 ? view.getUint32(tag + 8) : undefined,
    bytes: (flags & 3) === 3 ? view.getUint32(tag + 12) : undefined,
  };
}

/**
 * MPEG layer 2 and 3 through libmpg123, which cuts encoder delay and padding (gapless) and finds its way after
 * damage. `start` is where the first frame stands.
 * @throws MalgwiError audio_corrupt, audio_truncated (a Xing tag promises more), audio_empty
 */
export async function openMp3(whole: ByteSource, start = 0): Promise<FormatDecoder> {
  const source = start === 0 ? whole : sliceSource(whole, start, whole.size);
  const head = await source.read(0, PROBE_BYTES);
  const first = findFrames(head, 0, parseMp3Header, head.length === source.size);
  if (first === undefined)
    throw new MalgwiError('audio_corrupt', { detail: 'The MP3 data has no valid frames.' });
  const { header } = first;
  const xing = parseXing(head, first.at, header);
  const promised =
    xing?.frames === undefined ? undefined : (xing.frames * header.samples) / header.sampleRate;
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder: MPEGDecoder = new MPEGDecoder();
  await decoder.ready;
  let closed = false;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    let seconds = 0;
    for (let at = first!.at; at < source.size; at += READ_BYTES) {
      const bytes = await source.read(at, READ_BYTES);
      const decoded = quietly(() => decoder.decode(bytes));
      if (decoded.samplesDecoded === 0) continue;
      if (decoded.sampleRate === 0) throw new MalgwiError('audio_corrupt');
      seconds += decoded.samplesDecoded / decoded.sampleRate;
      // mpg123-decoder gives mono as two equal channels.
      yield { channels: decoded.channelData.slice(0, header.channels), sampleRate: decoded.sampleRate };
    }
    // Delay and padding count in the tag but not in what is decoded: up to some 3000 samples.
    const tolerance = 0.3 + (promised ?? 0) * 0.01;
    if (promised !== undefined && seconds < promised - tolerance) throw truncatedAfter(seconds, promised);
    if (seconds === 0)
      throw new MalgwiError('audio_corrupt', { detail: 'The MP3 data could not be decoded.' });
  }
  return {
    info: {
      container: 'mp3',
      codec: header.layer === 3 ? 'mp3' : 'mp2',
      sampleRate: header.sampleRate,
      channels: header.channels,
      ...(promised === undefined ? {} : { durationSeconds: promised }),
    },
    blocks,
    close: () => {
      if (closed) return;
      closed = true;
      decoder.free();
    },
  };
}
