import { InvalidArgumentError } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../errors.js';
import { mapOrdered } from './concurrency.js';
import { errorLine } from './errors.js';
import { outputNames } from './inputs.js';
import { httpUrl, integer, rawFormat } from './options.js';
import { clock, describeProgress, share } from './progress.js';
import { displayWidth, table } from './table.js';

describe('errors', () => {
  it('prints code and message', () => {
    expect(errorLine(new MalgwiError('audio_empty'))).toBe('audio_empty: The audio is empty.');
  });

  it('tells the local user what an unexpected error said, without its control characters', () => {
    expect(errorLine(new Error('bad\u001b[31m\nnews'))).toBe('internal_error: bad [31m news');
  });
});

describe('option values', () => {
  it('reads raw formats', () => {
    expect(rawFormat('pcm_s16le:8000:2')).toEqual({ encoding: 'pcm_s16le', sampleRate: 8000, channels: 2 });
    expect(rawFormat('mulaw:8000')).toEqual({ encoding: 'mulaw', sampleRate: 8000, channels: 1 });
  });

  it.each([
    '',
    'mp3:8000:1',
    'pcm_s16le',
    'pcm_s16le:0:1',
    'pcm_s16le:8000:0',
    'pcm_s16le:8000:1:1',
    'alaw:x:1',
  ])('refuses the raw format %j', (text) => {
    expect(() => rawFormat(text)).toThrow(InvalidArgumentError);
  });

  it.each(['0', '11', '-3', '2.5', '1e1', '', 'five'])('refuses %j where 1 to 10 is wanted', (text) => {
    expect(() => integer(1, 10)(text)).toThrow('from 1 to 10');
  });

  it('takes only http and https addresses', () => {
    expect(httpUrl('https://example.org/base').pathname).toBe('/base');
    for (const text of ['ftp://example.org', 'localhost:3000', 'nothing']) {
      expect(() => httpUrl(text)).toThrow(InvalidArgumentError);
    }
  });
});

describe('names of results', () => {
  const names = (...list: string[]) =>
    outputNames(
      list.map((name) => ({ name, path: name })),
      'srt',
    );

  it('replaces the extension', () => {
    expect(names('a/talk.mp3', '-')).toEqual(['talk.srt', 'stdin.srt']);
  });

  it('never gives two inputs the same name', () => {
    expect(names('talk.mp3', 'talk.wav')).toEqual(['talk.mp3.srt', 'talk.wav.srt']);
    expect(names('a/talk.mp3', 'b/talk.mp3', 'c/talk.mp3')).toEqual([
      'talk.mp3.srt',
      'talk.mp3-2.srt',
      'talk.mp3-3.srt',
    ]);
  });
});

describe('progress', () => {
  it('goes by seconds of audio where their sum is known, by files otherwise', () => {
    const base = { itemsDone: 1, items: 4, unit: 'files', elapsedSeconds: 10 };
    expect(share({ ...base, doneSeconds: 30, totalSeconds: 120 })).toBe(0.25);
    expect(share({ ...base, doneSeconds: 30, itemsDone: 2 })).toBe(0.5);
    expect(share({ ...base, doneSeconds: 130, totalSeconds: 120 })).toBe(1);
  });

  it('tells audio done, speed and time left', () => {
    const state = { itemsDone: 0, items: 1, unit: 'files', elapsedSeconds: 10 };
    expect(describeProgress({ ...state, doneSeconds: 1200, totalSeconds: 3600 })).toBe(
      '20:00 of 1:00:00 | 120x real time | 0:20 left',
    );
    expect(describeProgress({ ...state, doneSeconds: 45 })).toBe('0:45 | 4.5x real time');
    expect(describeProgress({ ...state, items: 4, itemsDone: 1, doneSeconds: 45 })).toBe(
      '0:45 | 1/4 files | 4.5x real time | 0:30 left',
    );
  });

  it('writes times as clocks do', () => {
    expect([0, 59.6, 3725].map(clock)).toEqual(['0:00', '1:00', '1:02:05']);
  });
});

describe('tables', () => {
  it('aligns Hangul, which is two columns wide', () => {
    expect(displayWidth('말귀 a')).toBe(6);
    expect(
      table(
        [
          ['말귀', '1'],
          ['abc', '22'],
        ],
        [1],
      ),
    ).toBe('말귀   1\nabc   22');
  });
});

describe('work on many items', () => {
  it('keeps the order and the bound', async () => {
    let underWay = 0;
    let most = 0;
    const results: number[] = [];
    const delays = [30, 1, 20, 1, 10, 1];
    for await (const result of mapOrdered(delays, 3, async (delay, index) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await sleep(delay);
      underWay -= 1;
      return index;
    })) {
      results.push(result);
    }
    expect(results).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(3);
  });

  it('passes a failure on in its turn', async () => {
    const results: number[] = [];
    const run = async (): Promise<void> => {
      for await (const result of mapOrdered([1, 2, 3], 3, (item) =>
        item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item),
      )) {
        results.push(result);
      }
    };
    await expect(run()).rejects.toThrow('two');
    expect(results).toEqual([1]);
  });
});
