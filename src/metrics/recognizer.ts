import { Counter, Gauge, type Registry } from 'prom-client';
import type { RecognizerStats } from '../recognition/contract.js';

/** The recogniser's state, asked at every scrape. */
export function watchRecognizer(registers: Registry[], stats: () => RecognizerStats): void {
  const gauge = (name: string, help: string, read: (now: RecognizerStats) => number): void => {
    const metric: Gauge = new Gauge({
      name: `malgwi_${name}`,
      help,
      registers,
      collect: () => metric.set(read(stats())),
    });
  };
  gauge('workers', 'Worker threads that recognise.', (now) => now.workers);
  gauge('workers_busy', 'Worker threads at work.', (now) => now.busy);
  gauge('queue_length', 'Requests that wait for a worker.', (now) => now.queued);
  gauge('queue_limit', 'Requests that may wait for a worker.', (now) => now.queueLimit);
  let counted = 0;
  const restarts = new Counter({
    registers,
    name: 'malgwi_worker_restarts_total',
    help: 'Worker threads that died and were replaced.',
    collect: () => {
      const now = stats().restarts;
      if (now > counted) restarts.inc(now - counted);
      counted = Math.max(counted, now);
    },
  });
}
