import type { WriteStream } from 'node:fs';

/**
 * Waits until a file that nobody writes to any more is closed. One that is still being opened when its pipeline breaks comes to be all
 * the same: whoever removes it before that leaves it behind.
 */
export async function untilClosed(sink: WriteStream): Promise<void> {
  if (!sink.closed) await new Promise<void>((resolve) => sink.once('close', () => resolve()));
}
