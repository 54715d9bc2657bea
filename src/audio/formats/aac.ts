import { aacConfig } from '../aac/decoder.js';
import type { ByteSource } from '../byte-source.js';
import { aacHeader, AacStream } from '../codecs/aac.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { MalgwiError } from '../../errors.js';
import { findFrames, parseAdtsHeader } from './mpeg.js';
import type { AdtsHeader } from './mpeg.js';

const READ_BYTES = 1 << 15;
const LC = 2;

/**
 * AAC in ADTS frames (ISO/IEC 13818-7, 6.2). `start` is where the first frame stands. Bytes between frames are
 * skipped as damage.
 * @throws MalgwiError audio_unsupported_codec, audio_corrupt
 */
export async function openAdts(source: ByteSource, start: number): Promise<FormatDecoder> {
  const head = parseAdtsHeader(await source.read(start, 16), 0);
  if (head === undefined) throw new MalgwiError('audio_corrupt');
  if (head.objectType !== LC) {
    const detail = `The file holds AAC of object type ${String(head.objectType)}, which is not supported.`;
    throw new MalgwiError('audio_unsupported_codec', { detail });
  }
  const { sampleRate, channels } = head;
  const config = aacHeader(() => aacConfig(sampleRate, head.channelConfig));
  const stream = new AacStream(config);
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    let skipped = 0;
    for await (const found of frames(source, start)) {
      skipped += found.skipped;
      for (const block of decodeBlocks(stream, found.header, found.frame)) yield block;
    }
    stream.finish();
    if (skipped > (source.size - start) / 4) throw new MalgwiError('audio_corrupt');
  }
  return {
    info: { container: 'aac', codec: 'aac', sampleRate, channels: Math.max(1, channels) },
    blocks,
    close: () => undefined,
  };
}

/** A frame may hold several raw data blocks; encoders write one. */
function decodeBlocks(stream: AacStream, header: AdtsHeader, frame: Uint8Array): DecodedBlock[] {
  return [stream.decode(frame.subarray(header.headerSize))];
}

interface Found {
  readonly header: AdtsHeader;
  readonly frame: Uint8Array;
  readonly skipped: number;
}

async function* frames(source: ByteSource, start: number): AsyncGenerator<Found> {
  let skipped = 0;
  for (let position = start; position < source.size;) {
    const bytes = await source.read(position, READ_BYTES);
    const atEnd = position + bytes.length >= source.size;
    let at = 0;
    while (at + 7 <= bytes.length) {
      const header = parseAdtsHeader(bytes, at);
      if (header === undefined) {
        const next = findFrames(bytes, at + 1, parseAdtsHeader, atEnd, 2);
        const to = next?.at ?? bytes.length;
        skipped += to - at;
        at = to;
        continue;
      }
      if (at + header.size > bytes.length) break;
      yield { header, frame: bytes.subarray(at, at + header.size), skipped };
      skipped = 0;
      at += header.size;
    }
    if (at === 0 || atEnd) return;
    position += at;
  }
}
