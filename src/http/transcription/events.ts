import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { toOpenAiError } from '../../errors.js';
import type { Segment, Transcript } from '../../recognition/contract.js';
import { toMalgwiError } from '../errors.js';
import { logprobsOf, usageOf } from './format.js';

/** A comment at least this often, so that proxies do not take a long pause for a dead connection. */
const HEARTBEAT_MS = 15_000;

/**
 * Server-sent events of one transcription (`stream=true`): for each segment with text a `transcript.text.delta` and a
 * `transcript.text.segment`, at the end `transcript.text.done`. The deltas put together are the text.
 * What waits for a slow reader is bounded by the transcript itself.
 */
export class TranscriptionEvents {
  readonly #stream = new PassThrough();
  readonly #heartbeat = setInterval(() => this.#stream.write(': waiting\n\n'), HEARTBEAT_MS);
  #empty = true;

  constructor(private readonly logprobs: boolean) {
    this.#heartbeat.unref();
  }

  get stream(): Readable {
    return this.#stream;
  }

  segment(segment: Segment): void {
    if (segment.text === '') return;
    const delta = this.#empty ? segment.text : ` ${segment.text}`;
    this.#empty = false;
    const id = `seg_${segment.id}`;
    const logprobs = this.logprobs ? { logprobs: logprobsOf(segment.words) } : {};
    this.#send({ type: 'transcript.text.delta', delta, segment_id: id, ...logprobs });
    const { start, end, text } = segment;
    this.#send({ type: 'transcript.text.segment', id, start, end, text });
  }

  done(transcript: Transcript): void {
    const logprobs = this.logprobs
      ? { logprobs: logprobsOf(transcript.segments.flatMap(({ words }) => words)) }
      : {};
    this.#send({
      type: 'transcript.text.done',
      text: transcript.text,
      ...logprobs,
      usage: usageOf(transcript),
    });
    this.close();
  }

  /** The status is long sent: the error is an event, in the shape the official clients throw. */
  fail(error: unknown): void {
    this.#send({ type: 'error', ...toOpenAiError(toMalgwiError(error)) });
    this.close();
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#stream.end();
  }

  #send(event: Readonly<Record<string, unknown>>): void {
    if (this.#stream.writable) this.#stream.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}
