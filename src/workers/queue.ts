import { PRIORITIES, type Priority, type WorkMeter } from './contract.js';

/** A call that waits for, or runs on, a worker. `settle` may be called more than once; the first one counts. */
export interface PendingCall {
  readonly id: number;
  readonly method: string;
  readonly payload: unknown;
  readonly transfer: readonly ArrayBuffer[];
  readonly priority: Priority;
  readonly queuedAt: number;
  /** A worker takes calls that have different subjects side by side; one without a subject it takes alone. */
  readonly subject?: number;
  /** In place of the pool's. */
  readonly timeoutMs?: number;
  startedAt: number | undefined;
  /** Where the time that a worker spends on it is added up. */
  readonly meter?: WorkMeter;
  settle(error: Error | undefined, value?: unknown): void;
}

/**
 * First come, first served within a priority; a higher priority goes first. Unbounded itself: the pool bounds it.
 *
 * Calls come and go a thousand times a second, so lanes are arrays: a Set or Map that is written to all the time moves from table
 * to table, and V8 lets each table point to the one after it. One that has grown old then keeps all later ones, and the calls in
 * them with their audio, until everything is collected.
 */
export class CallQueue {
  private readonly lanes: Readonly<Record<Priority, PendingCall[]>> = {
    live: [],
    interactive: [],
    batch: [],
  };
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(call: PendingCall): void {
    this.lanes[call.priority].push(call);
    this.count += 1;
  }

  /** The next call without taking it. */
  peek(): PendingCall | undefined {
    for (const priority of PRIORITIES) {
      const [first] = this.lanes[priority];
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** The calls that can be taken side by side with this one, the first of its lane: itself, and the first of each other subject. */
  companions(call: PendingCall, most: number): PendingCall[] {
    const found = [call];
    if (call.subject === undefined) return found;
    const subjects = new Set([call.subject]);
    for (const other of this.lanes[call.priority]) {
      if (found.length >= most) break;
      if (other.subject === undefined || subjects.has(other.subject)) continue;
      subjects.add(other.subject);
      found.push(other);
    }
    return found;
  }

  remove(call: PendingCall): boolean {
    const lane = this.lanes[call.priority];
    const at = lane.indexOf(call);
    if (at === -1) return false;
    lane.splice(at, 1);
    this.count -= 1;
    return true;
  }

  drain(): PendingCall[] {
    const all = PRIORITIES.flatMap((priority) => this.lanes[priority].splice(0));
    this.count = 0;
    return all;
  }
}
