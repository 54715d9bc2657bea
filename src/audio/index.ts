import { MalgwiError } from '../errors.js';
import { openFileSource } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import type { AudioStream, OpenAudioOptions } from './contract.js';
import type { FormatDecoder } from './decoder.js';
import { openRaw } from './formats/raw.js';
import { openWav } from './formats/wav.js';
import { asAudioError, DecodedAudioStream, refuseTooLong } from './stream.js';

export type * from './contract.js';
export { SAMPLE_RATE } from './contract.js';
export { SampleBuffer } from './ring-buffer.js';

async function openFormat(source: ByteSource, options: OpenAudioOptions): Promise<FormatDecoder> {
  if (source.size === 0) throw new MalgwiError('audio_empty', { detail: 'The file is empty.' });
  if (options.raw !== undefined) return openRaw(source, options.raw);
  const head = Buffer.from(await source.read(0, 12)).toString('latin1');
  if (/^(RIFF|RIFX|RF64|BW64)....WAVE/s.test(head)) {
    return openWav(source, () => Promise.reject(new MalgwiError('audio_unsupported_codec')));
  }
  throw new MalgwiError('audio_unrecognized');
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
