/** What a second of speech costs on this machine, found out before the first client comes. */
import { SAMPLE_RATE } from '../audio/contract.js';
import type { WorkMeter } from '../workers/contract.js';
import type { LiveStream } from './contract.js';

/** The first second warms caches and loads what is loaded late; it is not counted. */
const WARM_SECONDS = 1;
/** The median of so many parts counts: a service that starts is not alone in what it does. */
const PARTS = 6;
const PART_SECONDS = 0.5;
/** Audio of one call: about what a client sends at a time, joined. */
const PIECE_SECONDS = 0.25;

/**
 * Plays a few seconds of sound on as many streams at a time as there are threads, as they will work later.
 * @param open a stream that takes everything for speech, and adds its work to the meter
 * @returns seconds of a thread for a second of speech; undefined when it could not be measured
 */
export async function rehearse(
  streams: number,
  open: (meter: WorkMeter) => Promise<LiveStream>,
): Promise<number | undefined> {
  const meter = { busySeconds: 0 };
  if (streams === 0) return undefined;
  const costs: number[] = [];
  try {
    const opened = await Promise.all(Array.from({ length: streams }, () => open(meter)));
    await playAll(opened, WARM_SECONDS);
    for (let part = 0; part < PARTS; part += 1) {
      meter.busySeconds = 0;
      await playAll(opened, PART_SECONDS);
      costs.push(meter.busySeconds / (streams * PART_SECONDS));
    }
    await Promise.all(opened.map((stream) => stream.finish()));
  } catch {
    // Nothing depends on it: the first real sessions will tell.
    return undefined;
  }
  return costs.sort((a, b) => a - b)[Math.floor(PARTS / 2)];
}

async function playAll(streams: readonly LiveStream[], seconds: number): Promise<void> {
  const pieces = pieceSequence(seconds);
  await Promise.all(
    streams.map(async (stream) => {
      for (const piece of pieces) await stream.feed(piece);
    }),
  );
}

/** 16-bit samples of a voice-like sound whose pitch moves: loud enough that nothing takes it for silence. */
function pieceSequence(seconds: number): Uint8Array[] {
  const length = Math.round(PIECE_SECONDS * SAMPLE_RATE);
  return Array.from({ length: Math.round(seconds / PIECE_SECONDS) }, (_, piece) => {
    const samples = Int16Array.from({ length }, (_value, i) => {
      const t = (piece * length + i) / SAMPLE_RATE;
      const phase = 2 * Math.PI * 140 * t + 6 * Math.sin(5 * t);
      return 6000 * Math.sin(phase) + 3000 * Math.sin(3 * phase) * Math.sin(9 * t);
    });
    return new Uint8Array(samples.buffer);
  });
}
