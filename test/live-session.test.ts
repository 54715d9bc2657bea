import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../src/errors.js';
import { ArrivalClock } from '../src/live/arrivals.js';
import { AudioQueue, MAX_WAITING_MARKERS } from '../src/live/audio-queue.js';
import type {
  LiveCommand,
  SessionEffect,
  SessionEvent,
  SessionInput,
  SessionOptions,
} from '../src/live/contract.js';
import {
  DRAIN_TIMEOUT_MS,
  FINISH_TIMEOUT_MS,
  MAX_INVALID_MESSAGES,
  OPEN_TIMEOUT_MS,
} from '../src/live/limits.js';
import { LiveSession } from '../src/live/session.js';
import { dialogueTurn, parseIntent } from '../src/intents/index.js';
import type { LiveEvent, LiveFeedResult, Segment } from '../src/recognition/contract.js';

const LIMITS = {
  maxBacklogSeconds: 2,
  helloTimeoutMs: 1000,
  idleTimeoutMs: 5000,
  maxSessionSeconds: 60,
  resumeMs: 3000,
};
const OPTIONS: SessionOptions = { encoding: 'pcm_s16le', sampleRate: 16_000, channels: 1, intents: true };
const SECOND = 32_000;

const segment = (id: number, start: number, end: number, text: string): Segment => ({
  id,
  start,
  end,
  text,
  words: [],
  confidence: 0.9,
  avgLogProb: -0.1,
  noSpeechProb: 0.1,
  alternatives: [],
});

/** A session with a clock of its own and everything it ever wanted. */
class Bench {
  now = 0;
  readonly all: SessionEffect[] = [];
  readonly session: LiveSession;

  constructor(limits = LIMITS) {
    this.session = new LiveSession(
      limits,
      (options) => {
        if (options.venue === 'nowhere') throw new MalgwiError('invalid_field', { param: 'venue' });
        return {
          parse: (text, context) => parseIntent(text, context),
          converse: (state, text, context, now) => dialogueTurn(state, text, { ...context, now }),
        };
      },
      0,
    );
  }

  do(input: SessionInput): readonly SessionEffect[] {
    const effects = this.session.handle(input, this.now);
    this.all.push(...effects);
    return effects;
  }

  say(command: LiveCommand): readonly SessionEffect[] {
    return this.do({ type: 'command', command });
  }

  open(options: SessionOptions = OPTIONS): this {
    this.say({ type: 'open', options });
    this.do({ type: 'opened', session: 's', model: 'm' });
    return this;
  }

  audio(bytes: number): readonly SessionEffect[] {
    return this.say({ type: 'audio', bytes: new Uint8Array(bytes) });
  }

  answer(audioSeconds = 0, events: LiveEvent[] = []): readonly SessionEffect[] {
    return this.do({ type: 'recognized', result: { events, audioSeconds, computeMs: 1 } });
  }

  get events(): SessionEvent[] {
    return this.all.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []));
  }

  get codes(): string[] {
    return this.events.flatMap((event) => (event.type === 'error' ? [event.error.code] : []));
  }

  get close(): { code: number; reason: string } | undefined {
    const found = this.all.find((effect) => effect.type === 'close');
    return found === undefined ? undefined : { code: found.code, reason: found.reason };
  }

  get dropped(): { reason: string; seconds: number }[] {
    return this.all.flatMap((effect) =>
      effect.type === 'measure' && effect.measure.name === 'audio_dropped'
        ? [{ reason: effect.measure.reason, seconds: effect.measure.seconds }]
        : [],
    );
  }

  measured(name: string): number[] {
    return this.all.flatMap((effect) =>
      effect.type === 'measure' && effect.measure.name === name && 'seconds' in effect.measure
        ? [effect.measure.seconds]
        : [],
    );
  }
}

const kinds = (effects: readonly SessionEffect[]): string[] => effects.map((effect) => effect.type);

