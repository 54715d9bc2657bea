/** Admission over a machine that is only simulated: threads, sessions that speak or are silent, and a clock. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import { AdmissionController, type AdmissionLimits, type Ticket } from './controller.js';
import { JITTER, JITTER_SECONDS, RetryTimes } from './retry.js';

const LIMITS: AdmissionLimits = {
  maxSessions: 1000,
  maxSessionsPerKey: Infinity,
  measured: true,
  headroom: 0.25,
  maxLagMs: 500,
};
const TICK_MS = 100;

interface Session {
  readonly ticket: Ticket;
  /** Thread seconds for a second of its audio. */
  cost: number;
  /** How much faster than real time it sends. */
  speed: number;
  sent: number;
  done: number;
  asked: boolean;
}

class Machine {
  now = 1000;
  busySeconds = 0;
  /** Thread seconds that other work takes away in each second. */
  stolen = 0;
  hanging = false;
  readonly sessions: Session[] = [];
  /** Whose turn it is. */
  #turn = 0;
  readonly admission: AdmissionController;

  constructor(
    limits: Partial<AdmissionLimits> = {},
    readonly threads = 2,
    readonly trialCost: number | undefined = 0.03,
  ) {
    const work = () => ({ threads, busySeconds: this.busySeconds, trialCost });
    this.admission = new AdmissionController(
      { ...LIMITS, ...limits },
      work,
      this.now,
      new RetryTimes(() => 0.5),
    );
  }

  get state() {
    return this.admission.state(this.now);
  }

  /** @returns the session, or why not */
  connect(cost = 0.03, { key = 'key', speed = 1 } = {}): Session | MalgwiError {
    try {
      const ticket = this.admission.admit(key, this.now);
      const session = { ticket, cost, speed, sent: 0, done: 0, asked: false };
      this.sessions.push(session);
      return session;
    } catch (error) {
      return error as MalgwiError;
    }
  }

  /** @returns how many were let in */
  connectMany(count: number, cost?: number): number {
    return Array.from({ length: count }, () => this.connect(cost)).filter(
      (one) => !(one instanceof MalgwiError),
    ).length;
  }

  leave(session: Session): void {
    session.ticket.release(this.now);
    this.sessions.splice(this.sessions.indexOf(session), 1);
  }

