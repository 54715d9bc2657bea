// Samples from the service's decoders, and 16-bit wav files.
import { readFile, writeFile } from 'node:fs/promises';
import { createPushDecoder, openAudioFile } from '../../dist/audio/index.js';

const HEADER_BYTES = 44;

/** 16-bit little-endian PCM. */
export function pcm(samples) {
  const bytes = Buffer.alloc(samples.length * 2);
  samples.forEach((value, index) => {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, value)) * 32767), index * 2);
  });
  return bytes;
}

/** Header of a wav file of so many bytes of 16-bit mono PCM. */
export function wavHeader(bytes, rate = 16_000) {
  const head = Buffer.alloc(HEADER_BYTES);
  head.write('RIFF', 0);
  head.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

export function wav(samples, rate = 16_000) {
  const data = pcm(samples);
  return Buffer.concat([wavHeader(data.length, rate), data]);
}

export const writeWav = (path, samples, rate = 16_000) => writeFile(path, wav(samples, rate));

function joined(pieces) {
  const samples = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    samples.set(piece, at);
    at += piece.length;
  }
  return samples;
}

/** 16 kHz mono samples of an audio file of any format that the service takes. */
export async function readAudio(path) {
  const stream = await openAudioFile(path);
  const pieces = [];
  try {
    for await (const piece of stream.chunks()) pieces.push(piece);
  } finally {
    await stream.close();
  }
  return joined(pieces);
}

/** 16 kHz samples of bytes as a live client sends them. */
export async function decodeRaw(bytes, encoding, sampleRate) {
  const decoder = await createPushDecoder(encoding, { sampleRate, channels: 1 });
  try {
    return joined([await decoder.push(bytes), await decoder.flush()]);
  } finally {
    decoder.close();
  }
}

/** Lines of a JSON Lines file. */
export const readLines = async (path) =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
