/** A file as one utterance, the way the original engines take it: no voice activity detection, nothing cut out. */
import { SAMPLE_RATE } from '../audio/contract.js';
import type { AudioSegment } from '../vad/segmenter.js';

/**
 * All of the audio in order: one segment, or where it is longer than `maxSamples` several of that length and the rest.
 * Yields after every chunk, mostly nothing, as `segmentWindows` does. Holds one piece at most.
 * @param chunks 16 kHz mono samples, of any length
 * @param from where to begin: a place where a piece ended, in audio that is read from its beginning
 */
export async function* wholePieces(
  chunks: AsyncIterable<Float32Array>,
  maxSamples: number,
  from = 0,
): AsyncGenerator<AudioSegment[], void, void> {
  let held: Float32Array[] = [];
  let length = 0;
  let start = from;
  let known = from;
  const take = (): AudioSegment => {
    const samples = new Float32Array(length);
    let at = 0;
    for (const part of held) {
      samples.set(part, at);
      at += part.length;
    }
    const segment = {
      start: start / SAMPLE_RATE,
      end: (start + length) / SAMPLE_RATE,
      samples,
      meanProbability: 1,
    };
    start += length;
    held = [];
    length = 0;
    return segment;
  };
  for await (const all of chunks) {
    const chunk = all.subarray(Math.min(known, all.length));
    known -= all.length - chunk.length;
    const ready: AudioSegment[] = [];
    for (let at = 0; at < chunk.length;) {
      // Only what is known not to be the end is cut: audio of exactly the longest length is one piece.
      if (length === maxSamples) ready.push(take());
      const part = chunk.slice(at, at + maxSamples - length);
      held.push(part);
      length += part.length;
      at += part.length;
    }
    yield ready;
  }
  yield length > 0 ? [take()] : [];
}
