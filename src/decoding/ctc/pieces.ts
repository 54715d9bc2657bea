import type { LogProbs } from '../contract.js';

/** The frames of an utterance as they came, and all of them in one matrix when that is asked for. */
export class Pieces {
  frames = 0;
  private readonly pieces: LogProbs[] = [];

  constructor(private readonly classes: number) {}

  push(piece: LogProbs): void {
    this.pieces.push(piece);
    this.frames += piece.frames;
  }

  /** Takes the last piece out. */
  pop(): void {
    this.frames -= this.pieces.pop()?.frames ?? 0;
  }

  /** Row-major [frames, classes]. */
  joined(): Float32Array {
    const { pieces, classes } = this;
    if (pieces.length === 1) return pieces[0].data;
    const data = new Float32Array(this.frames * classes);
    let at = 0;
    for (const { data: piece, frames } of pieces) {
      data.set(piece.subarray(0, frames * classes), at);
      at += frames * classes;
    }
    return data;
  }
}
