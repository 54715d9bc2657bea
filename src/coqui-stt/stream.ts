import { pcmBytes, resultCount } from './arguments.js';
import type { Backlog } from './backlog.js';
import { wrap } from './errors.js';
import { toMetadata, toText, type Metadata } from './metadata.js';
import type { ResultKind, TranscriptReply } from './protocol.js';
import type { StreamCore } from './stream-core.js';

/**
 * One utterance while it is being spoken; {@link Model.createStream} makes them. Calls on a stream are worked on in the
 * order in which they are made, whether they are awaited or not, and never on the thread of the caller.
 */
export class Stream {
  readonly #core: StreamCore;
  readonly #backlog: Backlog;

  /** @internal */
  constructor(core: StreamCore, backlog: Backlog) {
    this.#core = core;
    this.#backlog = backlog;
  }

  /**
   * Feeds audio. Where it is cut makes no difference.
   *
   * The buffer is copied at once and may be used again. The promise need not be awaited: when it is rejected, so is
   * that of every later call on the stream. Awaiting it keeps memory bounded.
   * @param aBuffer int16 samples, little-endian, mono, at the model's sample rate; any number of them
   * @throws SttError invalid_field | audio_backlog_full | inference_failed and those of the worker pool
   */
  feedAudioContent(aBuffer: ArrayBufferView): Promise<void> {
    const fed = this.#feed(aBuffer);
    fed.catch(() => undefined);
    return fed;
  }

  async #feed(aBuffer: ArrayBufferView): Promise<void> {
    try {
      const bytes = pcmBytes('FeedAudioContent', aBuffer);
      this.#backlog.enter(bytes.length);
      try {
        await this.#core.feed(bytes.slice());
      } finally {
        this.#backlog.leave(bytes.length);
      }
    } catch (error) {
      this.#core.fail(error);
      throw wrap('FeedAudioContent', 'STT_ERR_FAIL_RUN_SESS', error);
    }
  }

  /** The text so far. As in the original, audio of about the last half second is not part of it. */
  async intermediateDecode(): Promise<string> {
    return toText(await this.#result('IntermediateDecode', 'intermediate', 1));
  }

  async intermediateDecodeWithMetadata(aNumResults = 1): Promise<Metadata> {
    return toMetadata(await this.#result('IntermediateDecodeWithMetadata', 'intermediate', aNumResults));
  }

  /** The text of all audio fed so far: what `finishStream` would give now. The stream can be fed on, unharmed. */
  async intermediateDecodeFlushBuffers(): Promise<string> {
    return toText(await this.#result('IntermediateDecodeFlushBuffers', 'flush', 1));
  }

  async intermediateDecodeWithMetadataFlushBuffers(aNumResults = 1): Promise<Metadata> {
    return toMetadata(await this.#result('IntermediateDecodeWithMetadataFlushBuffers', 'flush', aNumResults));
  }

  /** The text of the whole utterance. Ends the stream. */
  async finishStream(): Promise<string> {
    return toText(await this.#result('FinishStream', 'finish', 1));
  }

  async finishStreamWithMetadata(aNumResults = 1): Promise<Metadata> {
    return toMetadata(await this.#result('FinishStreamWithMetadata', 'finish', aNumResults));
  }

  /** Gives the stream up without a result. */
  free(): void {
    this.#core.free();
  }

  async #result(call: string, kind: ResultKind, results: number): Promise<readonly TranscriptReply[]> {
    const count = resultCount(call, results);
    try {
      return await this.#core.result(kind, count);
    } catch (error) {
      throw wrap(call, 'STT_ERR_FAIL_RUN_SESS', error);
    }
  }
}
