/**
 * The page in a real Chromium whose microphone plays a WAV file. Skipped where Chromium is missing (Debian's package
 * `chromium`; CHROMIUM_PATH names another one).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rate, scoreCharacters } from '../src/korean/scoring.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer, wav } from './http-support.js';
import { liveService, wavData } from './live-support.js';
import type { LiveService } from './live-support.js';
import { missing, openPage } from './page-support.js';
import type { Opened } from './page-support.js';

const audio = (name: string): string => fileURLToPath(new URL(`../test-audio/${name}`, import.meta.url));
const CLIP = { name: 'reserve-a3.wav', text: '에이 삼 자리 예약해 줘', seat: 'A3' };

describe.skipIf(missing.length > 0)(
  'the page in Chromium',
  () => {
    let recognizer: Recognizer;
    let service: LiveService;
    let folder: string;
    let browser: Opened | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'malgwi-page-'));
      recognizer = await startRecognizer(1);
      service = await liveService(recognizer);
    });
    afterAll(async () => {
      await service.close();
      await recognizer.close();
      await rm(folder, { recursive: true, force: true });
    });
    afterEach(async () => {
      await browser?.close();
      browser = undefined;
    });

    /** A fresh browser; whatever it complains about fails the test, a refused script or style above all. */
    async function open(options: { microphone?: string } = {}): Promise<{ page: Page; faults: string[] }> {
      browser = await openPage(service.host, '/', options.microphone);
      return browser;
    }

    const seat = (page: Page, id: string) => page.locator(`[data-seat="${id}"]`);

    it('hears the microphone, writes what it heard, and reserves the seat', async () => {
      // The device plays from the moment it is opened, a little before the page is ready to listen: silence comes first.
      const said = new Int16Array(wavData(audio(CLIP.name)).slice().buffer);
      const samples = new Int16Array(16_000 + said.length + 32_000);
      samples.set(said, 16_000);
      const microphone = join(folder, 'microphone.wav');
      await writeFile(microphone, wav(samples));
      const { page, faults } = await open({ microphone });
      await page.getByRole('button', { name: '듣기 시작' }).click();
      await page.locator('#state[data-state="listening"]').waitFor();
      await page.locator('#partial:not(:empty)').waitFor();
      expect(Number(await page.locator('#level').getAttribute('aria-valuenow'))).toBeGreaterThan(0);
      const final = page.locator('#finals li .words').first();
      await final.waitFor();
      expect(
        rate(scoreCharacters(CLIP.text, (await final.textContent()) ?? '', { spaces: false })),
      ).toBeLessThan(0.35);
      await page.locator(`[data-seat="${CLIP.seat}"][data-state="mine"]`).waitFor();
      expect(await page.locator('#result-title').textContent()).toBe('예약');
      expect(await page.locator('#result-text').textContent()).toContain(CLIP.seat);
      await page.getByRole('button', { name: '듣기 끝내기' }).click();
      await page.locator('#state[data-state="idle"]').waitFor();
      expect(await page.locator('#problem').isVisible()).toBe(false);
      expect(faults).toEqual([]);
    });

    it('gives the last words when the recording is stopped in the middle of speech', async () => {
      const { page, faults } = await open({ microphone: audio('dialogue.wav') });
      await page.getByRole('button', { name: '듣기 시작' }).click();
      await page.locator('#partial:not(:empty)').waitFor();
      await page.getByRole('button', { name: '듣기 끝내기' }).click();
      await page.locator('#finals li').first().waitFor();
      await page.locator('#state[data-state="idle"]').waitFor();
      expect(recognizer.stats().liveStreams).toBe(0);
      expect(faults).toEqual([]);
    });

    it('says what to do when there is no microphone', async () => {
      const { page } = await open();
      await page.getByRole('button', { name: '듣기 시작' }).click();
      await page.locator('#problem').waitFor();
      expect(await page.locator('#problem').textContent()).toMatch(/마이크/);
      expect(await page.locator('#state').getAttribute('data-state')).toBe('idle');
    });

    it('is stopped while the browser still asks for the microphone, and then does not listen', async () => {
      const { page, faults } = await open({ microphone: audio('dialogue.wav') });
      await page.evaluate(() => {
        const { mediaDevices } = navigator;
        const ask = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async (constraints) => {
          await new Promise((resolve) => Object.assign(window, { allow: resolve }));
          const media = await ask(constraints);
          return Object.assign(window, { media }).media;
        };
      });
      await page.getByRole('button', { name: '듣기 시작' }).click();
      await page.locator('#state[data-state="starting"]').waitFor();
      await page.getByRole('button', { name: '듣기 끝내기' }).click();
      await page.evaluate(() => (window as unknown as { allow: () => void }).allow());
      await page.locator('#state[data-state="idle"]').waitFor({ timeout: 5000 });
      await page.waitForFunction(() => {
        const { media } = window as unknown as { media?: MediaStream };
        return media?.getTracks().every((track) => track.readyState === 'ended');
      });
      expect(recognizer.stats().liveStreams).toBe(0);
      expect(faults).toEqual([]);
    });

    it('works by keyboard alone: typed commands, a question, its answer, another place', async () => {
      const { page, faults } = await open();
      await page.locator('#typed-text').focus();
      await page.keyboard.type('B5 좌석 예약해 줘');
      await page.keyboard.press('Enter');
      await page.locator('[data-seat="B5"][data-state="mine"]').waitFor();
      await page.keyboard.type('예약 취소해 줘');
      await page.keyboard.press('Enter');
      const yes = page.getByRole('button', { name: '네, 취소합니다' });
      await yes.waitFor();
      await yes.focus();
      await page.keyboard.press('Enter');
      await page.locator('[data-seat="B5"][data-state="free"]').waitFor();
      await page.getByRole('radio', { name: '비행기' }).focus();
      await page.keyboard.press('ArrowRight');
      await seat(page, '72').waitFor();
      expect(await seat(page, 'A1').count()).toBe(0);
      expect(faults).toEqual([]);
    });

    it('transcribes a file that is dropped, and never takes text for markup', async () => {
      const { page, faults } = await open();
      await page.locator('#file').setInputFiles(audio('cancel.ogg'));
      await page.locator('#finals li[data-source="file"]').first().waitFor();
      await page.locator('#typed-text').fill('<img src=x onerror=alert(1)> A1 예약');
      await page.keyboard.press('Enter');
      await page.locator('#finals li[data-source="typed"]').waitFor();
      expect(await page.locator('#finals img').count()).toBe(0);
      await page
        .locator('#file')
        .setInputFiles({ name: 'x.wav', mimeType: 'audio/wav', buffer: Buffer.from('no audio') });
      await page.locator('#problem').waitFor();
      // The refused upload is an error of the network for the browser, and of nothing else.
      expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([]);
    });
  },
  60_000,
);
