import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type {
  LiveEvent,
  LiveFeedResult,
  LiveOptions,
  LiveStream,
  Recognizer,
} from '../../recognition/contract.js';
import { LiveTranscriber } from './live.js';

const clip = fileURLToPath(new URL('../../../test-audio/reserve-a3.wav', import.meta.url));

const partial = (text: string, stable: number): LiveEvent => ({
  type: 'partial',
  utterance: 0,
  start: 0,
  end: 1,
  text,
  stable,
});
const final = (text: string): LiveEvent => ({
  type: 'final',
  utterance: 0,
  segment: {
    id: 0,
    start: 0,
    end: 1,
    text,
    words: [],
    confidence: 1,
    avgLogProb: 0,
    noSpeechProb: 0,
    alternatives: [],
  },
});
const start: LiveEvent = { type: 'speech_start', utterance: 0, time: 0 };

/** Streams that say what they are told, one list of events for each feed, and the rest at the end. */
function scripted(lists: readonly (readonly LiveEvent[])[]): {
  recognizer: Recognizer;
  opened: LiveOptions[];
  bytes: number[];
  closed: () => number;
} {
  const opened: LiveOptions[] = [];
  const bytes: number[] = [];
  let closed = 0;
  const openStream = (options: LiveOptions): Promise<LiveStream> => {
    opened.push(options);
    const rest = [...lists];
    const result = (events: readonly LiveEvent[]): Promise<LiveFeedResult> =>
      Promise.resolve({ events, audioSeconds: 0, computeMs: 2 });
    return Promise.resolve({
      model: 'scripted',
      feed: (piece: Uint8Array) => {
        bytes.push(piece.length);
        return result(rest.shift() ?? []);
      },
      flush: () => result([]),
      finish: () => result(rest.flat()),
      close: () => void (closed += 1),
    });
  };
  return { recognizer: { openStream } as unknown as Recognizer, opened, bytes, closed: () => closed };
}

describe('LiveTranscriber', () => {
  const signal = new AbortController().signal;

  it('plays a recording piece by piece, and joins the finals that say something', async () => {
    const { recognizer, opened, bytes, closed } = scripted([
      [start, final('에이 삼')],
      [final('')],
      [final('예약')],
    ]);
    const live = new LiveTranscriber(recognizer, { signal, secondPass: true });
    const { text, duration } = await live.transcribe(clip);
    expect(text).toBe('에이 삼 예약');
    expect(opened).toEqual([{ encoding: 'pcm_f32le', sampleRate: 16_000, channels: 1, secondPass: true }]);
    expect(Math.max(...bytes)).toBe(1600 * 4);
    expect(bytes.reduce((sum, count) => sum + count, 0)).toBe(Math.round(duration * 16_000) * 4);
    expect(closed()).toBe(1);
    expect(live.totals.realTimeFactor).toBeCloseTo((2 * (bytes.length + 1)) / 1000 / duration, 6);
  });

  it('counts what was called stable, and the utterances in which that was not so', async () => {
    const { recognizer } = scripted([
      [start, partial('에이 삼', 2), partial('에이 사 자리', 4), final('에이 사 자리')],
      [start, partial('둘', 0), partial('하나 둘', 2), partial('하난 셋', 0), final('하나 셋')],
      [start, partial('다 시', 1), final('나 시')],
    ]);
    const live = new LiveTranscriber(recognizer, { signal });
    await live.transcribe(clip);
    const characters = 4 + 7 + 1 + 4 + 4 + 3;
    expect(live.totals).toMatchObject({
      partials: 6,
      changedStable: 2,
      stableShare: (2 + 4 + 2 + 1) / characters,
    });
  });

  it('stops when it is told to, and closes the stream', async () => {
    const { recognizer, closed } = scripted([]);
    const live = new LiveTranscriber(recognizer, { signal: AbortSignal.abort() });
    await expect(live.transcribe(clip)).rejects.toThrow();
    expect(closed()).toBe(1);
    expect(live.totals).toEqual({ realTimeFactor: null, partials: 0, stableShare: null, changedStable: 0 });
  });
});
