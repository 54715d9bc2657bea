import { describe, expect, it } from 'vitest';
import { parseTokens } from '../../decoding/index.js';
import { compareAll, compareSteps, compareTextSteps, saysText } from './compare.js';

const EOS = 2;
/** 0 `<pad>`, 1 `<sos>`, 2 `<eos>`, 3 space, 4 가, 5 나, 6 다, 7 blank. */
const table = parseTokens('<pad>\n<sos>\n<eos>\n \n가\n나\n다\n', {
  unit: 'character',
  blank: 7,
  sos: 1,
  eos: EOS,
  space: ' ',
});
const jamo = parseTokens('|\nᄀ\nᅡ\nᆨ\n', { unit: 'grapheme', blank: 4, space: '|' });

describe('compareAll', () => {
  const got = [4, 5, EOS, 6];
  it.each<[readonly number[], boolean, number | null]>([
    [[4, 5, EOS, 6], true, null],
    [[4, 5], true, null],
    [[4, 5, EOS], true, null],
    [[4], false, 1],
    [[4, 6], false, 1],
    [[4, 5, EOS, 5], false, 3],
    [[4, 5, EOS, 6, 6], false, 4],
    [[], false, 0],
  ])('%j: %s', (expected, equal, firstDifference) => {
    expect(compareAll(expected, got, EOS)).toMatchObject({ equal, firstDifference });
  });

  it('knows no cut without an eos', () => {
    expect(compareAll([4, 5], got)).toMatchObject({ equal: false, firstDifference: 2 });
    expect(compareAll([], [], EOS)).toMatchObject({ equal: true });
    expect(compareAll([], [EOS], EOS)).toMatchObject({ equal: true });
  });
});

describe('compareSteps', () => {
  it.each<[string, readonly number[], readonly number[], number, boolean, number | null]>([
    ['an eos comes next', [4, 5], [4, 5, EOS], 9, true, null],
    ['the reference has the eos', [4, EOS], [4, EOS, 6], 9, true, null],
    ['it goes on past the eos, and so do we', [4, EOS, 6], [4, EOS, 6, 6], 9, true, null],
    ['it goes on past the eos otherwise', [4, EOS, 6], [4, EOS, 5, 6], 9, false, 2],
    ['another token', [4, 5], [4, 6, 6], 9, false, 1],
    ['we go on, and the reference is not the longest', [4, 5], [4, 5, 6], 9, false, 2],
    ['we go on, and the reference is the longest', [4, 5], [4, 5, 6], 2, true, null],
    ['nothing expected, and something there', [], [4], 0, false, 0],
    ['nothing expected, and nothing there', [], [EOS], 0, true, null],
    ['audio too short for the model', [], [], 0, true, null],
    ['audio too short for the model, and something expected', [4], [], 1, false, 0],
  ])('%s', (_, expected, got, longest, equal, firstDifference) => {
    expect(compareSteps(expected, got, EOS, longest)).toMatchObject({ equal, firstDifference });
  });

  it('says when it believes in a limit', () => {
    expect(compareSteps([4, 5], [4, 5, 6], EOS, 2).note).toBe('reference cut at 2 tokens');
  });
});

describe('saysText', () => {
  it.each<[string, readonly number[], boolean]>([
    ['가 나', [4, 3, 5], true],
    [' 가  나 ', [3, 4, 3, 3, 5], true],
    ['가나', [4, 3, 5], false],
    ['가', [4, EOS, 5], true],
    ['가나', [4, 7, 5], true],
    ['가나', [4, 0, 5], true],
    ['가<pad>나', [4, 0, 5], true],
    ['가<pad>나', [4, 0, 0, 5], false],
    ['', [], true],
    ['', [4], false],
  ])('%j from %j: %s', (expected, ids, equal) => {
    expect(saysText(expected, ids, table)).toBe(equal);
  });

  it('composes jamo on both sides, and knows the sign for a space', () => {
    const ids = [1, 2, 3, 0, 1, 2];
    for (const expected of ['각 가', '각 가'.normalize('NFD'), '각|가'.normalize('NFD')]) {
      expect(saysText(expected, ids, jamo)).toBe(true);
    }
    expect(saysText('각가', ids, jamo)).toBe(false);
  });
});

describe('compareTextSteps', () => {
  it.each<[string, string, readonly number[], number, boolean, number]>([
    ['it ends', '가나', [4, 5, EOS, 6], 9, true, 2],
    ['it ends, with silent tokens', '가나', [4, 0, 5, EOS], 9, true, 3],
    ['it says something else', '가나', [4, 6, EOS], 2, false, 2],
    ['it goes on, and the text is not the longest', '가나', [4, 5, 6], 3, false, 3],
    ['it goes on, and the text is the longest', '가나', [4, 5, 6], 2, true, 2],
    ['it ends later, and the text is the longest', '가나', [4, 5, 6, EOS], 2, true, 2],
    ['nothing said', '', [EOS], 0, true, 0],
    ['nothing expected', '', [4], 0, false, 1],
  ])('%s', (_, expected, got, longest, equal, tokens) => {
    expect(compareTextSteps(expected, got, table, longest)).toMatchObject({ equal, tokens });
  });
});
