import { Transform } from 'node:stream';
import { MalgwiError } from '../errors.js';

/** How many bytes pass between two calls of `check`. */
const STEP = 64 * 2 ** 20;

/**
 * Lets bytes through and counts them.
 * @param maxBytes beyond them the stream fails with file_too_large
 * @param check called now and then while bytes pass; what it rejects with ends the stream
 */
export class ByteCounter extends Transform {
  #bytes = 0;
  #next = STEP;

  constructor(
    private readonly maxBytes = Infinity,
    private readonly check: () => Promise<void> = async () => undefined,
  ) {
    super();
  }

  get bytes(): number {
    return this.#bytes;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: Error | null, chunk?: Buffer) => void,
  ): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.maxBytes) {
      done(new MalgwiError('file_too_large', { detail: `The file is larger than ${this.maxBytes} bytes.` }));
    } else if (this.#bytes >= this.#next) {
      this.#next = this.#bytes + STEP;
      this.check().then(
        () => done(null, chunk),
        (error: unknown) => done(error as Error),
      );
    } else {
      done(null, chunk);
    }
  }
}
