import { Gauge, type Registry } from 'prom-client';

/** What a live connection is about. */
export const LIVE_STATES = [
  'waiting',
  'opening',
  'idle',
  'speech',
  'endpointing',
  'finishing',
  'detached',
  'closed',
] as const;
export type LiveState = (typeof LIVE_STATES)[number];

export interface LiveStats {
  readonly capacity: number;
  readonly load: number;
  readonly lagSeconds: number;
  readonly cost: number;
  readonly connections: ReadonlyMap<LiveState, number>;
}

/** What the live side of the service says of itself, asked at every scrape. */
export function watchLive(registers: Registry[], stats: () => LiveStats): void {
  const gauge = (name: string, help: string, read: (now: LiveStats) => number): void => {
    const metric: Gauge = new Gauge({
      name: `malgwi_${name}`,
      help,
      registers,
      collect: () => metric.set(read(stats())),
    });
  };
  gauge(
    'live_sessions_capacity',
    'Live sessions that could be open now: those that are, and those that would be let in.',
    (now) => now.capacity,
  );
  gauge(
    'live_load_ratio',
    'Share of the worker threads that live sessions take, with what is reserved for new ones.',
    (now) => now.load,
  );
  gauge(
    'live_lag_seconds',
    'Seconds from a piece of live audio to what was recognised in it, the average of the last seconds.',
    (now) => now.lagSeconds,
  );
  gauge(
    'live_cost_ratio',
    'Processing time by audio time that one more live session is expected to cost.',
    (now) => now.cost,
  );
  const connections: Gauge = new Gauge({
    name: 'malgwi_live_connections',
    help: 'Live connections, by what they are about.',
    labelNames: ['state'],
    registers,
    collect: () => {
      const found = stats().connections;
      for (const state of LIVE_STATES) connections.set({ state }, found.get(state) ?? 0);
    },
  });
}