describe('opening', () => {
  it('asks for a stream and says ready', () => {
    const bench = new Bench();
    expect(kinds(bench.say({ type: 'open', options: OPTIONS }))).toEqual(['open']);
    expect(bench.session.state).toBe('opening');
    bench.do({ type: 'opened', session: 's', model: 'm' });
    expect(bench.events).toEqual([{ type: 'ready', session: 's', model: 'm', sampleRate: 16_000 }]);
    expect(bench.session.state).toBe('idle');
  });

  it('closes on audio before the hello', () => {
    const bench = new Bench();
    bench.audio(100);
    expect(bench.codes).toEqual(['hello_required']);
    expect(bench.close).toEqual({ code: 1008, reason: 'hello_required' });
    expect(bench.events.at(-1)).toEqual({
      type: 'closed',
      reason: 'hello_required',
      audioSeconds: 0,
      droppedSeconds: 0,
    });
  });

  it('keeps audio that comes between hello and ready', () => {
    const bench = new Bench();
    bench.say({ type: 'open', options: OPTIONS });
    expect(kinds(bench.audio(1000))).toEqual([]);
    const effects = bench.do({ type: 'opened', session: 's', model: 'm' });
    expect(effects.find((effect) => effect.type === 'feed')).toMatchObject({ bytes: new Uint8Array(1000) });
  });

  it('gives up without a hello, and on a recogniser that does not answer', () => {
    const silent = new Bench();
    expect(silent.session.deadline).toBe(LIMITS.helloTimeoutMs);
    silent.now = silent.session.deadline;
    silent.do({ type: 'tick' });
    expect(silent.close).toEqual({ code: 1008, reason: 'hello_timeout' });

    const stuck = new Bench();
    stuck.say({ type: 'open', options: OPTIONS });
    stuck.now = OPEN_TIMEOUT_MS;
    stuck.do({ type: 'tick' });
    expect(stuck.close).toEqual({ code: 1011, reason: 'timeout' });
  });

  it('refuses a venue that is not there and passes on what the recogniser refuses', () => {
    const nowhere = new Bench();
    nowhere.say({ type: 'open', options: { ...OPTIONS, venue: 'nowhere' } });
    expect(nowhere.close).toEqual({ code: 1008, reason: 'invalid_field' });

    const full = new Bench();
    full.say({ type: 'open', options: OPTIONS });
    full.do({ type: 'failed', error: { code: 'too_many_sessions', message: 'x', retryAfter: 5 } });
    expect(full.events[0]).toMatchObject({ error: { code: 'too_many_sessions', retryAfter: 5 } });
    expect(full.close).toEqual({ code: 1013, reason: 'too_many_sessions' });
  });
});

