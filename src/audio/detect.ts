import { MalgwiError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { findFrames, id3Size, parseAdtsHeader, parseMp3Header } from './formats/mpeg.js';

export type Detected =
  | { readonly format: 'wav' | 'ogg' | 'webm' | 'mp4' }
  /** `start`: where the stream begins behind tags and garbage. */
  | { readonly format: 'flac' | 'mp3' | 'aac'; readonly start: number };

/** How far frames of MPEG audio are looked for behind garbage. */
const SEARCH_BYTES = 1 << 16;
const MAX_TAGS = 8;

/** Formats that are known for what they are, so that the refusal can name them. */
const FOREIGN: readonly { readonly name: string; readonly test: RegExp }[] = [
  { name: 'AIFF audio', test: /^FORM....AIF[FC]/s },
  { name: 'an AVI video', test: /^RIFF....AVI /s },
  { name: 'a WebP picture', test: /^RIFF....WEBP/s },
  { name: 'Core Audio (CAF)', test: /^caff/ },
  { name: 'Sun audio (AU)', test: /^\.snd/ },
  { name: 'AMR audio', test: /^#!AMR/ },
  { name: 'Windows Media', test: /^0&\xb2u\x8ef\xcf/ },
  { name: 'MIDI', test: /^MThd/ },
  { name: 'Monkey’s Audio', test: /^MAC / },
  { name: 'WavPack', test: /^wvpk/ },
  { name: 'Wave64', test: /^riff\.\x91\xcf/ },
  { name: 'Flash video', test: /^FLV/ },
  { name: 'a PNG picture', test: /^\x89PNG/ },
  { name: 'a JPEG picture', test: /^\xff\xd8\xff/ },
  { name: 'a GIF picture', test: /^GIF8/ },
  { name: 'a PDF document', test: /^%PDF/ },
  { name: 'a zip archive', test: /^PK[^ -~]{2}/ },
  { name: 'a gzip archive', test: /^[^ -~]\x8b[^ -~]/ },
  { name: 'a program', test: /^(\x7fELF|MZ)/ },
  { name: 'a web page', test: /^\s*<(!doctype|html|head|body|script|\?xml)/i },
];

/** Box names that begin an ISO base media file. */
const MP4_FIRST = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot', 'styp', 'moof']);

/**
 * Tells a format by its content alone: names and declared types lie too often to be asked.
 * @throws MalgwiError audio_unrecognized, naming what the file is where that is known
 */
export async function detectFormat(source: ByteSource): Promise<Detected> {
  let start = 0;
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    const size = id3Size(await source.read(start, 10));
    if (size === 0) break;
    start += size;
  }
  const bytes = await source.read(start, SEARCH_BYTES);
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.startsWith('fLaC')) return { format: 'flac', start };
  if (start === 0) {
    if (/^(RIFF|RIFX|RF64|BW64)....WAVE/s.test(head)) return { format: 'wav' };
    if (head.startsWith('OggS')) return { format: 'ogg' };
    if (head.startsWith('\x1a\x45\xdf\xa3')) return { format: 'webm' };
    if (MP4_FIRST.has(head.slice(4, 8))) return { format: 'mp4' };
    const foreign = FOREIGN.find((known) => known.test.test(head));
    if (foreign !== undefined) {
      throw new MalgwiError('audio_unrecognized', {
        detail: `The file is ${foreign.name}, which is not accepted.`,
      });
    }
  }
  const atEnd = start + bytes.length >= source.size;
  const mp3 = findFrames(bytes, 0, parseMp3Header, atEnd);
  const aac = findFrames(bytes, 0, parseAdtsHeader, atEnd);
  if (aac !== undefined && (mp3 === undefined || aac.at <= mp3.at))
    return { format: 'aac', start: start + aac.at };
  if (mp3 !== undefined) return { format: 'mp3', start: start + mp3.at };
  if (start > 0 && start >= source.size) {
    throw new MalgwiError('audio_truncated', { detail: 'The file ends within its tags, before any audio.' });
  }
  throw new MalgwiError('audio_unrecognized');
}
