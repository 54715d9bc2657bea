import type { FLACDecoder } from '@wasm-audio-decoders/flac';
import { MalgwiError } from '../../errors.js';
import { readAll } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { quietly } from '../quietly.js';
import { truncatedAfter } from '../truncated.js';

/**
 * Bytes per call into libFLAC. A frame of silence takes a dozen bytes and may stand for 65,535 samples of 8 channels,
 * so that this bounds what one call can unfold to: 70 MB, and its copies. Larger pieces decode faster (4 kB twice as
 * fast), but with those a file of 14 kB took 890 MB.
 */
const READ_BYTES = 1 << 10;
const FORGIVEN_SECONDS = 0.05;

export interface FlacStreamInfo {
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitsPerSample: number;
  /** Samples per channel; 0 means that the encoder did not know. */
  readonly totalSamples: number;
}

/** Parses the body of a STREAMINFO block (RFC 9639, 8.2). */
export function parseStreamInfo(body: Uint8Array): FlacStreamInfo {
  if (body.length < 34) throw new MalgwiError('audio_corrupt', { detail: 'The FLAC header is damaged.' });
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const packed = view.getBigUint64(10);
  const info = {
    sampleRate: Number(packed >> 44n),
    channels: Number((packed >> 41n) & 7n) + 1,
    bitsPerSample: Number((packed >> 36n) & 31n) + 1,
    totalSamples: Number(packed & 0xf_ffff_ffffn),
  };
  if (info.sampleRate === 0)
    throw new MalgwiError('audio_corrupt', { detail: 'The FLAC header is damaged.' });
  return info;
}

/** Steps over the metadata blocks (cover art may be megabytes) without reading them. */
async function audioStart(
  source: ByteSource,
): Promise<{ info: FlacStreamInfo; header: Uint8Array; start: number }> {
  const head = await source.read(0, 42);
  if (head.length < 42 || (head[4] & 0x7f) !== 0) {
    throw new MalgwiError('audio_corrupt', { detail: 'The FLAC file has no STREAMINFO.' });
  }
  const info = parseStreamInfo(head.subarray(8));
  let position = 4;
  for (let blocks = 0; blocks < 1000; blocks++) {
    const header = await source.read(position, 4);
    if (header.length < 4) throw truncatedAfter(0);
    position += 4 + ((header[1] << 16) | (header[2] << 8) | header[3]);
    if ((header[0] & 0x80) !== 0) {
      // libFLAC gets the stream's own STREAMINFO, marked as the last block.
      const marked = head.slice();
      marked[4] |= 0x80;
      return { info, header: marked, start: position };
    }
  }
  throw new MalgwiError('audio_corrupt', { detail: 'The FLAC file has too many metadata blocks.' });
}

/** Native FLAC through libFLAC. @throws MalgwiError audio_corrupt, audio_truncated, audio_empty */
export async function openFlac(source: ByteSource): Promise<FormatDecoder> {
  const { info, header, start } = await audioStart(source);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield header;
    for (let at = start; at < source.size; at += READ_BYTES) yield await source.read(at, READ_BYTES);
  }
  return flacDecoder('flac', info, bytes());
}

/** FLAC in Ogg: the mapping's own 9 bytes, then `fLaC` and STREAMINFO. */
export async function openOggFlac(source: ByteSource, head: Uint8Array): Promise<FormatDecoder> {
  const info = parseStreamInfo(head.subarray(17));
  return flacDecoder('ogg', info, readAll(source, READ_BYTES));
}

async function flacDecoder(
  container: string,
  info: FlacStreamInfo,
  bytes: AsyncGenerator<Uint8Array>,
): Promise<FormatDecoder> {
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder: FLACDecoder = new FLACDecoder();
  await decoder.ready;
  const { sampleRate, channels, totalSamples } = info;
  let closed = false;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    let samples = 0;
    let errors = 0;
    const calls = async function* (): AsyncGenerator<Awaited<ReturnType<FLACDecoder['decode']>>> {
      for await (const piece of bytes) yield await quietly(() => decoder.decode(piece));
      yield await quietly(() => decoder.flush());
    };
    for await (const decoded of calls()) {
      errors += decoded.errors.length;
      samples += decoded.samplesDecoded;
      if (decoded.samplesDecoded > 0) yield { channels: decoded.channelData, sampleRate: decoded.sampleRate };
    }
    const missing = totalSamples - samples;
    if (errors > 0) throw new MalgwiError('audio_corrupt', { detail: 'The FLAC file has damaged frames.' });
    if (missing > FORGIVEN_SECONDS * sampleRate)
      throw truncatedAfter(samples / sampleRate, totalSamples / sampleRate);
  }
  return {
    info: {
      container,
      codec: 'flac',
      sampleRate,
      channels,
      ...(totalSamples > 0 ? { durationSeconds: totalSamples / sampleRate } : {}),
    },
    blocks,
    close: () => {
      if (closed) return;
      closed = true;
      decoder.free();
    },
  };
}
