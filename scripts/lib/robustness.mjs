// What a model writes where nobody speaks Korean: the published suite through the recogniser, as a file and live.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNoSpeech } from './espeak.mjs';
import { foreign } from './sounds/foreign.mjs';
import { suite } from './sounds/suite.mjs';
import { pcm, writeWav } from './wav.mjs';

const RATE = 16_000;
/** Bytes of one message of a live client: 320 ms. */
const PIECE_BYTES = 0.32 * RATE * 2;

export const countSyllables = (text) => [...text.matchAll(/[가-힣]/g)].length;

/** Recognises one sound both ways. @returns `{offline, live, seconds}`, texts */
export async function hear(recognizer, folder, samples) {
  const path = join(folder, 'sound.wav');
  await writeWav(path, samples);
  const { text, segments } = await recognizer.transcribeFile(path);
  const stream = await recognizer.openStream({ encoding: 'pcm_s16le', sampleRate: RATE, channels: 1 });
  const events = [];
  try {
    const bytes = new Uint8Array(pcm(samples));
    for (let from = 0; from < bytes.length; from += PIECE_BYTES)
      events.push(...(await stream.feed(bytes.slice(from, from + PIECE_BYTES))).events);
    events.push(...(await stream.finish()).events);
  } finally {
    stream.close();
  }
  const finals = events.flatMap((event) => (event.type === 'final' ? [event.segment.text] : []));
  return {
    offline: text,
    live: finals.filter(Boolean).join(' '),
    seconds: samples.length / RATE,
    segments,
  };
}

/**
 * @param recognizer started
 * @param onSound called with the row of each sound
 * @returns `{rows, skipped}`; a row is `{name, kind, seconds, offline, live}` with texts
 */
export async function runSuite(recognizer, onSound = () => undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-robustness-'));
  const rows = [];
  try {
    const hearAll = async (sounds) => {
      for await (const { name, kind, samples } of sounds) {
        const { offline, live, seconds } = await hear(recognizer, folder, samples);
        const row = { name, kind, seconds, offline, live };
        rows.push(row);
        onSound(row);
      }
    };
    await hearAll(suite());
    const reason = whyNoSpeech();
    if (reason === undefined) await hearAll(foreign());
    return { rows, skipped: reason === undefined ? [] : [{ kind: 'other languages', reason }] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Syllables a minute that a class may have, all of its sounds together. Where nobody speaks nothing may be written. Babble
 * (syllables of code that mean nothing) and other languages are speech: half of what a person says in a minute (about
 * 250) is far from nothing, and what the bundled model can be held to.
 */
export const LIMITS = {
  silence: 0,
  noise: 0,
  hum: 0,
  impulses: 0,
  tones: 0,
  telephone: 0,
  music: 0,
  babble: 240,
  'other languages': 125,
};

/** Figures of each class: `{kind, sounds, seconds, offline, live, limit, written, ok}`; rates in syllables a minute. */
export function summarise(rows) {
  return [...new Set(rows.map((row) => row.kind))].map((kind) => {
    const own = rows.filter((row) => row.kind === kind);
    const seconds = own.reduce((sum, row) => sum + row.seconds, 0);
    const perMinute = (pick) => (60 * own.reduce((sum, row) => sum + countSyllables(pick(row)), 0)) / seconds;
    const offline = perMinute((row) => row.offline);
    const live = perMinute((row) => row.live);
    const written = own.filter((row) => row.offline !== '' || row.live !== '').length;
    const limit = LIMITS[kind];
    return {
      kind,
      sounds: own.length,
      seconds,
      offline,
      live,
      limit,
      written,
      ok: Math.max(offline, live) <= limit,
    };
  });
}
