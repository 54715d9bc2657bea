import { MalgwiError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import type { OpenAudioOptions, RawEncoding } from '../contract.js';
import type { DecodedBlock, FormatDecoder } from '../decoder.js';
import { isResamplable } from '../resampler.js';
import { BYTES_PER_SAMPLE, decodePcm } from './pcm.js';
import type { PcmEncoding } from './pcm.js';

export const RAW_ENCODINGS: Readonly<Record<RawEncoding, PcmEncoding>> = {
  pcm_s16le: 'pcm_s16',
  pcm_f32le: 'pcm_f32',
  mulaw: 'mulaw',
  alaw: 'alaw',
};

/**
 * Headerless samples, as the caller describes them.
 * @throws MalgwiError invalid_field for a description that makes no sense; audio_empty
 */
export function openRaw(source: ByteSource, raw: NonNullable<OpenAudioOptions['raw']>): FormatDecoder {
  const { sampleRate, channels } = raw;
  const encoding = RAW_ENCODINGS[raw.encoding] as PcmEncoding | undefined;
  if (encoding === undefined) {
    throw new MalgwiError('unsupported_encoding', {
      detail: 'The raw encoding is not one of those accepted.',
    });
  }
  if (!isResamplable(sampleRate)) {
    throw new MalgwiError('invalid_field', {
      detail: 'The sample rate must be 1000 to 768000 Hz.',
      param: 'sample_rate',
    });
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > 64) {
    throw new MalgwiError('invalid_field', {
      detail: 'The channel count must be 1 to 64.',
      param: 'channels',
    });
  }
  const frameBytes = BYTES_PER_SAMPLE[encoding] * channels;
  const frames = Math.floor(source.size / frameBytes);
  if (frames === 0) throw new MalgwiError('audio_empty');
  const step = Math.min(sampleRate, 65_536) * frameBytes;
  async function* blocks(): AsyncGenerator<DecodedBlock> {
    // A read may be capped below the step; frames stay whole because the step is walked by what was read.
    for (let at = 0; at + frameBytes <= source.size;) {
      const bytes = await source.read(at, step);
      const whole = bytes.length - (bytes.length % frameBytes);
      if (whole === 0) return;
      at += whole;
      yield { channels: decodePcm(bytes.subarray(0, whole), encoding as PcmEncoding, channels), sampleRate };
    }
  }
  return {
    info: {
      container: 'raw',
      codec: raw.encoding,
      sampleRate,
      channels,
      durationSeconds: frames / sampleRate,
    },
    blocks,
    close: () => undefined,
  };
}
