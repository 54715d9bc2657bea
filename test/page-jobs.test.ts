/** The page of jobs in a real Chromium, over a queue whose jobs end when the test says so. */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConfigOverrides } from '../src/config.js';
import type { Transcript } from '../src/recognition/contract.js';
import { silence } from './http-support.js';
import { jobService, models, transcript } from './jobs-support.js';
import type { JobService } from './jobs-support.js';
import { missing, openPage } from './page-support.js';
import type { Opened } from './page-support.js';

const clip = fileURLToPath(new URL('../test-audio/return-27.wav', import.meta.url));
const MARKUP = '<img src=x onerror=alert(1)>';

let service: JobService | undefined;
let opened: Opened | undefined;

async function start(overrides: ConfigOverrides = {}): Promise<{ service: JobService; host: string }> {
  service = await jobService(models, overrides);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  return { service, host: `127.0.0.1:${port}` };
}

async function open(host: string, path = '/jobs'): Promise<Opened> {
  return (opened = await openPage(host, path));
}

afterEach(async () => {
  await opened?.close();
  await service?.close();
  opened = service = undefined;
});

/** The only job there is. */
const only = ({ queue }: JobService): string => [...queue.entries.keys()][0];

async function complete(running: JobService, id: string, result: Transcript = transcript): Promise<void> {
  const resultKey = `results/${id}.json`;
  await running.storage.put(resultKey, Readable.from([Buffer.from(JSON.stringify(result))]));
  running.queue.change(id, 'completed', {
    state: 'completed',
    resultKey,
    finishedAt: Date.now(),
    progress: { doneSeconds: result.duration, totalSeconds: result.duration },
  });
}

async function download(page: Page, format: string): Promise<{ name: string; text: string }> {
  const [got] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('#downloads').getByRole('button', { name: format, exact: true }).click(),
  ]);
  return { name: got.suggestedFilename(), text: await readFile(await got.path(), 'utf8') };
}

