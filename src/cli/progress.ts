/** The progress bar of long work on audio: on stderr, only on a terminal, gone when the work is done. */
import type CliProgress from 'cli-progress';
import type { SingleBar } from 'cli-progress';

/** Work shorter than this draws no bar: it would only flicker. */
const APPEAR_AFTER_MS = 500;
const UPDATE_MS = 100;

export interface ProgressState {
  /** Seconds of audio done, and in all where that is known. */
  readonly doneSeconds: number;
  readonly totalSeconds?: number | undefined;
  readonly itemsDone: number;
  readonly items: number;
  /** What the items are, for `3/10 files`. */
  readonly unit: string;
  /** Wall-clock seconds since the work began. */
  readonly elapsedSeconds: number;
}

/** `12:05`, `1:02:05` */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Share of the work that is done, 0..1; by seconds of audio where their sum is known, by items otherwise. */
export function share(state: ProgressState): number {
  const { doneSeconds, totalSeconds, itemsDone, items } = state;
  const value = totalSeconds ? doneSeconds / totalSeconds : items > 1 ? itemsDone / items : 0;
  return Math.min(1, Math.max(0, value));
}

/** What stands beside the bar: audio done, speed against real time, time left. */
export function describeProgress(state: ProgressState): string {
  const { doneSeconds, totalSeconds, elapsedSeconds, itemsDone, items, unit } = state;
  const speed = elapsedSeconds > 0 ? doneSeconds / elapsedSeconds : 0;
  const done = share(state);
  const left = done > 0 ? (elapsedSeconds * (1 - done)) / done : undefined;
  const known = totalSeconds !== undefined || items > 1;
  const parts = [
    totalSeconds === undefined ? clock(doneSeconds) : `${clock(doneSeconds)} of ${clock(totalSeconds)}`,
    ...(items > 1 ? [`${itemsDone}/${items} ${unit}`] : []),
    ...(speed > 0 ? [`${speed < 10 ? speed.toFixed(1) : Math.round(speed)}x real time`] : []),
    ...(known && left !== undefined ? [`${clock(left)} left`] : []),
  ];
  return parts.join(' | ');
}

/** Draws {@link ProgressState} as it changes. Everything is a no-op when stderr is not a terminal. */
export class ProgressBar {
  private bar: SingleBar | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly started = performance.now();

  /** @param read current state, asked ten times a second */
  constructor(private readonly read: () => Omit<ProgressState, 'elapsedSeconds'>) {}

  start(): void {
    if (!process.stderr.isTTY || this.timer !== undefined) return;
    this.timer = setInterval(() => void this.draw(), UPDATE_MS);
    this.timer.unref();
  }

  /** Takes the bar away for as long as `write` writes to the same terminal. */
  interrupt(write: () => void): void {
    this.bar?.stop();
    this.bar = undefined;
    write();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.bar?.stop();
    this.bar = undefined;
  }

  private state(): ProgressState {
    return { ...this.read(), elapsedSeconds: (performance.now() - this.started) / 1000 };
  }

  private async draw(): Promise<void> {
    if (performance.now() - this.started < APPEAR_AFTER_MS) return;
    const { default: progress } = await import('cli-progress');
    if (this.timer === undefined) return;
    this.bar ??= this.createBar(progress);
    this.bar.update(Math.round(share(this.state()) * 1000));
  }

  private createBar(progress: typeof CliProgress): SingleBar {
    const bar = new progress.SingleBar(
      {
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
        barsize: 24,
        format: (options, params) => {
          const state = this.state();
          const known = state.totalSeconds !== undefined || state.items > 1;
          const graph = progress.Format.BarFormat(params.progress, options);
          const percentage = String(Math.floor(params.progress * 100)).padStart(3);
          return `${known ? `${graph} ${percentage}% | ` : ''}${describeProgress(state)}`;
        },
      },
      progress.Presets.shades_classic,
    );
    bar.start(1000, 0);
    return bar;
  }
}