  /** Each session sends; the threads work through what waits, everyone in turn, as long as the time lasts. */
  run(seconds: number): this {
    for (let tick = 0; tick < (seconds * 1000) / TICK_MS; tick += 1) {
      for (const session of this.sessions) {
        session.sent += (session.speed * TICK_MS) / 1000;
        if (!session.asked) session.ticket.asked(this.now);
        session.asked = true;
      }
      this.now += TICK_MS;
      let left = this.hanging ? 0 : ((this.threads - this.stolen) * TICK_MS) / 1000;
      for (let served = 0; served < this.sessions.length; served += 1) {
        const session = this.sessions[this.#turn % this.sessions.length];
        const work = (session.sent - session.done) * session.cost;
        if (left <= 0) break;
        const spent = Math.min(work, left);
        left -= spent;
        this.busySeconds += spent;
        session.done += session.cost === 0 ? session.sent - session.done : spent / session.cost;
        session.ticket.answered(session.done, this.now);
        session.asked = false;
        this.#turn += 1;
      }
    }
    return this;
  }

  /** Seconds of audio that wait, of the session that is worst off. */
  get backlog(): number {
    return Math.max(0, ...this.sessions.map(({ sent, done }) => sent - done));
  }
}

const refused = (value: Session | MalgwiError): MalgwiError => {
  if (!(value instanceof MalgwiError)) throw new Error('it was let in');
  return value;
};
const admitted = (value: Session | MalgwiError): Session => {
  if (value instanceof MalgwiError) throw value;
  return value;
};

describe('capacity', () => {
  it('of many who come at once, lets in as many as speak in what the headroom leaves', () => {
    const machine = new Machine();
    // 2 threads, three quarters of them, at 0.03 each.
    expect(machine.connectMany(200)).toBe(50);
    machine.run(20);
    expect(machine.backlog).toBeLessThan(0.2);
    expect(machine.connectMany(100)).toBe(0);
    expect(machine.state).toMatchObject({ sessions: 50, capacity: 50 });
    expect(machine.state.load).toBeGreaterThan(0.7);
  });

  it('corrects a trial that promised too much before the machine is full', () => {
    const machine = new Machine({}, 2, 0.01);
    for (let second = 0; second < 60; second += 1) {
      machine.connectMany(3, 0.05);
      machine.run(1);
    }
    // 2 threads at 0.05 carry 40 who speak without a pause; 30 leave the headroom.
    expect(machine.sessions.length).toBeLessThanOrEqual(36);
    expect(machine.sessions.length).toBeGreaterThanOrEqual(28);
    expect(machine.backlog).toBeLessThan(0.5);
  });

  it('corrects a trial that promised too little', () => {
    const machine = new Machine({}, 2, 0.06);
    expect(machine.connectMany(100, 0.02)).toBe(25);
    for (let second = 0; second < 300; second += 1) {
      machine.connectMany(3, 0.02);
      machine.run(1);
    }
    expect(machine.sessions.length).toBeGreaterThan(60);
    expect(machine.sessions.length).toBeLessThanOrEqual(75);
  });

  it('lets more in where people are silent, but not as if they would never speak', () => {
    const machine = new Machine();
    machine.connectMany(50);
    machine.run(30);
    for (const session of machine.sessions) session.cost = 0.002;
    for (let second = 0; second < 30; second += 1) machine.run(1).connectMany(10, 0.002);
    expect(machine.sessions.length).toBeGreaterThan(100);
    // While it is known what speech costs, a fifth of them may begin to speak.
    expect(machine.sessions.length * 0.2 * 0.03).toBeLessThanOrEqual(1.5);
    for (let second = 0; second < 600; second += 1) machine.run(1).connectMany(10, 0.0001);
    // After a long silence too there is a bound: a quarter of what the trial cost.
    expect(machine.sessions.length * 0.2 * 0.03 * 0.25).toBeLessThanOrEqual(1.5);
    expect(machine.sessions.length).toBeGreaterThan(500);
  });

  it('reserves for those who have just come and not spoken yet', () => {
    const machine = new Machine();
    expect(machine.connectMany(40, 0)).toBe(40);
    machine.run(1);
    expect(machine.connectMany(40, 0)).toBeLessThan(15);
    machine.run(60);
    expect(machine.connectMany(40, 0)).toBeGreaterThan(20);
  });

  it('gives back the reservation of one that leaves at once', () => {
    const machine = new Machine();
    for (let i = 0; i < 500; i += 1) machine.leave(admitted(machine.connect()));
    expect(machine.connectMany(200)).toBe(50);
  });

  it('does not take a file that is sent faster than it plays for a load of its own', () => {
    const machine = new Machine({}, 1);
    admitted(machine.connect(0.03, { speed: 60 }));
    machine.run(20);
    expect(machine.state.load).toBeLessThan(0.15);
    expect(machine.connect()).not.toBeInstanceOf(MalgwiError);
  });

  it('takes one stream on each thread, however slow the model is', () => {
    const machine = new Machine({}, 2, 3);
    expect(machine.connectMany(10, 0.9)).toBe(2);
    machine.run(30);
    expect(machine.connectMany(10, 0.9)).toBe(0);
  });

  it('counts numbers only where it is told to', () => {
    expect(new Machine({ measured: false, maxSessions: 300 }).connectMany(400)).toBe(300);
  });
});

describe('lag', () => {
  it('lets nobody in while audio waits, and goes on afterwards', () => {
    const machine = new Machine();
    machine.connectMany(10);
    machine.run(10);
    machine.stolen = 1.9;
    machine.run(10);
    expect(machine.state.lagSeconds).toBeGreaterThan(0.5);
    const error = refused(machine.connect());
    expect(error.code).toBe('overloaded');
    expect(error.retryAfter).toBeGreaterThanOrEqual(5);
    expect(machine.state.capacity).toBe(10);
    machine.stolen = 0;
    machine.run(20);
    admitted(machine.connect());
  });

  it('sees threads that hang before they answer', () => {
    const machine = new Machine();
    machine.connectMany(4);
    machine.run(5);
    machine.hanging = true;
    machine.run(3);
    expect(refused(machine.connect()).code).toBe('overloaded');
  });

  it('is forgotten when all have left', () => {
    const machine = new Machine();
    machine.connectMany(10);
    machine.stolen = 2;
    machine.run(10);
    for (const session of [...machine.sessions]) machine.leave(session);
    machine.now += 30_000;
    machine.stolen = 0;
    admitted(machine.connect());
  });
});

describe('limits', () => {
  it('counts the sessions of each key, and frees a place when one ends', () => {
    const machine = new Machine({ maxSessionsPerKey: 2, maxSessions: 3 });
    const first = admitted(machine.connect(0.03, { key: 'a' }));
    admitted(machine.connect(0.03, { key: 'a' }));
    expect(refused(machine.connect(0.03, { key: 'a' })).code).toBe('too_many_sessions_for_key');
    admitted(machine.connect(0.03, { key: 'b' }));
    expect(refused(machine.connect(0.03, { key: 'b' })).code).toBe('too_many_sessions');
    machine.leave(first);
    // Twice is once.
    first.ticket.release(machine.now);
    admitted(machine.connect(0.03, { key: 'a' }));
    expect(refused(machine.connect(0.03, { key: 'a' })).code).toBe('too_many_sessions_for_key');
    expect(machine.state).toMatchObject({ sessions: 3, capacity: 3 });
  });

  it('never lets more in than it says, and forgets everything in the end', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('connect' as const), key: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ type: fc.constant('leave' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('run' as const), seconds: fc.integer({ min: 0, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const machine = new Machine({ maxSessions: 8, maxSessionsPerKey: 3, headroom: 0.9 }, 2, 0.02);
        for (const one of steps) {
          if (one.type === 'connect') {
            const { capacity, sessions } = machine.state;
            const result = machine.connect(0.02, { key: String(one.key) });
            if (!(result instanceof MalgwiError)) expect(sessions).toBeLessThan(capacity);
            else if (result.code !== 'too_many_sessions_for_key') expect(sessions).toBe(capacity);
          } else if (one.type === 'leave' && machine.sessions.length > 0) {
            machine.leave(machine.sessions[one.which % machine.sessions.length]);
          } else if (one.type === 'run') machine.run(one.seconds);
          expect(machine.state.sessions).toBe(machine.sessions.length);
          expect(machine.sessions.length).toBeLessThanOrEqual(8);
        }
        for (const session of [...machine.sessions]) machine.leave(session);
        machine.now += 300_000;
        expect(machine.state).toMatchObject({ sessions: 0, load: expect.closeTo(0, 3) });
      }),
      { numRuns: 100 },
    );
  });
});

