import { MalgwiError } from '../errors.js';
import { openFileSource, sliceSource } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import type { AudioStream, OpenAudioOptions } from './contract.js';
import type { FormatDecoder } from './decoder.js';
import { detectFormat } from './detect.js';
import { openAdts } from './formats/aac.js';
import { openFlac, openOggFlac } from './formats/flac.js';
import { openMp3 } from './formats/mp3.js';
import { openMp4 } from './formats/mp4.js';
import { openOgg } from './formats/ogg.js';
import { openRaw } from './formats/raw.js';
import { openOggVorbis } from './formats/vorbis.js';
import { openWav } from './formats/wav.js';
import { openWebm } from './formats/webm.js';
import { asAudioError, DecodedAudioStream, refuseTooLong } from './stream.js';

export type * from './contract.js';
export { SAMPLE_RATE } from './contract.js';
export { createPushDecoder } from './push.js';
export type { PushDecoderOptions } from './push.js';
export { SampleBuffer } from './ring-buffer.js';

async function openFormat(source: ByteSource, options: OpenAudioOptions): Promise<FormatDecoder> {
  if (source.size === 0) throw new MalgwiError('audio_empty', { detail: 'The file is empty.' });
  if (options.raw !== undefined) return openRaw(source, options.raw);
  const detected = await detectFormat(source);
  switch (detected.format) {
    case 'wav':
      return openWav(source, openMp3);
    case 'ogg':
      return openOgg(source, (bytes, head, codec) =>
        codec === 'vorbis' ? openOggVorbis(bytes, head) : openOggFlac(bytes, head),
      );
    case 'webm':
      return openWebm(source);
    case 'mp4':
      return openMp4(source);
    case 'flac':
      return openFlac(sliceSource(source, detected.start, source.size));
    case 'mp3':
      return openMp3(source, detected.start);
    case 'aac':
      return openAdts(source, detected.start);
  }
}

/**
 * Opens an audio file of any accepted format, told apart by its content, never by its name
 * (docs/guides/audio-formats.md). Decoding happens while {@link AudioStream.chunks} is read.
 * @throws MalgwiError audio_empty, audio_truncated, audio_corrupt, audio_unrecognized, audio_unsupported_codec,
 * audio_no_track, audio_too_long; missing_file when the file cannot be opened
 */
export async function openAudioFile(path: string, options: OpenAudioOptions = {}): Promise<AudioStream> {
  const source = await openFileSource(path);
  let decoder: FormatDecoder | undefined;
  try {
    decoder = await openFormat(source, options);
    refuseTooLong(decoder.info.durationSeconds, options.maxSeconds);
    return new DecodedAudioStream(decoder, source, options);
  } catch (error) {
    decoder?.close();
    await source.close();
    throw asAudioError(error);
  }
}
