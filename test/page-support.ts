/** A real Chromium for the tests of the pages; where it is missing, they are skipped. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const built = fileURLToPath(new URL('../dist/web/main.js', import.meta.url));

/** What the tests need and is not there. Chromium is Debian's package `chromium`; CHROMIUM_PATH names another one. */
export const missing: readonly string[] = [
  ...(existsSync(executablePath) ? [] : [`no Chromium at ${executablePath} (apt-get install chromium)`]),
  ...(existsSync(built) ? [] : ['the page is not built (npm run build)']),
];
if (missing.length > 0) console.log(`The page is not tested: ${missing.join('; ')}.`);

export interface Opened {
  readonly page: Page;
  /** Whatever the browser complains about, a refused script or style above all, and requests to elsewhere. */
  readonly faults: string[];
  close(): Promise<void>;
}

/**
 * A fresh browser with a page of the service in it.
 * @param host `host:port`
 * @param microphone a WAV file that the microphone plays
 */
export async function openPage(host: string, path = '/', microphone?: string): Promise<Opened> {
  const profile = await mkdtemp(join(tmpdir(), 'malgwi-chromium-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    locale: 'ko-KR',
    viewport: { width: 1240, height: 900 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(microphone === undefined
        ? []
        : [
            '--use-fake-device-for-media-stream',
            '--use-fake-ui-for-media-stream',
            `--use-file-for-fake-audio-capture=${microphone}%noloop`,
          ]),
    ],
  });
  const [page] = browser.pages();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.includes(host) && !url.startsWith('data:')) faults.push(url);
  });
  await page.goto(`http://${host}${path}`);
  return {
    page,
    faults,
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
