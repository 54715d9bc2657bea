import type { DecodedToken, DecodedWord, TokenTable } from './contract.js';
import { composeJamo } from './jamo.js';
import type { StrayJamo } from './jamo.js';

const BYTE = /<0x([0-9A-Fa-f]{2})>/g;
const BYTE_RUN = /(?:<0x[0-9A-Fa-f]{2}>)+/g;
const utf8 = new TextDecoder('utf-8');

/** Text of a token on its own: the space token and SentencePiece's mark read as a space, jamo as they are. */
export function tokenText(table: TokenTable, id: number): string {
  const token = table.tokens[id] ?? '';
  return token === table.space || table.unit === 'subword' ? token.replaceAll(table.space, ' ') : token;
}

/**
 * Groups tokens into words. A space token ends a word; inside of a subword piece SentencePiece's mark (`▁`) does.
 * Words of which composing leaves nothing are left out.
 */
export function toWords(table: TokenTable, tokens: readonly DecodedToken[], stray: StrayJamo): DecodedWord[] {
  const words: DecodedWord[] = [];
  let pieces: string[] = [];
  let members: DecodedToken[] = [];
  const close = (): void => {
    const word = render(table, pieces.join(''), stray);
    if (word !== '') {
      words.push({
        word,
        startFrame: members[0].startFrame,
        endFrame: members[members.length - 1].endFrame,
        confidence: geometricMean(members),
      });
    }
    pieces = [];
    members = [];
  };
  for (const token of tokens) {
    const parts = splitAtSpaces(table, token.id);
    parts.forEach((part, i) => {
      if (i > 0) close();
      if (part === '') return;
      pieces.push(part);
      members.push(token);
    });
  }
  close();
  return words;
}

/** The words that tokens make. */
export function wordsOf(table: TokenTable, ids: readonly number[], stray: StrayJamo): string[] {
  const tokens = ids.map((id) => ({ id, text: '', startFrame: 0, endFrame: 0, probability: 1 }));
  return toWords(table, tokens, stray).map(({ word }) => word);
}

/** Those of them that no further token can change: all that are followed by a space. */
export function wholeWordsOf(table: TokenTable, ids: readonly number[], stray: StrayJamo): string[] {
  // Not all words but the last: an onset that begins a word is none yet where stray jamo are dropped.
  const space = ids.findLastIndex((id) => splitAtSpaces(table, id).length > 1);
  return space < 0 ? [] : wordsOf(table, ids.slice(0, space), stray);
}

/** Geometric mean of the tokens' probabilities; 1 for none. */
export function geometricMean(tokens: readonly DecodedToken[]): number {
  if (tokens.length === 0) return 1;
  let sum = 0;
  for (const token of tokens) sum += Math.log(Math.max(token.probability, Number.MIN_VALUE));
  return Math.exp(sum / tokens.length);
}

function splitAtSpaces(table: TokenTable, id: number): string[] {
  const token = table.tokens[id] ?? '';
  if (token === table.space) return ['', ''];
  return table.unit === 'subword' ? token.split(table.space) : [token];
}

/**
 * What tokens say as they are: their texts joined up to the first eos, bytes read as UTF-8, jamo not composed, white
 * space not touched. For comparing with other engines.
 * @param silent whether tokens that never appear in text (`<pad>`) are spelled out; the blank never is
 */
export function rawText(table: TokenTable, ids: readonly number[], silent = false): string {
  const end = table.eos === undefined ? -1 : ids.indexOf(table.eos);
  const shown = (end < 0 ? ids : ids.slice(0, end)).filter(
    (id) => id !== table.blank && (silent || !table.silent.has(id)),
  );
  return readBytes(table, shown.map((id) => tokenText(table, id)).join(''));
}

function readBytes(table: TokenTable, joined: string): string {
  const hasBytes = table.unit === 'byte' || table.unit === 'subword';
  return hasBytes ? joined.replace(BYTE_RUN, bytesToText) : joined;
}

function render(table: TokenTable, joined: string, stray: StrayJamo): string {
  const text = readBytes(table, joined);
  const composed = table.compose === 'none' ? text : composeJamo(text, stray);
  return composed.trim();
}

/** Bytes that are no UTF-8 (a hypothesis cut inside of a character) are left out. */
function bytesToText(run: string): string {
  const bytes = Uint8Array.from(run.matchAll(BYTE), (match) => parseInt(match[1], 16));
  return utf8.decode(bytes).replaceAll('\uFFFD', '');
}
