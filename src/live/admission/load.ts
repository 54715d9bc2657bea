/** How much of the worker threads live sessions need, from what they were seen to take. Times in milliseconds of any clock. */

/** What the recogniser tells of its threads. */
export interface LiveWork {
  readonly threads: number;
  /** Spent on live streams by all threads together, since any moment. */
  readonly busySeconds: number;
  /** Thread seconds for a second of speech, tried out at the start. */
  readonly trialCost: number | undefined;
}

/** Where no trial was made: an acoustic model that is rather slow. */
const UNKNOWN_COST = 0.1;
/** Nothing is measured over less: a single call would look like a load. */
const SHORTEST_MS = 250;
/** Averages of load and lag follow a change with this time constant. */
const LOAD_MS = 5000;
const LAG_MS = 2000;
/** The average cost of a second forgets what lies so many seconds of audio back. */
const COST_AUDIO_SECONDS = 20;
/** The cost may fall, but slowly: silence is cheap, and says nothing about speech. */
const COST_RELEASE_MS = 60_000;
/** Nor does it fall below this share of what speech cost in the trial, however long nobody speaks. */
const LEAST_OF_TRIAL = 0.25;
/** Audio is counted up to its own length, and what may have waited: who sends a file faster than it plays could do with less. */
const BURST_SECONDS = 2;

/** The audio of one session, as far as it is owed in real time. */
export class StreamAccount {
  #allowance = BURST_SECONDS;
  #at: number;
  #audioSeconds = 0;
  /** When the call under way was made. */
  asked: number | undefined;

  constructor(now: number) {
    this.#at = now;
  }

  /** @returns what came since the last time, and how much of it real time would have brought */
  took(audioSeconds: number, now: number): { readonly all: number; readonly inTime: number } {
    const all = Math.max(0, audioSeconds - this.#audioSeconds);
    this.#audioSeconds += all;
    this.#allowance = Math.min(BURST_SECONDS, this.#allowance + (now - this.#at) / 1000);
    this.#at = now;
    const inTime = Math.min(all, this.#allowance);
    this.#allowance -= inTime;
    return { all, inTime };
  }
}

export class LiveLoad {
  readonly #open = new Set<StreamAccount>();
  #at: number;
  #busySeconds: number;
  /** Since the last measurement. */
  #audio = { all: 0, inTime: 0 };
  #waits = { sum: 0, count: 0 };
  #load = 0;
  #lagMs = 0;
  /** Of the cost; both begin at that of the trial. */
  #average: number | undefined;
  #highest: number | undefined;

  constructor(
    private readonly work: () => LiveWork,
    now: number,
  ) {
    this.#at = now;
    this.#busySeconds = work().busySeconds;
  }

  open(now: number): StreamAccount {
    const account = new StreamAccount(now);
    this.#open.add(account);
    return account;
  }

  close(account: StreamAccount): void {
    this.#open.delete(account);
  }

  asked(account: StreamAccount, now: number): void {
    account.asked = now;
  }

  /** @param audioSeconds recognised in this session so far; undefined when the call failed */
  answered(account: StreamAccount, audioSeconds: number | undefined, now: number): void {
    if (account.asked !== undefined) {
      this.#waits.sum += now - account.asked;
      this.#waits.count += 1;
    }
    account.asked = undefined;
    if (audioSeconds === undefined) return;
    const { all, inTime } = account.took(audioSeconds, now);
    this.#audio.all += all;
    this.#audio.inTime += inTime;
    this.measure(now);
  }

  /** Share of all threads (0..1) that the open sessions take for audio in real time. */
  get load(): number {
    return this.#load;
  }

  /** Milliseconds from a piece of audio to what was recognised in it, the average of the last seconds. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** Thread seconds for a second of audio: the highest average of the last minutes. */
  get cost(): number {
    const trial = this.#trial;
    return Math.max(this.#average ?? trial, this.#highest ?? trial, LEAST_OF_TRIAL * trial);
  }

  get #trial(): number {
    return this.work().trialCost ?? UNKNOWN_COST;
  }

  /** Of all threads, what one more stream in real time takes. */
  get share(): number {
    return this.cost / Math.max(1, this.work().threads);
  }

  measure(now: number): void {
    const ms = now - this.#at;
    if (ms < SHORTEST_MS) return;
    const { threads, busySeconds } = this.work();
    // Calls are counted when they end, also those that took longer than this.
    const most = (threads * ms) / 1000;
    const busy = Math.min(most, Math.max(0, busySeconds - this.#busySeconds));
    const { all, inTime } = this.#audio;
    this.#load += approach(ms, LOAD_MS) * ((busy * (all > 0 ? inTime / all : 1)) / most - this.#load);
    this.#learnCost(busy, all, ms);
    this.#learnLag(now, ms);
    this.#at = now;
    this.#busySeconds = busySeconds;
    this.#audio = { all: 0, inTime: 0 };
    this.#waits = { sum: 0, count: 0 };
  }

  #learnCost(busy: number, audio: number, ms: number): void {
    if (audio === 0) return;
    this.#average ??= this.#trial;
    this.#average += approach(audio, COST_AUDIO_SECONDS) * (busy / audio - this.#average);
    this.#highest = Math.max((this.#highest ?? this.#trial) * Math.exp(-ms / COST_RELEASE_MS), this.#average);
  }

  /** What still waits has waited at least so long: a thread that hangs shows before it answers. */
  #learnLag(now: number, ms: number): void {
    let { sum, count } = this.#waits;
    const usual = count > 0 ? sum / count : this.#lagMs;
    for (const { asked } of this.#open) {
      if (asked === undefined || now - asked <= usual) continue;
      sum += now - asked;
      count += 1;
    }
    this.#lagMs += approach(ms, LAG_MS) * ((count > 0 ? sum / count : 0) - this.#lagMs);
  }
}

/** How far an average comes towards what it follows, after so much of its time constant. */
function approach(passed: number, constant: number): number {
  return 1 - Math.exp(-passed / constant);
}