describe('audio', () => {
  it('is fed one piece at a time, joined while it waits, nothing lost', () => {
    const bench = new Bench().open();
    bench.say({ type: 'audio', bytes: Uint8Array.of(1) });
    for (let value = 2; value <= 5; value += 1) bench.say({ type: 'audio', bytes: Uint8Array.of(value) });
    bench.answer();
    const feeds = bench.all.flatMap((effect) => (effect.type === 'feed' ? [[...effect.bytes]] : []));
    expect(feeds).toEqual([[1], [2, 3, 4, 5]]);
  });

  it('is refused with a code when too much waits; a single large message is not', () => {
    const bench = new Bench().open();
    bench.audio(SECOND * 10);
    expect(bench.codes).toEqual([]);
    bench.audio(SECOND);
    expect(bench.codes).toEqual(['audio_backlog_full']);
    expect(bench.close).toEqual({ code: 1013, reason: 'audio_backlog_full' });
    // What was refused and what was waiting is counted, to the last sample.
    expect(bench.measured('audio_dropped').reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(11);
    expect(bench.dropped).toEqual([
      { reason: 'backlog', seconds: 1 },
      { reason: 'backlog', seconds: 10 },
    ]);
    expect(bench.events.at(-1)).toMatchObject({ type: 'closed', audioSeconds: 0, droppedSeconds: 11 });
  });

  it('frees room as the recogniser works', () => {
    const bench = new Bench().open();
    for (let second = 0; second < 20; second += 1) {
      bench.audio(SECOND);
      bench.answer(second + 1);
    }
    expect(bench.codes).toEqual([]);
    expect(bench.measured('audio_processed').reduce((sum, one) => sum + one, 0)).toBeCloseTo(20);
    expect(bench.measured('audio_received').reduce((sum, one) => sum + one, 0)).toBeCloseTo(20);
  });

  it('keeps flush and finish in their place among the audio', () => {
    const bench = new Bench().open();
    bench.audio(10);
    bench.say({ type: 'flush' });
    bench.say({ type: 'flush' });
    bench.audio(20);
    bench.say({ type: 'finish' });
    for (let i = 0; i < 4; i += 1) bench.answer();
    const work = bench.all.filter((effect) => ['feed', 'flush', 'finish'].includes(effect.type));
    expect(kinds(work)).toEqual(['feed', 'flush', 'feed', 'finish']);
    expect(bench.close).toEqual({ code: 1000, reason: 'finished' });
    expect(bench.events.at(-1)?.type).toBe('closed');
  });

  it('bounds flushes that wait', () => {
    const bench = new Bench().open();
    for (let i = 0; i < MAX_WAITING_MARKERS; i += 1) {
      bench.audio(1);
      bench.say({ type: 'flush' });
    }
    expect(bench.codes).toEqual(['audio_backlog_full']);
  });
});

describe('events', () => {
  const speech: LiveEvent[] = [
    { type: 'speech_start', utterance: 0, time: 0 },
    { type: 'partial', utterance: 0, start: 0, end: 0.5, text: '십칠 번', stable: 0 },
  ];

  it('walks through the states of an utterance', () => {
    const bench = new Bench().open();
    bench.audio(SECOND);
    bench.answer(1, speech);
    expect(bench.session.state).toBe('speech');
    bench.audio(SECOND);
    bench.answer(2, [{ type: 'speech_end', utterance: 0, time: 1.4 }]);
    expect(bench.session.state).toBe('endpointing');
    bench.audio(SECOND);
    bench.answer(3, [{ type: 'final', utterance: 0, segment: segment(0, 0, 1.5, '십칠 번 예약해 줘') }]);
    expect(bench.session.state).toBe('idle');
  });

  describe('a conversation', () => {
    const converse = (bench: Bench, ...texts: string[]) =>
      texts.map((text, i) => {
        const events: LiveEvent[] = [
          { type: 'speech_start', utterance: i, time: i },
          { type: 'final', utterance: i, segment: segment(i, i, i + 1, text) },
        ];
        bench.audio(3200);
        bench.do({ type: 'recognized', result: { events, audioSeconds: i + 1, computeMs: 1 } });
        const last = bench.events.filter((event) => event.type === 'intent' && !event.tentative).at(-1);
        return last?.type === 'intent' ? last.turn : undefined;
      });

    it('asks, confirms, carries out, and forgets after a while', () => {
      const bench = new Bench().open({ ...OPTIONS, dialogue: true });
      const [asked, done] = converse(bench, '자리 반납할게요', '네');
      expect(asked).toMatchObject({ outcome: 'confirming', state: { pending: { intent: 'return' } } });
      expect(asked?.reply).toMatch(/반납/);
      expect(done).toMatchObject({ outcome: 'action', action: { intent: 'return' } });
      converse(bench, '자리 반납할게요');
      bench.now += 31_000;
      const [late] = converse(bench, '네');
      expect(late).toMatchObject({ outcome: 'expired' });
      expect(late?.action).toBeUndefined();
    });

    it('is not moved by noise, and is set and cleared by the app', () => {
      const bench = new Bench().open({ ...OPTIONS, dialogue: true });
      converse(bench, '자리 반납할게요');
      const [noise, done] = converse(bench, '', '네');
      expect(noise).toBeUndefined();
      expect(done).toMatchObject({ outcome: 'action', action: { intent: 'return' } });
      bench.say({
        type: 'dialogue',
        pending: { intent: 'cancel', slots: { seat: '27' }, awaiting: 'confirmation' },
      });
      expect(converse(bench, '네')[0]).toMatchObject({ action: { intent: 'cancel', slots: { seat: '27' } } });
      converse(bench, '자리 반납할게요');
      bench.say({ type: 'dialogue', pending: undefined });
      expect(converse(bench, '네')[0]).toMatchObject({ outcome: 'idle' });
    });

    it('is refused where the session has none', () => {
      const bench = new Bench().open();
      bench.say({ type: 'dialogue', pending: undefined });
      expect(bench.events.at(-1)).toMatchObject({ type: 'error', error: { code: 'invalid_message' } });
      expect(converse(bench, '자리 반납할게요')[0]).toBeUndefined();
    });
  });

  it('tells tentative intents when they change and one final intent', () => {
    const bench = new Bench().open();
    const partial = (end: number, text: string): LiveEvent => ({
      type: 'partial',
      utterance: 0,
      start: 0,
      end,
      text,
      stable: 0,
    });
    const texts = [
      '십칠 번',
      '십칠 번 자리 예약해 줘',
      '십칠 번 자리 예약해 줘',
      '십팔 번 자리 예약해 줘',
      '안녕',
    ];
    bench.audio(SECOND);
    bench.answer(1, [speech[0], ...texts.map((text, index) => partial(index, text))]);
    bench.audio(SECOND);
    bench.answer(2, [
      { type: 'speech_end', utterance: 0, time: 1 },
      { type: 'final', utterance: 0, segment: segment(0, 0, 1, '십칠 번 자리 예약해 줘') },
    ]);
    const intents = bench.events.filter((event) => event.type === 'intent');
    const told = intents.map(({ tentative, result }) => [tentative, result.intent, result.slots.seat]);
    expect(told.filter(([tentative]) => tentative === false)).toEqual([[false, 'reserve', '17']]);
    expect(told.slice(-4)).toEqual([
      [true, 'reserve', '17'],
      [true, 'reserve', '18'],
      [true, 'none', undefined],
      [false, 'reserve', '17'],
    ]);
  });

  it('tells an intent with each eager end, which does not move the conversation', () => {
    const bench = new Bench().open({ ...OPTIONS, dialogue: true });
    const eager: LiveEvent = {
      type: 'eager_end',
      utterance: 0,
      segment: segment(0, 0, 0.8, '자리 반납할게요'),
    };
    bench.audio(SECOND);
    bench.answer(1, [...speech.slice(0, 1), eager]);
    expect(bench.session.state).toBe('endpointing');
    bench.audio(SECOND);
    bench.answer(2, [{ type: 'eager_retracted', utterance: 0, time: 1.1 }]);
    expect(bench.session.state).toBe('speech');
    bench.audio(SECOND);
    bench.answer(3, [
      eager,
      { type: 'speech_end', utterance: 0, time: 2.5 },
      { type: 'final', utterance: 0, segment: segment(0, 0, 2.8, '자리 반납할게요'), eager: 'confirmed' },
    ]);
    const told = bench.events.flatMap((event): unknown[] =>
      event.type === 'intent'
        ? [[event.result.intent, event.tentative, event.eager ?? false, event.turn?.outcome]]
        : event.type.startsWith('eager')
          ? [event.type]
          : event.type === 'final'
            ? [event.eager]
            : [],
    );
    const outcomes = bench.all.flatMap((effect) =>
      effect.type === 'measure' && effect.measure.name === 'eager_end' ? [effect.measure.outcome] : [],
    );
    expect(outcomes).toEqual(['retracted', 'confirmed']);
    expect(told).toEqual([
      'eager_end',
      ['return', true, true, undefined],
      'eager_retracted',
      'eager_end',
      ['return', true, true, undefined],
      'confirmed',
      ['return', false, false, 'confirming'],
    ]);
  });

  it('measures from the moment the sample in question arrived', () => {
    const bench = new Bench().open();
    for (let piece = 0; piece < 20; piece += 1) {
      bench.now = 100 * (piece + 1);
      bench.audio(SECOND / 10);
      if (piece < 19) bench.answer((piece + 1) / 10);
    }
    bench.now = 2600;
    bench.answer(2, [
      { type: 'speech_start', utterance: 0, time: 0.2 },
      { type: 'partial', utterance: 0, start: 0.2, end: 2, text: 'a', stable: 0 },
      { type: 'speech_end', utterance: 0, time: 1.5 },
      { type: 'final', utterance: 0, segment: segment(0, 0.2, 1.7, 'a') },
    ]);
    // The utterance starts its 0.3 s of padding before the first speech, which so began at 0.5 s.
    expect(bench.measured('first_partial')).toEqual([2.1]);
    expect(bench.measured('partial_lag')).toEqual([0.6]);
    expect(bench.measured('final_latency')).toEqual([1.1]);
  });
});

describe('endings', () => {
  it('an idle session ends after its last words', () => {
    const bench = new Bench().open();
    bench.audio(SECOND);
    bench.answer(1, [{ type: 'speech_start', utterance: 0, time: 0.1 }]);
    bench.now = LIMITS.idleTimeoutMs;
    bench.do({ type: 'tick' });
    expect(bench.codes).toEqual(['session_idle']);
    expect(bench.close).toBeUndefined();
    bench.answer(1, [
      { type: 'speech_end', utterance: 0, time: 1 },
      { type: 'final', utterance: 0, segment: segment(0, 0.1, 1, '네') },
    ]);
    expect(bench.events.map((event) => event.type).slice(-3)).toEqual(['final', 'intent', 'closed']);
    expect(bench.close).toEqual({ code: 1011, reason: 'session_idle' });
  });

  it('a ping keeps a session, audio does not stretch its longest time', () => {
    const bench = new Bench().open();
    for (bench.now = 0; bench.now < 60_000; bench.now += 4000) {
      bench.do({ type: 'tick' });
      bench.say({ type: 'ping' });
    }
    expect(bench.close).toBeUndefined();
    bench.now = 60_000;
    bench.do({ type: 'tick' });
    bench.answer();
    expect(bench.close).toEqual({ code: 1008, reason: 'session_too_long' });
  });

  it('a drain ends with 1012, at the latest when its time is over', () => {
    const bench = new Bench().open();
    bench.audio(SECOND);
    bench.do({ type: 'drain' });
    bench.do({ type: 'drain' });
    expect(bench.codes).toEqual(['shutting_down']);
    bench.now = DRAIN_TIMEOUT_MS;
    bench.do({ type: 'tick' });
    expect(bench.close).toEqual({ code: 1012, reason: 'shutting_down' });
    expect(bench.measured('audio_dropped')).toEqual([1]);
  });

  describe('of sessions that were told an eager end', () => {
    const early: LiveEvent[] = [
      { type: 'speech_start', utterance: 0, time: 0 },
      { type: 'eager_end', utterance: 0, segment: segment(0, 0, 0.8, '자리 반납할게요') },
    ];
    const told = (options: Partial<SessionOptions> = {}): Bench => {
      const bench = new Bench().open({ ...OPTIONS, intents: false, ...options });
      bench.audio(SECOND);
      bench.answer(1, early);
      return bench;
    };
    const kinds = (bench: Bench): string[] => bench.events.map(({ type }) => type).slice(3);

    it('retract it before an error, as nothing is heard any more', () => {
      const bench = told();
      bench.do({ type: 'failed', error: { code: 'worker_crashed', message: 'x' } });
      expect(kinds(bench)).toEqual(['acknowledged', 'eager_retracted', 'error', 'closed']);
      expect(bench.events.find(({ type }) => type === 'eager_retracted')).toMatchObject({
        utterance: 0,
        time: 0.8,
      });
    });

    it('retract it when the client goes on elsewhere', () => {
      const bench = told({ resumable: true });
      bench.do({ type: 'drain' });
      expect(kinds(bench)).toEqual(['acknowledged', 'acknowledged', 'eager_retracted', 'error', 'closed']);
    });

    it('retract it when the last words do not come in time', () => {
      const bench = told();
      bench.do({ type: 'drain' });
      bench.now = DRAIN_TIMEOUT_MS;
      bench.do({ type: 'tick' });
      expect(kinds(bench)).toEqual(['acknowledged', 'error', 'eager_retracted', 'closed']);
    });

    it('and the final confirms it when they do', () => {
      const bench = told();
      bench.do({ type: 'drain' });
      bench.answer(1, [
        { type: 'speech_end', utterance: 0, time: 0.7 },
        { type: 'final', utterance: 0, segment: segment(0, 0, 1, '자리 반납할게요'), eager: 'confirmed' },
      ]);
      expect(kinds(bench)).toEqual(['acknowledged', 'error', 'speech_end', 'final', 'closed']);
    });

    it('keep it while nobody is connected', () => {
      const bench = told({ resumable: true });
      bench.do({ type: 'detached' });
      expect(kinds(bench)).toEqual(['acknowledged']);
      bench.do({ type: 'attached' });
      bench.audio(SECOND);
      bench.answer(2, [{ type: 'eager_retracted', utterance: 0, time: 1.1 }]);
      expect(kinds(bench)).toEqual(['acknowledged', 'eager_retracted', 'acknowledged']);
    });
  });

  it('a recogniser that hangs at the end is given up', () => {
    const bench = new Bench().open();
    bench.say({ type: 'finish' });
    bench.now = FINISH_TIMEOUT_MS;
    bench.do({ type: 'tick' });
    expect(bench.close).toEqual({ code: 1011, reason: 'timeout' });
  });

  it('a crash of the worker is told and closes', () => {
    const bench = new Bench().open();
    bench.audio(SECOND);
    bench.do({ type: 'failed', error: { code: 'worker_crashed', message: 'x' } });
    expect(bench.close).toEqual({ code: 1011, reason: 'worker_crashed' });
    expect(kinds(bench.all).at(-1)).toBe('release');
    expect(bench.measured('audio_dropped')).toEqual([1]);
  });

  it('forgives some nonsense, then closes', () => {
    const bench = new Bench().open();
    const error = { code: 'invalid_message', message: 'x' } as const;
    for (let i = 0; i < MAX_INVALID_MESSAGES; i += 1) bench.say({ type: 'invalid', error });
    expect(bench.close).toBeUndefined();
    bench.say({ type: 'invalid', error });
    expect(bench.close).toEqual({ code: 1008, reason: 'invalid_message' });
    expect(bench.codes).toHaveLength(MAX_INVALID_MESSAGES + 1);
  });
});

/** A recogniser that hears an utterance in every second of audio it is given, and answers in its own time. */
class Speaker {
  private heard = 0;
  private utterance = -1;
  private open = false;
  private early = false;

  constructor(private readonly bench: Bench) {}

  answer(kind: 'feed' | 'flush' | 'finish', bytes: number): void {
    this.heard += bytes / SECOND;
    const events: LiveEvent[] = [];
    if (kind === 'feed' && !this.open && bytes > 0) {
      this.open = true;
      this.utterance += 1;
      events.push({ type: 'speech_start', utterance: this.utterance, time: this.heard });
    } else if (kind === 'feed' && this.early && this.heard % 1 < 0.4) {
      this.early = false;
      events.push({ type: 'eager_retracted', utterance: this.utterance, time: this.heard });
    } else if (kind === 'feed' && !this.early && this.heard % 1 < 0.3) {
      this.early = true;
      const told = segment(this.utterance, 0, this.heard, '삼번 예약');
      events.push({ type: 'eager_end', utterance: this.utterance, segment: told });
    } else if (kind === 'feed' && this.heard % 1 < 0.6) {
      events.push({
        type: 'partial',
        utterance: this.utterance,
        start: 0,
        end: this.heard,
        text: '삼번 예약',
        stable: 0,
      });
    } else if (this.open) {
      this.open = false;
      const confirmed = this.early;
      this.early = false;
      events.push(
        { type: 'speech_end', utterance: this.utterance, time: this.heard },
        {
          type: 'final',
          utterance: this.utterance,
          segment: segment(this.utterance, 0, this.heard, '삼번 예약'),
          ...(confirmed ? { eager: 'confirmed' } : {}),
        },
      );
    }
    const result: LiveFeedResult = { events, audioSeconds: this.heard, computeMs: 1 };
    this.bench.do({ type: 'recognized', result });
  }
}

const command: fc.Arbitrary<LiveCommand> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.nat(SECOND).map((length) => ({ type: 'audio' as const, bytes: new Uint8Array(length) })),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'open' as const, options: OPTIONS }) },
  { weight: 1, arbitrary: fc.constantFrom({ type: 'flush' as const }, { type: 'finish' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'ping' as const }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      type: 'invalid' as const,
      error: { code: 'invalid_json' as const, message: '' },
    }),
  },
);
const step = fc.oneof(
  { weight: 8, arbitrary: command.map((one) => ({ type: 'command' as const, command: one })) },
  { weight: 8, arbitrary: fc.constant({ type: 'work' as const }) },
  { weight: 2, arbitrary: fc.nat(3000).map((ms) => ({ type: 'wait' as const, ms })) },
  { weight: 1, arbitrary: fc.constant({ type: 'drain' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'slow_reader' as const }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      type: 'failed' as const,
      error: { code: 'worker_crashed' as const, message: '' },
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'disconnected' as const }) },
);

