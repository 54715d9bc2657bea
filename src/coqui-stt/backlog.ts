import { MalgwiError } from '../errors.js';

/** Bytes of audio that were handed over and not worked on yet, of all streams of a model together. */
export class Backlog {
  private waiting = 0;

  constructor(private readonly limit: number) {}

  /**
   * A single piece may be of any size while nothing else waits: who awaits each call never meets the limit.
   * @throws MalgwiError audio_backlog_full
   */
  enter(bytes: number): void {
    if (this.waiting > 0 && this.waiting + bytes > this.limit) {
      const detail = `Audio arrives faster than it can be recognised: ${String(this.waiting)} bytes wait. Await feedAudioContent, or raise maxBacklogSeconds.`;
      throw new MalgwiError('audio_backlog_full', { detail });
    }
    this.waiting += bytes;
  }

  leave(bytes: number): void {
    this.waiting -= bytes;
  }
}
