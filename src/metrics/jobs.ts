import { Gauge, type Registry } from 'prom-client';
import type { QueueStats } from '../jobs/contract.js';

/** What a job queue says of itself, asked at every scrape. While it cannot be reached the gauges keep what they were. */
export class JobGauges {
  readonly #byState: Gauge;
  readonly #oldest: Gauge;
  readonly #notices: Gauge;
  #stats: (() => Promise<QueueStats>) | undefined;
  #asking: Promise<void> | undefined;

  constructor(registers: Registry[]) {
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name: `malgwi_${name}`, help, labelNames, registers, collect: () => this.#ask() });
    this.#byState = gauge('jobs', 'Jobs that are kept, by state.', ['state']);
    this.#oldest = gauge('job_queue_oldest_seconds', 'Seconds that the oldest queued job has waited.');
    this.#notices = gauge('job_notifications_pending', 'Webhooks of ended jobs that did not arrive yet.');
  }

  /** @param stats undefined: nobody is asked any more */
  watch(stats: (() => Promise<QueueStats>) | undefined): void {
    this.#stats = stats;
  }

  /** All gauges are collected at once: one question is enough. */
  #ask(): Promise<void> {
    this.#asking ??= this.#update().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #update(): Promise<void> {
    const stats = await this.#stats?.().catch(() => undefined);
    if (stats === undefined) return;
    for (const [state, count] of Object.entries(stats.byState)) this.#byState.set({ state }, count);
    this.#oldest.set(stats.oldestQueuedSeconds);
    this.#notices.set(stats.pendingNotifications);
  }
}
