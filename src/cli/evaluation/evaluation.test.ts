import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_SCORED_LENGTH, NORMALIZER_VERSION } from '../../korean/scoring.js';
import { bootstrapInterval } from './bootstrap.js';
import { readFields } from './groups.js';
import { readManifest } from './manifest.js';
import { pushReport, setName } from './push.js';
import { buildReport, scoreUtterance } from './report.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-evaluation-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function manifest(...lines: (object | string)[]): Promise<string> {
  const path = join(folder, 'manifest.jsonl');
  await writeFile(
    path,
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return path;
}

describe('manifest', () => {
  it('reads lines, audio relative to itself, and picks a split', async () => {
    const path = await manifest(
      `\uFEFF${JSON.stringify({ audio: 'a.wav', text: '가', split: 'dev' })}`,
      '',
      { audio: 'sub/b.wav', text: '나', split: 'test', speaker: 's1', seconds: 3 },
      { audio: '/elsewhere/c.wav', text: '다' },
    );
    const all = await readManifest(path);
    expect(all.map((item) => [item.audio, item.split, item.speaker])).toEqual([
      ['a.wav', 'dev', undefined],
      ['sub/b.wav', 'test', 's1'],
      ['/elsewhere/c.wav', 'none', undefined],
    ]);
    expect(all.map((item) => item.path)).toEqual([
      join(folder, 'a.wav'),
      join(folder, 'sub/b.wav'),
      '/elsewhere/c.wav',
    ]);
    expect(all.map((item) => item.fields)).toEqual([
      { split: 'dev' },
      { split: 'test', speaker: 's1', seconds: '3' },
      {},
    ]);
    expect(await readManifest(path, { split: 'test' })).toHaveLength(1);
    expect(await readManifest(path, { limit: 2 })).toHaveLength(2);
  });

  it.each([
    ['no JSON', ['{"audio":'], 'invalid_json', 'Line 1'],
    ['no object', ['[]'], 'invalid_json', 'Line 1'],
    ['no audio', [{ audio: 'a.wav', text: '' }, { text: '가' }], 'missing_field', 'Line 2'],
    ['no text', [{ audio: 'a.wav' }], 'missing_field', 'text'],
    ['a number for text', [{ audio: 'a.wav', text: 7 }], 'invalid_field', 'text'],
    [
      'a text nobody can score',
      [{ audio: 'a.wav', text: '가'.repeat(MAX_SCORED_LENGTH + 1) }],
      'text_too_long',
      '1',
    ],
    ['nothing at all', [], 'invalid_request', 'no lines'],
  ])('refuses %s and says where', async (_, lines, code, words) => {
    const reading = readManifest(await manifest(...lines));
    await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  it('names the splits there are when the wanted one is not', async () => {
    const path = await manifest(
      { audio: 'a', text: 'b', split: 'dev' },
      { audio: 'a', text: 'b', split: 'test' },
    );
    await expect(readManifest(path, { split: 'train' })).rejects.toThrow('dev, test');
    await expect(readManifest(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

const item = (audio: string, text: string, split = 'dev', speaker?: string) => ({
  audio,
  text,
  split,
  ...(speaker === undefined ? {} : { speaker }),
});

describe('report', () => {
  it('counts edits with and without spaces, and words', () => {
    const report = buildReport(
      [
        scoreUtterance(item('1', '칠 번 자리'), '칠 번 자라', 2),
        scoreUtterance(item('2', '예약해 줘', 'test'), '예약 해줘', 1),
        scoreUtterance(item('3', '반납', 'test'), '', 0, { code: 'audio_empty', message: 'Empty.' }),
      ],
      { model: 'm', wallSeconds: 0.3 },
    );
    expect(report).toMatchObject({
      model: 'm',
      utterances: 3,
      failed: 1,
      // 칠_번_자리 6, 예약해_줘 5, 반납 2
      referenceCharacters: 13,
      noSpaces: { referenceCharacters: 10, substitutions: 1, deletions: 2, insertions: 0 },
      words: { referenceWords: 6 },
      normalizer: NORMALIZER_VERSION,
      failures: [{ audio: '3', code: 'audio_empty', message: 'Empty.' }],
    });
    expect(report.cerNoSpaces).toBeCloseTo(0.3);
    expect(report.cer).toBeCloseTo((report.substitutions + report.deletions + report.insertions) / 13);
    // 자리, both words of the second, 반납
    expect(report.wer).toBeCloseTo(4 / 6);
    expect(report.realTimeFactor).toBeCloseTo(0.1);
    expect(Object.keys(report.bySplit)).toEqual(['dev', 'test']);
    expect(report.bySplit.dev.cerNoSpaces).toBeCloseTo(0.25);
    expect(report.bySplit.test.cerNoSpaces).toBeCloseTo(2 / 6);
  });

  it('has no rate over nothing', () => {
    const report = buildReport([scoreUtterance(item('1', ''), '음', 1)], { model: 'm', wallSeconds: 1 });
    expect(report.cer).toBeNull();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('resamples speakers where every line names one and there are enough', () => {
    const utterances = Array.from({ length: 20 }, (_, index) =>
      scoreUtterance(item(String(index), '가나', 'dev', `s${index >> 1}`), index === 0 ? '가' : '가나', 1),
    );
    const unit = (list: typeof utterances) =>
      buildReport(list, { model: 'm', wallSeconds: 1 }).intervals.unit;
    expect(unit(utterances)).toBe('speaker');
    expect(unit(utterances.slice(2))).toBe('utterance');
    expect(unit([...utterances, scoreUtterance(item('20', '가'), '가', 1)])).toBe('utterance');
  });
});

describe('groups', () => {
  const lines: (ReturnType<typeof item> & { fields: Record<string, string> })[] = [
    { ...item('1', '가나다라'), fields: { corpus: 'b', snr: '10' } },
    { ...item('2', '가나'), fields: { corpus: 'a', snr: '5' } },
    { ...item('3', '가나'), fields: { corpus: 'a' } },
    { ...item('4', '가나'), fields: { corpus: 'a', snr: '10' } },
  ];
  const scored = [
    scoreUtterance(lines[0], '가나다', 12),
    scoreUtterance(lines[1], '가나', 1.9),
    scoreUtterance(lines[2], '나', 2),
    scoreUtterance(lines[3], '', 0, { code: 'audio_empty', message: 'Empty.' }),
  ];
  const by = (field: string) =>
    Object.entries(buildReport(scored, { model: 'm', wallSeconds: 1, by: [field] }).by[field]).map(
      ([name, { utterances, cerNoSpaces }]) => [name, utterances, cerNoSpaces],
    );

  it('gives the figures of each value of a field, in the order of numbers', () => {
    expect(by('corpus')).toEqual([
      ['a', 3, 0.5],
      ['b', 1, 0.25],
    ]);
    expect(by('snr')).toEqual([
      ['5', 1, 0],
      ['10', 2, 0.5],
      ['none', 1, 0.5],
    ]);
  });

  it('makes bands of length, a file that failed apart', () => {
    expect(by('duration')).toEqual([
      ['0 to 2 s', 1, 0],
      ['2 to 5 s', 1, 0.5],
      ['10 s and over', 1, 0.25],
      ['failed', 1, 1],
    ]);
  });

  it('has an interval for each group that has anything to resample', () => {
    const { by: groups } = buildReport(scored, { model: 'm', wallSeconds: 1, by: ['corpus'] });
    expect(groups.corpus.b.intervals.cerNoSpaces).toBeNull();
    expect(groups.corpus.a.intervals).toMatchObject({ cerNoSpaces: [0, 1], unit: 'utterance' });
  });

  it('reads the names of fields, and refuses one that no line has', () => {
    expect(readFields(' corpus,duration,corpus, ', lines)).toEqual(['corpus', 'duration']);
    expect(readFields(undefined, lines)).toEqual([]);
    expect(() => readFields('corpora', lines)).toThrow('corpus, duration, snr, split');
    const many = Array.from({ length: 9 }, (_, index) => `f${index}`);
    expect(() =>
      readFields(many.join(), [{ fields: Object.fromEntries(many.map((f) => [f, '1'])) }]),
    ).toThrow('8 fields');
  });
});

describe('bootstrap interval', () => {
  const unit = (substitutions: number) => ({
    substitutions,
    deletions: 0,
    insertions: 0,
    referenceLength: 10,
  });

  it('covers the binomial interval it should approximate, the same every time', () => {
    // 400 units of ten characters, a fifth of them wrong at one place: rate 0.02, standard error 0.002.
    const units = Array.from({ length: 400 }, (_, index) => unit(index % 5 === 0 ? 1 : 0));
    const [low, high] = bootstrapInterval(units)!;
    expect(low).toBeGreaterThan(0.02 - 1.96 * 0.002 - 0.0006);
    expect(low).toBeLessThan(0.02 - 1.96 * 0.002 + 0.0006);
    expect(high).toBeGreaterThan(0.02 + 1.96 * 0.002 - 0.0006);
    expect(high).toBeLessThan(0.02 + 1.96 * 0.002 + 0.0006);
    expect(bootstrapInterval(units)).toEqual([low, high]);
  });

  it('needs at least two units with a reference', () => {
    expect(bootstrapInterval([unit(1)])).toBeNull();
    expect(
      bootstrapInterval([unit(0), unit(0)].map((entry) => ({ ...entry, referenceLength: 0 }))),
    ).toBeNull();
  });
});

describe('push', () => {
  const report = buildReport([scoreUtterance(item('1', '칠 번'), '칠 법', 1)], {
    model: 'm',
    wallSeconds: 1,
  });

  async function withService(
    status: number,
    body: unknown,
    use: (url: URL, received: { path?: string; key?: string | undefined; body?: unknown }) => Promise<void>,
  ): Promise<void> {
    const received: { path?: string; key?: string | undefined; body?: unknown } = {};
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        Object.assign(received, {
          path: request.url,
          key: request.headers.authorization,
          body: JSON.parse(text) as unknown,
        });
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/speech`), received);
    } finally {
      server.close();
    }
  }

  it('sends the counts below the address it was given', () =>
    withService(200, { accepted: true }, async (url, received) => {
      expect(await pushReport(url, report, 'dev set', 'secret-key')).toBe('dev-set');
      expect(received).toEqual({
        path: '/speech/v1/evaluations',
        key: 'Bearer secret-key',
        body: {
          model: 'm',
          set: 'dev-set',
          normalizer: NORMALIZER_VERSION,
          characterEdits: 1,
          referenceCharacters: 2,
          wordEdits: 1,
          referenceWords: 2,
          utterances: 1,
        },
      });
    }));

  it("passes the service's refusal on", () =>
    withService(401, { error: { code: 'invalid_request', message: 'No key.' } }, async (url) => {
      await expect(pushReport(url, report, 'dev', undefined)).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('No key.') as string,
      });
    }));

  it('says so when nothing answers', async () => {
    await expect(pushReport(new URL('http://127.0.0.1:1'), report, 'dev', undefined)).rejects.toMatchObject({
      code: 'not_ready',
    });
  });

  it('makes names that the service accepts', () => {
    for (const name of ['dev', '한국어 세트', '../x', '_a', 'x'.repeat(99), '']) {
      expect(setName(name)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/);
    }
  });
});