describe('audio that is in no result', () => {
  const speaking = (): Bench => {
    const bench = new Bench().open();
    bench.audio(SECOND);
    bench.answer(1, [{ type: 'speech_start', utterance: 0, time: 0.25 }]);
    bench.audio(SECOND);
    bench.answer(2, [{ type: 'partial', utterance: 0, start: 0.25, end: 2, text: '십칠 번', stable: 0 }]);
    bench.audio(SECOND / 2);
    bench.audio(SECOND / 4);
    return bench;
  };

  it.each([
    ['worker_crashed', { type: 'failed', error: { code: 'worker_crashed', message: '' } }, 'worker_crashed'],
    ['inference_failed', { type: 'failed', error: { code: 'inference_failed', message: '' } }, 'failed'],
    ['audio_corrupt', { type: 'failed', error: { code: 'audio_corrupt', message: '' } }, 'refused'],
    ['slow_reader', { type: 'slow_reader' }, 'slow_reader'],
  ] as const)('is counted and told after %s, the unfinished utterance too', (code, input, reason) => {
    const bench = speaking();
    bench.do(input);
    expect(bench.codes).toEqual([code]);
    // What waited, and what was spoken without becoming final; the quarter of a second before it was silence.
    expect(bench.dropped).toEqual([
      { reason, seconds: 0.75 },
      { reason, seconds: 1.75 },
    ]);
    expect(bench.measured('audio_processed')).toEqual([0.25]);
    expect(bench.events.at(-1)).toMatchObject({ type: 'closed', audioSeconds: 2, droppedSeconds: 2.5 });
  });

  it('is counted when the client leaves, and when a session is handed over', () => {
    const left = speaking();
    left.do({ type: 'disconnected' });
    expect(left.dropped.map(({ reason }) => reason)).toEqual(['disconnected', 'disconnected']);
    const bench = new Bench().open({ ...OPTIONS, resumable: true });
    bench.audio(SECOND);
    bench.answer(1, [{ type: 'speech_start', utterance: 0, time: 0.25 }]);
    bench.do({ type: 'drain' });
    expect(bench.dropped).toEqual([{ reason: 'handed_over', seconds: 0.75 }]);
  });

  it('is what came behind a hello that was refused', () => {
    const bench = new Bench();
    bench.say({ type: 'open', options: OPTIONS });
    bench.audio(SECOND);
    bench.do({ type: 'failed', error: { code: 'overloaded', message: '', retryAfter: 3 } });
    expect(bench.dropped).toEqual([{ reason: 'refused', seconds: 1 }]);
    expect(bench.events.at(-1)).toMatchObject({ type: 'closed', audioSeconds: 0, droppedSeconds: 1 });
  });

  it('is nothing in a session that ends well', () => {
    const bench = speaking();
    bench.answer(2.5);
    bench.answer(2.75);
    bench.say({ type: 'finish' });
    const final: LiveEvent = { type: 'final', utterance: 0, segment: segment(0, 0.25, 2.75, '십칠 번 예약') };
    bench.answer(2.75, [{ type: 'speech_end', utterance: 0, time: 2.5 }, final]);
    expect(bench.dropped).toEqual([]);
    expect(bench.measured('audio_processed').reduce((sum, one) => sum + one, 0)).toBe(2.75);
    expect(bench.events.at(-1)).toMatchObject({ type: 'closed', reason: 'finished', droppedSeconds: 0 });
  });
});

