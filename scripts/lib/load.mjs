// What a load generator says: N streams that play recordings in real time, and how well they were heard.
import { clearInterval, setInterval } from 'node:timers';
import { addCounts, NO_EDITS, rate, scoreCharacters } from '../../dist/korean/index.js';
import { LoadClient } from './live-clients.mjs';

const RATE = 16_000;
export const PACKET_MS = 40;
/** Speech ends where the level falls 40 dB below the clip's loudest 32 ms for good. */
const FRAME = 512;
const FLOOR_DB = -40;

/** First and last sample of speech, by level: known to the generator alone. */
export function speechBounds(samples) {
  const energies = [];
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let sum = 0;
    for (let i = at; i < at + FRAME; i++) sum += samples[i] ** 2;
    energies.push(sum / FRAME);
  }
  const floor = Math.max(...energies) * 10 ** (FLOOR_DB / 10);
  const first = energies.findIndex((energy) => energy > floor);
  const last = energies.findLastIndex((energy) => energy > floor);
  return { first: first * FRAME, last: (last + 1) * FRAME };
}

/**
 * The clips of one stream, one after the other with pauses, in an order of its own.
 * @param clips `[{samples: Int16Array, text}]`
 * @returns `{pcm, utterances: [{start, end, text}]}` seconds; utterances as spoken
 */
export function playlist(clips, seconds, random) {
  const pieces = [];
  const utterances = [];
  let at = 0;
  const silence = (duration) => {
    const count = Math.round(duration * RATE);
    pieces.push(new Int16Array(count));
    at += count;
  };
  silence(0.3 + random());
  while (at / RATE < seconds) {
    const { samples, text } = clips[Math.floor(random() * clips.length)];
    const { first, last } = speechBounds(samples);
    utterances.push({ start: (at + first) / RATE, end: (at + last) / RATE, text });
    pieces.push(samples);
    at += samples.length;
    silence(1.2 + random());
  }
  return {
    pcm: Buffer.concat(pieces.map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))),
    utterances,
  };
}

/** Plays all lists at once, each on a client of its own, their packets spread over time. */
export async function play(host, protocol, lists, { packetMs = PACKET_MS, hello } = {}) {
  const packetBytes = (RATE * 2 * packetMs) / 1000;
  const clients = [];
  for (const list of lists) {
    const client = new LoadClient(host, protocol, hello);
    await client.ready;
    clients.push({ client, list, sent: 0, times: [] });
  }
  const started = performance.now();
  await new Promise((resolve) => {
    let next = 0;
    let left = clients.length;
    // One timer for all: every client is due once in a packet's time.
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - started) / packetMs) * clients.length);
      for (; next < due; next++) {
        const one = clients[next % clients.length];
        if (one.sent >= one.list.pcm.length) continue;
        const to = Math.min(one.list.pcm.length, one.sent + packetBytes);
        one.client.send(one.list.pcm.subarray(one.sent, to));
        one.times.push(performance.now());
        one.sent = to;
        if (to === one.list.pcm.length) left -= 1;
      }
      if (left === 0) {
        clearInterval(timer);
        resolve();
      }
    }, 2);
  });
  await Promise.all(clients.map(({ client }) => client.finish()));
  return clients.map(({ client, list, times }) => ({ client, list, times }));
}

const quantiles = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q) =>
    sorted.length === 0
      ? null
      : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
};

/** Latencies in milliseconds from the moment the sample in question was sent. */
export function assess(played, packetMs = PACKET_MS) {
  const firstPartial = [];
  const partialLag = [];
  const finalLatency = [];
  const errors = {};
  let counts = NO_EDITS;
  let stableTold = 0;
  let stableChanged = 0;
  for (const { client, list, times } of played) {
    const sentAt = (second) =>
      times[Math.min(times.length - 1, Math.max(0, Math.ceil((second * 1000) / packetMs) - 1))];
    const finals = client.events.filter(({ type }) => type === 'final');
    const partials = client.events.filter(({ type, text }) => type === 'partial' && text !== '');
    for (const { type, code } of client.events) if (type === 'error') errors[code] = (errors[code] ?? 0) + 1;
    if (client.closeCode !== undefined && ![1000, 1005].includes(client.closeCode))
      errors[`close ${client.closeCode}`] = (errors[`close ${client.closeCode}`] ?? 0) + 1;
    const hypothesis = finals.map(({ text }) => text).join(' ');
    counts = addCounts(
      counts,
      scoreCharacters(list.utterances.map(({ text }) => text).join(' '), hypothesis, { spaces: false }),
    );
    for (const { start, end } of list.utterances) {
      const own = partials.find((event) =>
        event.end === undefined ? event.at >= sentAt(start) : event.end > start && event.start < end,
      );
      if (own !== undefined) firstPartial.push(own.at - sentAt(start));
      // The final that covers the end of this speech; protocols without times: the first one told behind it.
      const last = finals.find((event) =>
        event.end === undefined ? event.at >= sentAt(end) : event.start < end && event.end >= end - 0.2,
      );
      if (last !== undefined) finalLatency.push(last.at - sentAt(end));
    }
    for (const { at, end } of partials) if (end !== undefined) partialLag.push(at - sentAt(end));
    let known = '';
    for (const event of client.events) {
      if (event.type === 'partial' && event.stable > 0) {
        stableTold += 1;
        const told = event.text.slice(0, event.stable);
        if (!told.startsWith(known)) stableChanged += 1;
        known = told;
      } else if (event.type === 'final') {
        if (known !== '' && !event.text.startsWith(known)) stableChanged += 1;
        known = '';
      }
    }
  }
  return {
    firstPartialMs: quantiles(firstPartial),
    partialLagMs: quantiles(partialLag),
    finalLatencyMs: quantiles(finalLatency),
    utterances: finalLatency.length,
    stability: stableTold === 0 ? null : 1 - stableChanged / stableTold,
    stablePartials: stableTold,
    cer: Math.round(rate(counts) * 10_000) / 10_000,
    characters: counts.referenceLength,
    errors,
  };
}