describe('the time to come again', () => {
  it('is when the reservations have faded, where these are the cause', () => {
    const machine = new Machine();
    machine.connectMany(50, 0.002);
    const wait = refused(machine.connect()).retryAfter!;
    machine.run(wait);
    admitted(machine.connect());
  });

  it('is spread over those who were refused, in the measure in which sessions end', () => {
    const machine = new Machine({ maxSessions: 10, measured: false });
    machine.connectMany(10);
    const waits = Array.from({ length: 15 }, () => refused(machine.connect()).retryAfter!);
    for (let i = 1; i < waits.length; i += 1) expect(waits[i]).toBeGreaterThanOrEqual(waits[i - 1]);
    // Sessions of half a minute, ten of them: one ends every three seconds.
    expect(waits[0]).toBeLessThanOrEqual(5);
    expect(waits.at(-1)).toBeGreaterThan(40);
    machine.run(120);
    expect(refused(machine.connect()).retryAfter).toBeLessThanOrEqual(5);
  });

  it('is a whole number of seconds from 1 to 78, whatever happens, with its jitter inside its bounds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (seconds, random) => {
          const wait = new RetryTimes(() => random).after(seconds);
          const bare = Math.min(60, Math.max(1, seconds));
          expect(Number.isInteger(wait)).toBe(true);
          expect(wait).toBeGreaterThanOrEqual(bare);
          expect(wait).toBeLessThanOrEqual(Math.ceil(bare + Math.max(JITTER * bare, JITTER_SECONDS)));
        },
      ),
    );
  });

  it('does not send those who were refused together back together', () => {
    const retry = new RetryTimes();
    const waits = new Set(Array.from({ length: 200 }, () => retry.after(20)));
    expect(waits.size).toBeGreaterThan(4);
  });
});