describe('any order of anything', () => {
  it('keeps one call at a time, one final for each utterance, eager ends settled, closed last, and every second accounted for', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (hello, steps) => {
        const bench = new Bench();
        const speaker = new Speaker(bench);
        let accepted = 0;
        let next = 0;
        const asked: { kind: 'open' | 'feed' | 'flush' | 'finish'; bytes: number }[] = [];
        const collect = (): void => {
          for (; next < bench.all.length; next += 1) {
            const effect = bench.all[next];
            if (effect.type === 'open' || effect.type === 'flush' || effect.type === 'finish') {
              asked.push({ kind: effect.type, bytes: 0 });
            } else if (effect.type === 'feed') asked.push({ kind: 'feed', bytes: effect.bytes.length });
          }
          expect(asked.length).toBeLessThanOrEqual(1);
        };
        if (hello) bench.say({ type: 'open', options: OPTIONS });
        for (const one of steps) {
          collect();
          if (one.type === 'wait') {
            bench.now += one.ms;
            bench.do({ type: 'tick' });
          } else if (one.type === 'work') {
            const work = asked.shift();
            if (work?.kind === 'open') bench.do({ type: 'opened', session: 's', model: 'm' });
            else if (work !== undefined && bench.session.state !== 'closed')
              speaker.answer(work.kind, work.bytes);
          } else {
            const open = bench.session.state !== 'closed' && bench.session.state !== 'waiting';
            if (one.type === 'command' && one.command.type === 'audio' && open)
              accepted += one.command.bytes.length;
            bench.do(one);
          }
        }
        collect();
        bench.do({ type: 'disconnected' });

        const finals = bench.events.flatMap((event) => (event.type === 'final' ? [event.utterance] : []));
        const final = bench.events.flatMap((event) =>
          event.type === 'intent' && !event.tentative ? [event.utterance] : [],
        );
        expect(new Set(finals).size).toBe(finals.length);
        expect(final).toEqual(finals);
        let early = false;
        for (const { type } of bench.events) {
          if (type === 'eager_end') expect(early).toBe(false);
          if (type === 'eager_retracted') expect(early).toBe(true);
          if (type === 'eager_end') early = true;
          else if (type === 'eager_retracted' || type === 'final') early = false;
        }
        // A client that is gone can be told nothing.
        if (bench.events.at(-1)?.type === 'closed') expect(early).toBe(false);
        const closed = bench.events.findIndex((event) => event.type === 'closed');
        if (closed >= 0) expect(closed).toBe(bench.events.length - 1);
        expect(bench.all.filter((effect) => effect.type === 'release')).toHaveLength(1);
        expect(bench.session.deadline).toBe(Infinity);
        const dropped = bench.dropped.reduce((sum, { seconds }) => sum + seconds, 0);
        const last = bench.events[closed];
        if (last?.type === 'closed') expect(last.droppedSeconds).toBeCloseTo(dropped, 6);
        const seconds = [...bench.measured('audio_processed'), ...bench.measured('audio_dropped')];
        expect(seconds.reduce((sum, value) => sum + value, 0)).toBeCloseTo(accepted / SECOND, 5);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the audio queue', () => {
  it('gives back every byte in order, however it came and is taken', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 40 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 20_000 }), fc.boolean(), (chunks, most, early) => {
        const queue = new AudioQueue();
        const taken: number[] = [];
        const take = (): void => {
          const item = queue.shift(most);
          if (item?.type === 'audio') for (const byte of item.bytes) taken.push(byte);
        };
        for (const chunk of chunks) {
          queue.push(chunk);
          if (early) take();
        }
        while (!queue.empty) take();
        expect(taken).toEqual(chunks.flatMap((chunk) => [...chunk]));
        expect(queue.bytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('does not hold the messages it copied', () => {
    const queue = new AudioQueue();
    const bytes = Uint8Array.of(1, 2, 3);
    queue.push(bytes);
    bytes.fill(9);
    expect(queue.shift(10)).toEqual({ type: 'audio', bytes: Uint8Array.of(1, 2, 3) });
  });
});

describe('the arrival clock', () => {
  it('tells when a moment arrived, within its resolution, and forgets what is long past', () => {
    const clock = new ArrivalClock();
    expect(clock.at(1)).toBeUndefined();
    for (let ms = 10; ms <= 400_000; ms += 10) clock.mark(ms / 1000, ms + 5);
    for (const seconds of [399.9, 350, 300.123]) {
      const at = clock.at(seconds)!;
      expect(at - seconds * 1000).toBeGreaterThanOrEqual(0);
      expect(at - seconds * 1000).toBeLessThan(40);
    }
    expect(clock.at(1000)).toBe(400_005);
    expect(clock.at(1)).toBeGreaterThan(100_000);
  });
});