describe.skipIf(missing.length > 0)(
  'the page of jobs in Chromium',
  () => {
    it('takes a file, shows how far it is, plays it with its words, lets them be put right and taken away', async () => {
      const { service: running, host } = await start();
      const { faults, page } = await open(host, '/');
      await page.getByRole('link', { name: '파일 작업' }).click();
      await page.locator('#no-jobs').waitFor();
      const events = page.waitForResponse((response) => response.url().endsWith('/events'));
      await page.locator('#file').setInputFiles(clip);
      const row = page.locator('#jobs li');
      await row.filter({ hasText: '다음 차례' }).waitFor();
      expect(await row.locator('.job-name').textContent()).toBe('return-27.wav');
      const id = only(running);
      expect(running.queue.entries.get(id)!.job.spec.source).toMatchObject({
        type: 'object',
        bytes: (await readFile(clip)).length,
      });

      // As it happens, through the stream of events.
      expect((await events).headers()['content-type']).toContain('text/event-stream');
      running.queue.change(id, 'started', { state: 'active', startedAt: Date.now() });
      running.queue.change(id, 'progress', { progress: { doneSeconds: 1, totalSeconds: 2.4 } });
      await row.filter({ hasText: '받아쓰는 중 · 0:01 / 0:02' }).waitFor();
      expect(Number(await row.locator('progress').getAttribute('value'))).toBeCloseTo(1 / 2.4, 2);
      await complete(running, id);
      await row.filter({ hasText: '끝남' }).waitFor();

      await row.getByRole('button', { name: /열기/ }).click();
      await page.locator('.line').waitFor();
      expect(await page.locator('.word').allTextContents()).toEqual(['이십칠', '번', '자리', '반납할게요']);
      // A click on a word plays from there, and the word is marked.
      await page.locator('.word', { hasText: '반납할게요' }).click();
      await page.locator('.word.heard', { hasText: '반납할게요' }).waitFor();
      expect(await page.evaluate(() => document.querySelector('audio')!.currentTime)).toBeGreaterThanOrEqual(
        1.3,
      );

      // By keyboard alone.
      await page.getByRole('button', { name: '0:00 고치기' }).focus();
      await page.keyboard.press('Enter');
      await page.locator('.line-input').fill(`이십팔 번 자리 ${MARKUP} 반납할게요`);
      await page.keyboard.press('Enter');
      expect(await page.locator('.line-text').textContent()).toContain('이십팔 번 자리 <img src=x');
      expect(await page.locator('#lines img').count()).toBe(0);
      const text = await download(page, 'txt');
      expect(text).toEqual({ name: 'return-27.txt', text: `이십팔 번 자리 ${MARKUP} 반납할게요\n` });
      const srt = await download(page, 'srt');
      expect(srt.name).toBe('return-27.srt');
      expect(srt.text).toMatch(/^1\n00:00:00,100 --> 00:00:01,300\n이십팔 번 자리/);
      expect((await download(page, 'vtt')).text).toMatch(/^WEBVTT\n\n[\s\S]*&lt;img/);
      const json = JSON.parse((await download(page, 'json')).text) as { words: object[]; duration: number };
      expect(json.duration).toBe(2.4);
      expect(json.words).toHaveLength(7);
      expect(json.words.at(-1)).toEqual({ word: '반납할게요', start: 1.3, end: 2.2 });

      // What was put right outlives a reload, and can be undone.
      await page.reload();
      await row.getByRole('button', { name: /열기/ }).click();
      await page.locator('.word', { hasText: '이십팔' }).waitFor();
      await page.waitForFunction(() => document.querySelector('audio')!.readyState > 0);
      await page.getByRole('button', { name: '처음대로' }).click();
      await page.locator('.word', { hasText: '이십칠' }).waitFor();

      const remove = row.getByRole('button', { name: /지우기/ });
      await remove.click();
      expect(await row.count()).toBe(1);
      await remove.click();
      await page.locator('#no-jobs').waitFor();
      expect(running.queue.entries.size).toBe(0);
      expect(await running.stored()).toEqual([]);
      expect(faults).toEqual([]);
    });

    it('takes several files that are dropped, cancels one and tries it again', async () => {
      const { service: running, host } = await start();
      const { faults, page } = await open(host);
      const bytes = [...silence(0.2)];
      const drop = await page.evaluateHandle((data) => {
        const transfer = new DataTransfer();
        for (const name of ['하나.wav', '<b>둘</b>.wav', '셋.wav'])
          transfer.items.add(new File([Uint8Array.from(data)], name));
        return transfer;
      }, bytes);
      await page.dispatchEvent('#drop', 'drop', { dataTransfer: drop });
      await page.locator('#jobs li').nth(2).waitFor();
      expect((await page.locator('#jobs .job-name').allTextContents()).sort()).toEqual(
        ['b>.wav', '셋.wav', '하나.wav'].sort(),
      );
      const row = page.locator('#jobs li', { hasText: '하나.wav' });
      await row.getByRole('button', { name: /취소/ }).click();
      await row.filter({ hasText: '취소됨' }).waitFor();
      await row.getByRole('button', { name: /다시 하기/ }).click();
      await page.locator('#jobs li[data-state="queued"]', { hasText: '하나.wav' }).waitFor();
      const states = [...running.queue.entries.values()].map(({ job }) => job.state);
      expect(states).toEqual(['queued', 'queued', 'queued']);
      expect(await page.locator('#jobs b').count()).toBe(0);
      expect(faults).toEqual([]);
    });

    it('goes on with an upload that was stopped', async () => {
      const { service: running, host } = await start();
      const { page } = await open(host);
      // Two pieces; the second does not get through at first.
      const file = {
        name: 'long.wav',
        mimeType: 'audio/wav',
        buffer: Buffer.concat([silence(0), Buffer.alloc(17 * 2 ** 20)]),
      };
      file.buffer.writeUInt32LE(file.buffer.length - 44, 40);
      file.buffer.writeUInt32LE(file.buffer.length - 8, 4);
      let sent = 0;
      await page.route('**/v1/uploads/*', async (route) => {
        if (route.request().method() !== 'PATCH') return route.continue();
        sent += 1;
        return sent === 1 ? route.abort() : route.continue();
      });
      await page.locator('#file').setInputFiles(file);
      const row = page.locator('#uploads li');
      await row.filter({ hasText: /\d+ %/ }).waitFor();
      await row.getByRole('button', { name: /멈추기/ }).click();
      await row.filter({ hasText: '멈춤' }).waitFor();
      expect(running.queue.entries.size).toBe(0);
      await row.getByRole('button', { name: /이어 올리기/ }).click();
      await page.locator('#jobs li', { hasText: 'long.wav' }).waitFor();
      expect(running.queue.entries.get(only(running))!.job.spec.source).toMatchObject({
        bytes: file.buffer.length,
      });
      // The first piece was sent when the upload was made, and only once.
      expect(sent).toBeLessThanOrEqual(2);
    });

    it('asks for the key, sends it with everything, and hears audio that it had to fetch', async () => {
      const key = 'secret-of-the-desk';
      const { service: running, host } = await start({ server: { apiKeys: [key] } });
      const { faults, page } = await open(host);
      await page.locator('#key').fill(key);
      await page.keyboard.press('Enter');
      await page.locator('#no-jobs').waitFor();
      await page.locator('#file').setInputFiles(clip);
      await page.locator('#jobs li').waitFor();
      const id = only(running);
      running.queue.change(id, 'started', { state: 'active' });
      running.queue.change(id, 'failed', {
        state: 'failed',
        error: { code: 'audio_corrupt', message: 'broken' },
      });
      await page.locator('#jobs li[data-state="failed"]', { hasText: '깨져' }).waitFor();
      running.queue.change(id, 'queued', { state: 'queued', error: undefined });
      await complete(running, id);
      // Loaded anew, the tab has the key still, and the file no longer.
      await page.reload();
      await page.locator('#jobs').getByRole('button', { name: /열기/ }).click();
      await page.waitForFunction(() => document.querySelector('audio')!.readyState > 0);
      expect(await page.evaluate(() => document.querySelector('audio')!.src)).toMatch(/^blob:/);
      expect(faults.filter((fault) => !fault.includes('401') && !fault.startsWith('blob:'))).toEqual([]);
    });

    it('says what a refused file is', async () => {
      const { service: running, host } = await start();
      const { page } = await open(host);
      const file = { name: 'notes.wav', mimeType: 'audio/wav', buffer: Buffer.from('no audio at all') };
      await page.locator('#file').setInputFiles(file);
      await page.locator('#uploads li[data-state="failed"]', { hasText: '소리 파일이 아니거나' }).waitFor();
      await page
        .locator('#uploads')
        .getByRole('button', { name: /그만두기/ })
        .click();
      expect(await page.locator('#uploads li').count()).toBe(0);
      expect(running.queue.entries.size).toBe(0);
    });
  },
  60_000,
);
