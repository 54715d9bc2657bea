import { MalgwiError } from '../../errors.js';
import { readAll } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import { createPacketDecoder } from '../codecs/packets.js';
import type { PacketDecoder, TrackConfig } from '../codecs/packets.js';
import { opusPacketSamples, OPUS_CLOCK } from '../codecs/opus.js';
import { WebmParser } from '../containers/webm.js';
import type { WebmFrame, WebmTrack } from '../containers/webm.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { truncatedAfter } from '../truncated.js';

const PROBE_BYTES = 1 << 22;
const READ_BYTES = 1 << 14;

const CODECS: Readonly<Record<string, TrackConfig['codec']>> = {
  A_OPUS: 'opus',
  A_AAC: 'aac',
  'A_MPEG/L3': 'mp3',
  A_FLAC: 'flac',
};

/**
 * The first audio track, as the decoder needs it; undefined while it is not known yet.
 * @throws MalgwiError audio_no_track, audio_unsupported_codec
 */
export function webmAudioTrack(parser: WebmParser): { track: WebmTrack; config: TrackConfig } | undefined {
  if (!parser.started) return undefined;
  const track = parser.tracks.find((t) => t.type === 2);
  if (track === undefined) throw new MalgwiError('audio_no_track');
  const codec = CODECS[track.codecId] as TrackConfig['codec'] | undefined;
  if (codec === undefined || track.encoded) {
    const what = track.encoded
      ? 'an encrypted or packed track'
      : track.codecId.slice(0, 32) || 'an unknown codec';
    throw new MalgwiError('audio_unsupported_codec', {
      detail: `The WebM file holds ${what}, which is not supported.`,
    });
  }
  const { sampleRate, channels, codecPrivate } = track;
  return { track, config: { codec, sampleRate, channels, description: codecPrivate } };
}

/** Decodes one frame; the end of an Opus track is trimmed by its discard padding. */
export function decodeWebmFrame(
  decoder: PacketDecoder,
  config: TrackConfig,
  frame: WebmFrame,
): Promise<DecodedBlock | undefined> {
  if (frame.discardNs === 0 || config.codec !== 'opus') return decoder.decode(frame.data);
  return decoder.decode(
    frame.data,
    Math.max(0, opusPacketSamples(frame.data) / OPUS_CLOCK - frame.discardNs / 1e9),
  );
}

/** @throws MalgwiError audio_no_track, audio_unsupported_codec, audio_corrupt, audio_truncated */
export async function openWebm(source: ByteSource): Promise<FormatDecoder> {
  const probe = new WebmParser();
  for (let at = 0; at < Math.min(source.size, PROBE_BYTES) && !probe.started; at += READ_BYTES) {
    probe.push(await source.read(at, READ_BYTES));
  }
  const found = webmAudioTrack(probe);
  if (found === undefined) {
    if (source.size <= PROBE_BYTES && probe.tracks.length > 0) throw truncatedAfter(0);
    throw new MalgwiError('audio_corrupt', { detail: 'The WebM file has no readable track.' });
  }
  const { config } = found;
  const { durationSeconds } = probe;
  const decoder = await createPacketDecoder(config);
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    const parser = new WebmParser();
    let seconds = 0;
    async function* frames(): AsyncGenerator<WebmFrame> {
      for await (const bytes of readAll(source, READ_BYTES)) yield* parser.push(bytes);
      yield* parser.flush();
    }
    for await (const frame of frames()) {
      if (frame.track !== found!.track.number) continue;
      const block = await decodeWebmFrame(decoder, config, frame);
      if (block === undefined || block.channels.length === 0) continue;
      seconds += block.channels[0].length / block.sampleRate;
      yield block;
    }
    decoder.finish();
    if (parser.cut) throw truncatedAfter(seconds, durationSeconds);
  }
  return {
    info: {
      container: 'webm',
      codec: config.codec,
      sampleRate: config.sampleRate,
      channels: config.channels,
      ...(durationSeconds === undefined ? {} : { durationSeconds }),
    },
    blocks,
    close: () => {
      decoder.close();
    },
  };
}
