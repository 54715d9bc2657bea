import type { DecodedHypothesis, DecodedToken, DecodedWord } from '../contract.js';
import { geometricMean } from '../text.js';
import { toText } from './alphabet.js';
import type { CoquiAlphabet } from './alphabet.js';
import type { Prefix } from './prefix.js';

/**
 * A prefix as a result. A token begins in the frame of its label's best single extension and ends before the next one
 * begins; its probability is that of its label in that frame.
 * @param score Coqui's confidence
 */
export function toHypothesis(
  alphabet: CoquiAlphabet,
  prefix: Prefix,
  score: number,
  frames: number,
  compose: 'nfc' | 'none',
): DecodedHypothesis {
  const tokens = toTokens(alphabet, prefix);
  return {
    text: render(joined(alphabet, tokens), compose),
    tokens,
    words: toWords(alphabet, tokens, compose),
    avgLogProb: frames === 0 ? 0 : score / frames,
    confidence: geometricMean(tokens),
    score,
  };
}

function toTokens(alphabet: CoquiAlphabet, prefix: Prefix): DecodedToken[] {
  const tokens: DecodedToken[] = [];
  let { timing } = prefix;
  let next: number | undefined;
  for (let node = prefix; node.parent !== undefined; node = node.parent) {
    const startFrame = timing?.frame ?? 0;
    const endFrame = next === undefined ? startFrame : Math.max(startFrame, next - 1);
    const id = node.character;
    tokens.push({
      id,
      text: alphabet.texts[id],
      startFrame,
      endFrame,
      probability: Math.min(1, timing?.probability ?? 0),
    });
    next = startFrame;
    timing = timing?.previous;
  }
  return tokens.reverse();
}

function toWords(
  alphabet: CoquiAlphabet,
  tokens: readonly DecodedToken[],
  compose: 'nfc' | 'none',
): DecodedWord[] {
  const words: DecodedWord[] = [];
  let members: DecodedToken[] = [];
  const close = (): void => {
    const word = render(joined(alphabet, members), compose).replaceAll('\uFFFD', '');
    if (word !== '') {
      words.push({
        word,
        startFrame: members[0].startFrame,
        endFrame: members[members.length - 1].endFrame,
        confidence: geometricMean(members),
      });
    }
    members = [];
  };
  for (const token of tokens) {
    if (token.id === alphabet.space) close();
    else members.push(token);
  }
  close();
  return words;
}

function joined(alphabet: CoquiAlphabet, tokens: readonly DecodedToken[]): string {
  return tokens.map(({ id }) => alphabet.labels[id]).join('');
}

function render(byteString: string, compose: 'nfc' | 'none'): string {
  const text = toText(byteString);
  return compose === 'nfc' ? text.normalize('NFC') : text;
}
