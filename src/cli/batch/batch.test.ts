/** The parts of `malgwi batch`, over real folders; the whole of it is tested in test/cli-batch.test.ts. */
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import { inPool } from '../concurrency.js';
import type { Source, Transcriber } from './contract.js';
import { Journal, JOURNAL } from './journal.js';
import { outputStems, Outputs } from './outputs.js';
import { planBatch, runBatch } from './run.js';
import { findSources } from './sources.js';

let folder: string;
let audio: string;
let out: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'malgwi-batch-')));
  [audio, out] = [join(folder, 'audio'), join(folder, 'out')];
  await mkdir(join(audio, '강의'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = async (...names: string[]): Promise<void> => {
  for (const name of names) await writeFile(join(audio, name), name);
};
const source = (name: string): Source => ({ name, path: `/audio/${name}`, bytes: 1, mtimeMs: 1 });

describe('files of a batch', () => {
  it('are audio by name, in all folders, and neither hidden nor links', async () => {
    await put('b.MP3', 'a.wav', 'notes.txt', '.hidden.wav', '강의/1.m4a');
    await mkdir(join(audio, 'results'));
    await put('results/old.wav');
    await symlink('/etc', join(audio, 'etc'));
    await symlink(join(audio, 'a.wav'), join(audio, 'again.wav'));
    await symlink(audio, join(audio, 'circle'));
    const { links, sources } = await findSources(audio, join(audio, 'results'));
    expect(sources.map(({ name }) => name)).toEqual(['a.wav', 'b.MP3', '강의/1.m4a']);
    expect(links).toBe(3);
    await expect(findSources(join(folder, 'nowhere'), out)).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('have results of their own, whatever they are called', () => {
    const stems = outputStems(['a/talk.mp3', 'b/talk.mp3', 'x.wav', 'X.mp3', 'x.wav.mp3'].map(source));
    expect(stems).toEqual(['a/talk', 'b/talk', 'x.wav', 'X.mp3', 'x.wav-2']);
    expect(new Set(stems.map((stem) => stem.toLowerCase())).size).toBe(stems.length);
  });
});

describe('results', () => {
  it('never leave their folder, not through a link either', async () => {
    const outputs = await Outputs.open(out, ['json']);
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(out, 'a'));
    await expect(outputs.write('a/talk', new Map([['json', '{}']]))).rejects.toThrow('leads out');
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
    // A link in place of the file is replaced, not followed.
    await writeFile(join(folder, 'victim'), 'untouched');
    await symlink(join(folder, 'victim'), join(out, 'talk.json'));
    await outputs.write('talk', new Map([['json', '{}']]));
    expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('untouched');
    expect(await readFile(join(out, 'talk.json'), 'utf8')).toBe('{}');
  });
});

describe('the journal', () => {
  it('gives back what was noted, for the same state of a file only, and survives a torn line', async () => {
    await mkdir(out);
    const journal = await Journal.open(out);
    await journal.set('a', { mark: 'm1', job: 'job_1' });
    await journal.set('a', { mark: 'm1', job: 'job_2', done: true });
    await journal.close();
    await appendFile(join(out, JOURNAL), '{"name":"b","mark":"m');
    const again = await Journal.open(out);
    expect(again.get('a', 'm1')).toEqual({ mark: 'm1', job: 'job_2', done: true });
    expect(again.get('a', 'm2')).toBeUndefined();
    expect([again.has('a'), again.has('b')]).toEqual([true, false]);
    await again.close();
    expect((await readFile(join(out, JOURNAL), 'utf8')).split('\n')).toHaveLength(2);
  });
});

describe('a batch', () => {
  const signal = new AbortController().signal;
  const nobody = { onProgress: () => undefined, onEnd: () => undefined };
  /** Writes a file's name in capitals; refuses those called bad. */
  const transcriber: Transcriber = {
    transcribe: async ({ name }) => {
      if (name.startsWith('bad')) throw new MalgwiError('audio_corrupt');
      return { texts: new Map([['text', name.toUpperCase()]]), seconds: 2 };
    },
    close: async () => undefined,
  };

  async function run(settings: readonly string[] = [], once = signal) {
    const outputs = await Outputs.open(out, ['text']);
    const journal = await Journal.open(out);
    try {
      const { sources } = await findSources(audio, outputs.root);
      const plan = await planBatch(sources, outputs, journal, settings);
      return await runBatch(plan, transcriber, outputs, journal, { concurrency: 2, signal: once }, nobody);
    } finally {
      await journal.close();
    }
  }

  it('does what is left, and again what changed', async () => {
    await put('a.wav', 'bad.wav', '강의/1.wav');
    expect(await run()).toMatchObject({
      done: 2,
      skipped: 0,
      audioSeconds: 4,
      failures: [{ name: 'bad.wav', error: { code: 'audio_corrupt' } }],
    });
    expect(await readFile(join(out, '강의/1.txt'), 'utf8')).toBe('강의/1.WAV');
    expect(await run()).toMatchObject({ done: 0, skipped: 2, failures: [{ name: 'bad.wav' }] });
    // An older time too: it is another recording.
    await utimes(join(audio, 'a.wav'), 1000, 1000);
    await rm(join(audio, 'bad.wav'));
    expect(await run()).toMatchObject({ done: 1, skipped: 1, failures: [] });
    await rm(join(out, '강의/1.txt'));
    expect(await run()).toMatchObject({ done: 1, skipped: 1 });
    // Another model makes other transcripts.
    expect(await run(['other-model'])).toMatchObject({ done: 2, skipped: 0 });
  });

  it('leaves results alone that it knows nothing of, if they are newer', async () => {
    await put('a.wav', 'b.wav');
    await utimes(join(audio, 'a.wav'), 1000, 1000);
    await mkdir(out);
    await writeFile(join(out, 'a.txt'), 'by hand');
    await writeFile(join(out, 'b.txt'), 'stale');
    await utimes(join(out, 'b.txt'), 1000, 1000);
    expect(await run()).toMatchObject({ done: 1, skipped: 1 });
    expect(await readFile(join(out, 'a.txt'), 'utf8')).toBe('by hand');
  });

  it('ends when it is interrupted, and not as a failure of its files', async () => {
    await put('a.wav', 'b.wav');
    const reason = new MalgwiError('cancelled');
    await expect(run([], AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await run()).toMatchObject({ done: 2 });
  });
});

describe('a pool', () => {
  it('keeps its bound, and stops at a failure', async () => {
    let underWay = 0;
    let most = 0;
    const seen: number[] = [];
    await inPool([5, 1, 1, 1], 2, async (ms, index) => {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setTimeout(resolve, ms * 5));
      underWay -= 1;
      seen.push(index);
    });
    expect(most).toBe(2);
    // The long one holds nobody up.
    expect(seen.at(0)).toBe(1);
    const begun: number[] = [];
    const failing = inPool([0, 1, 2, 3], 1, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('one');
    });
    await expect(failing).rejects.toThrow('one');
    expect(begun).toEqual([0, 1]);
  });
});
