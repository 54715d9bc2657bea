import { MalgwiError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import { createPacketDecoder } from '../codecs/packets.js';
import type { TrackConfig } from '../codecs/packets.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { truncatedAfter } from '../truncated.js';

const SUPPORTED = new Set<string>(['aac', 'opus', 'mp3', 'flac']);
const CACHE_BYTES = 4 << 20;
const MAX_BOXES = 100_000;

interface Boxes {
  /** The index is there, wholly. */
  readonly hasIndex: boolean;
  /** A box at the top level runs past the end of the file. */
  readonly cut: boolean;
}

/** Walks the top level of an ISO base media file (ISO 14496-12, 4.2): sizes and names only. */
async function scanBoxes(source: ByteSource): Promise<Boxes> {
  let hasIndex = false;
  for (let position = 0, count = 0; position + 8 <= source.size && count < MAX_BOXES; count++) {
    const header = await source.read(position, 16);
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    const name = String.fromCharCode(...header.subarray(4, 8));
    let size = view.getUint32(0);
    if (size === 0) size = source.size - position;
    else if (size === 1) {
      if (header.length < 16) return { hasIndex, cut: true };
      size = Number(view.getBigUint64(8));
    }
    if (size < 8) break;
    if (position + size > source.size) return { hasIndex, cut: true };
    if (name === 'moov') hasIndex = true;
    position += size;
  }
  return { hasIndex, cut: false };
}

/**
 * MP4, M4A and QuickTime, demuxed by mediabunny.
 * @throws MalgwiError audio_no_track, audio_unsupported_codec, audio_corrupt, audio_truncated
 */
export async function openMp4(source: ByteSource): Promise<FormatDecoder> {
  const boxes = await scanBoxes(source);
  if (!boxes.hasIndex) {
    if (boxes.cut) throw truncatedAfter(0);
    throw new MalgwiError('audio_corrupt', { detail: 'The MP4 file has no index.' });
  }
  const { CustomSource, EncodedPacketSink, Input, Logging, LogLevel, MP4, QTFF } = await import('mediabunny');
  // What a hostile file makes it say must not fill the log.
  Logging.level = LogLevel.Silent;
  const input = new Input({
    formats: [MP4, QTFF],
    source: new CustomSource({
      getSize: () => source.size,
      read: (start, end) => readRange(source, start, end),
      maxCacheSize: CACHE_BYTES,
      prefetchProfile: 'fileSystem',
      // A failed prefetch is met again by the read that needs it.
      handleUnhandledError: () => undefined,
    }),
  });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (track === null) throw new MalgwiError('audio_no_track');
    const codec = await track.getCodec();
    const sampleRate = await track.getSampleRate();
    const channels = await track.getNumberOfChannels();
    if (codec === null || !SUPPORTED.has(codec)) {
      const id = codec ?? (await track.getInternalCodecId());
      const name = typeof id === 'string' ? id.replace(/[^\x20-\x7e]/g, '').slice(0, 16) : 'an unknown codec';
      throw new MalgwiError('audio_unsupported_codec', {
        detail: `The MP4 file holds ${name}, which is not supported.`,
      });
    }
    const description = (await track.getDecoderConfig())?.description;
    const config: TrackConfig = {
      codec: codec as TrackConfig['codec'],
      sampleRate,
      channels,
      description: description === undefined ? undefined : toBytes(description),
    };
    const durationSeconds = (await input.getDurationFromMetadata([track])) ?? undefined;
    const decoder = await createPacketDecoder(config);
    const sink = new EncodedPacketSink(track);
    async function* blocks(): AsyncGenerator<DecodedBlock> {
      let seconds = 0;
      for await (const packet of sink.packets()) {
        const block = await decoder.decode(packet.data, packet.duration > 0 ? packet.duration : undefined);
        if (block === undefined) continue;
        // Encoder delay stands before time zero (edit list); Opus skips its own by its header.
        const delay = codec === 'opus' ? 0 : -packet.timestamp * block.sampleRate;
        const skip = Math.min(block.channels[0].length, Math.max(0, Math.round(delay)));
        const channelData = block.channels.map((channel) => channel.subarray(skip));
        seconds += channelData[0].length / block.sampleRate;
        yield { channels: channelData, sampleRate: block.sampleRate };
      }
      decoder.finish();
      if (boxes.cut) throw truncatedAfter(seconds, durationSeconds);
    }
    return {
      info: {
        container: 'mp4',
        codec,
        sampleRate,
        channels,
        ...(durationSeconds === undefined || !(durationSeconds > 0) ? {} : { durationSeconds }),
      },
      blocks,
      close: () => {
        decoder.close();
        input.dispose();
      },
    };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

async function readRange(source: ByteSource, start: number, end: number): Promise<Uint8Array> {
  const out = new Uint8Array(Math.max(0, Math.min(end, source.size) - start));
  for (let at = 0; at < out.length;) {
    const bytes = await source.read(start + at, out.length - at);
    if (bytes.length === 0) return out.subarray(0, at);
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

function toBytes(data: AllowSharedBufferSource): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return new Uint8Array(data).slice();
}
