import type { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MalgwiError } from '../../errors.js';
import { readAll } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { quietly } from '../quietly.js';
import { isResamplable } from '../resampler.js';
import { OggParser } from '../containers/ogg.js';
import { truncatedAfter } from '../truncated.js';
import { lastGranule } from './ogg.js';

const READ_BYTES = 1 << 13;

/**
 * Ogg/Vorbis through libvorbis.
 * @param head the identification packet (Vorbis I, 4.2.2)
 */
export async function openOggVorbis(source: ByteSource, head: Uint8Array): Promise<FormatDecoder> {
  if (head.length < 30) throw new MalgwiError('audio_corrupt', { detail: 'The Vorbis header is damaged.' });
  const channels = head[11];
  const sampleRate = new DataView(head.buffer, head.byteOffset).getUint32(12, true);
  if (channels === 0 || channels > 16 || !isResamplable(sampleRate)) {
    throw new MalgwiError('audio_corrupt', { detail: 'The Vorbis header is damaged.' });
  }
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder: OggVorbisDecoder = new OggVorbisDecoder();
  await decoder.ready;
  const first = new OggParser().push(await source.read(0, READ_BYTES))[0];
  const last = first === undefined ? undefined : await lastGranule(source, first.serial);
  let closed = false;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    const pages = new OggParser();
    let samples = 0;
    let errors = 0;
    for await (const piece of readAll(source, READ_BYTES)) {
      pages.push(piece);
      const decoded = await quietly(() => decoder.decode(piece));
      errors += decoded.errors.length;
      samples += decoded.samplesDecoded;
      if (decoded.samplesDecoded > 0) yield { channels: decoded.channelData, sampleRate: decoded.sampleRate };
    }
    const decoded = await quietly(() => decoder.flush());
    samples += decoded.samplesDecoded;
    if (decoded.samplesDecoded > 0) yield { channels: decoded.channelData, sampleRate: decoded.sampleRate };
    if (errors + pages.damagedPages > 0) throw new MalgwiError('audio_corrupt');
    if (pages.insidePage) throw truncatedAfter(samples / sampleRate);
  }
  return {
    info: {
      container: 'ogg',
      codec: 'vorbis',
      sampleRate,
      channels,
      ...(last === undefined ? {} : { durationSeconds: last / sampleRate }),
    },
    blocks,
    close: () => {
      if (closed) return;
      closed = true;
      decoder.free();
    },
  };
}
