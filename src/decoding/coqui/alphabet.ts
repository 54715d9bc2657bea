import { MalgwiError } from '../../errors.js';
import type { TokenTable } from '../contract.js';

/** The labels of a Coqui model; its blank is the class after the last of them. */
export interface CoquiAlphabet {
  /** Each label's bytes in UTF-8, one character a byte (U+0000 to U+00FF): what words are joined of. */
  readonly labels: readonly string[];
  /** Each label as it is shown; bytes as `<0xEC>`. */
  readonly texts: readonly string[];
  /** Label of the space, or -1. */
  readonly space: number;
  /** The labels are the bytes 1 to 255: Coqui's bytes output mode. */
  readonly bytes: boolean;
}

/** Coqui keeps a label's number in 16 bits. */
const MAX_LABELS = 65_535;
const MAX_LABEL_LENGTH = 128;
const BYTE_LABELS = 255;
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

const utf8 = new TextEncoder();
const text8 = new TextDecoder('utf-8');

/** UTF-8 as a string of bytes. */
export function toByteString(text: string): string {
  let bytes = '';
  for (const byte of utf8.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

export function toBytes(byteString: string): Uint8Array {
  const bytes = new Uint8Array(byteString.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteString.charCodeAt(i);
  return bytes;
}

/** Text of a string of bytes; what is no UTF-8 becomes U+FFFD. */
export function toText(byteString: string): string {
  return text8.decode(toBytes(byteString));
}

/** Every byte but 0, in order: label = byte - 1. */
export function bytesAlphabet(): CoquiAlphabet {
  const labels = Array.from({ length: BYTE_LABELS }, (_, label) => String.fromCharCode(label + 1));
  const texts = labels.map((label) => {
    return `<0x${label.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}>`;
  });
  return alphabetOf(labels, texts);
}

/**
 * Reads Coqui's alphabet.txt: one label a line. A line that begins with `#` is a comment, `\#` is the label `#`, empty
 * lines are skipped, a line of exactly one space is the space. Lines end with LF, CR LF or CR.
 * @throws MalgwiError manifest_invalid
 */
export function parseAlphabet(text: string): CoquiAlphabet {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const texts: string[] = [];
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    texts.push(line === '\\#' ? '#' : line);
  }
  return alphabetOf(texts.map(toByteString), texts);
}

/**
 * The alphabet of a model package: its tokens before the blank.
 * @throws MalgwiError manifest_invalid when the blank is not the last class
 */
export function alphabetOfTokens(table: TokenTable): CoquiAlphabet {
  if (table.blank !== table.tokens.length - 1)
    fail('tokens.blank is not the last class, as in every Coqui model');
  const texts = table.tokens.slice(0, table.blank);
  const labels = texts.map((text) => {
    const byte = table.unit === 'byte' ? BYTE_TOKEN.exec(text) : null;
    if (byte !== null) return String.fromCharCode(parseInt(byte[1], 16));
    return text === table.space ? ' ' : toByteString(text);
  });
  return alphabetOf(labels, texts);
}

function alphabetOf(labels: readonly string[], texts: readonly string[]): CoquiAlphabet {
  if (labels.length === 0) fail('the alphabet is empty');
  if (labels.length > MAX_LABELS) fail(`the alphabet has more than ${String(MAX_LABELS)} labels`);
  if (new Set(labels).size < labels.length) fail('the alphabet has the same label twice');
  if (labels.some((label) => label.length > MAX_LABEL_LENGTH)) fail('a label of the alphabet is too long');
  const bytes =
    labels.length === BYTE_LABELS && labels.every((label, i) => label === String.fromCharCode(i + 1));
  return { labels, texts, space: labels.indexOf(' '), bytes };
}

function fail(detail: string): never {
  throw new MalgwiError('manifest_invalid', { param: 'tokens', detail });
}
