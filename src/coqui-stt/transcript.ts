import type { DecodedHypothesis, TokenTable } from '../decoding/contract.js';
import type { TranscriptReply } from './protocol.js';

const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;
/** As the original's binding makes strings: what is no UTF-8 becomes U+FFFD, and nothing is taken away. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** The labels of a hypothesis as they are: not composed, not trimmed, a label of a model of bytes being one byte. */
export function toTranscript(table: TokenTable, hypothesis: DecodedHypothesis): TranscriptReply {
  const labels = hypothesis.tokens.map(({ id }) => labelBytes(table, id));
  return {
    text: utf8.decode(join(labels)),
    confidence: hypothesis.score,
    tokens: hypothesis.tokens.map(({ startFrame }, i) => ({
      text: utf8.decode(labels[i]),
      timestep: startFrame,
    })),
  };
}

function labelBytes(table: TokenTable, id: number): Uint8Array {
  const token = table.tokens[id] ?? '';
  const byte = table.unit === 'byte' ? BYTE.exec(token) : null;
  return byte === null ? encoder.encode(token) : Uint8Array.of(parseInt(byte[1], 16));
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
