import { extname } from 'node:path';
import * as check from './arguments.js';
import { ModelCore, type ModelOptions } from './core.js';
import { sttError, wrap, type SttError, type SttErrorName } from './errors.js';
import { toMetadata, toText, type Metadata } from './metadata.js';
import type { TranscriptReply } from './protocol.js';
import { Stream } from './stream.js';

const MAX_THREADS = 256;
const MAX_STREAMS = 100_000;
const MAX_SECONDS = 86_400;

/**
 * A Coqui STT model: what `Model` is in the `stt` package, with a promise where that one blocks the event loop. Calls
 * take effect in the order in which they are made. The threads live until the model is freed or the process ends, which
 * idle ones do not prevent.
 */
export class Model {
  readonly #core: ModelCore;

  /**
   * Returns at once; the model loads in the background, and what is wrong with it rejects the first call.
   * @param aModelPath folder of an imported model package
   * @throws SttError for what cannot be a package by its name: an empty path, a file of the original's
   */
  constructor(aModelPath: string, options: ModelOptions | boolean = {}) {
    refuseOriginals(aModelPath, options);
    if (typeof options === 'boolean') options = {};
    check.positive('threads', options.threads, MAX_THREADS);
    check.positive('maxStreams', options.maxStreams, MAX_STREAMS);
    check.positive('maxBacklogSeconds', options.maxBacklogSeconds, MAX_SECONDS);
    this.#core = new ModelCore(aModelPath, options);
    this.#core.description.catch(() => undefined); // whoever calls something is told
  }

  /** The model when it is loaded. @throws SttError when it cannot be */
  static async load(aModelPath: string, options: ModelOptions = {}): Promise<Model> {
    const model = new Model(aModelPath, options);
    await model.sampleRate();
    return model;
  }

  /** Hz. */
  async sampleRate(): Promise<number> {
    return this.#run('GetModelSampleRate', async () => (await this.#core.description).sampleRate);
  }

  async beamWidth(): Promise<number> {
    return this.#run('GetModelBeamWidth', async () => {
      return this.#core.beamWidth ?? (await this.#core.description).beamWidth;
    });
  }

  /** For streams that are opened from now on. */
  async setBeamWidth(aBeamWidth: number): Promise<void> {
    const width = check.beamWidth('SetModelBeamWidth', aBeamWidth);
    await this.#run('SetModelBeamWidth', () => {
      this.#core.beamWidth = width;
    });
  }

  /**
   * Hot words act through the language model: they need a scorer, and a word that it does not know, or a string with a
   * space in it, changes nothing. For streams that are opened from now on.
   */
  async addHotWord(aWord: string, aBoost: number): Promise<void> {
    const word = check.hotWord('addHotWord', aWord);
    const boost = check.finite('addHotWord', 'aBoost', aBoost);
    await this.#withScorer('addHotWord', () => {
      if (this.#core.hotWords.has(word)) throw refused('addHotWord', 'STT_ERR_FAIL_INSERT_HOTWORD');
      this.#core.hotWords.set(word, boost);
    });
  }

  async eraseHotWord(aWord: string): Promise<void> {
    const word = check.hotWord('eraseHotWord', aWord);
    await this.#withScorer('eraseHotWord', () => {
      if (!this.#core.hotWords.delete(word)) throw refused('eraseHotWord', 'STT_ERR_FAIL_ERASE_HOTWORD');
    });
  }

  async clearHotWords(): Promise<void> {
    await this.#withScorer('clearHotWord', () => this.#core.hotWords.clear());
  }

  /**
   * For streams that are opened from now on. Refused where its kind of language model does not fit the alphabet.
   * @param aScorerPath a `.scorer` file; that of the model package without it
   */
  async enableExternalScorer(aScorerPath?: string): Promise<void> {
    const call = 'EnableExternalScorer';
    const given = aScorerPath === undefined ? undefined : check.path(call, 'aScorerPath', aScorerPath);
    await this.#run(call, async () => {
      const path = given ?? (await this.#core.description).scorerPath;
      if (path === undefined) {
        const more = 'The model package has no scorer of its own: give the path of one.';
        throw sttError(call, 'STT_ERR_INVALID_SCORER', 'invalid_request', more);
      }
      await this.#core.setScorer(path).catch((error: unknown) => {
        throw wrap(call, 'STT_ERR_INVALID_SCORER', error);
      });
    });
  }

  /** For streams that are opened from now on. */
  async disableExternalScorer(): Promise<void> {
    await this.#withScorer('DisableExternalScorer', () => this.#core.setScorer(undefined));
  }

  /** Changes the scorer that is enabled, also for the open streams that use it. */
  async setScorerAlphaBeta(aLMAlpha: number, aLMBeta: number): Promise<void> {
    const call = 'SetScorerAlphaBeta';
    const alpha = check.finite(call, 'aLMAlpha', aLMAlpha);
    const beta = check.finite(call, 'aLMBeta', aLMBeta);
    const before = this.#core.idle();
    await this.#withScorer(call, async () => {
      await before;
      await this.#core.setWeights(alpha, beta);
    });
  }

  /**
   * The text of a whole recording.
   * @param aBuffer int16 samples, little-endian, mono, at the model's sample rate; must not change until the promise is
   * settled
   */
  async stt(aBuffer: ArrayBufferView): Promise<string> {
    return toText(await this.#stt('SpeechToText', aBuffer, 1));
  }

  async sttWithMetadata(aBuffer: ArrayBufferView, aNumResults = 1): Promise<Metadata> {
    return toMetadata(await this.#stt('SpeechToTextWithMetadata', aBuffer, aNumResults));
  }

  /** @throws SttError too_many_sessions when as many streams as `maxStreams` are open */
  async createStream(): Promise<Stream> {
    try {
      return new Stream(await this.#core.openStream(), this.#core.backlog);
    } catch (error) {
      throw wrap('CreateStream', 'STT_ERR_FAIL_CREATE_STREAM', error);
    }
  }

  /** Ends the threads; what is under way fails. */
  free(): Promise<void> {
    return this.#core.free();
  }

  async #stt(call: string, aBuffer: ArrayBufferView, results: number): Promise<readonly TranscriptReply[]> {
    const bytes = check.pcmBytes(call, aBuffer);
    const count = check.resultCount(call, results);
    try {
      const stream = await this.#core.openStream();
      stream.feed(bytes).catch(() => undefined); // the result fails as well
      return await stream.result('finish', count);
    } catch (error) {
      throw wrap(call, 'STT_ERR_FAIL_RUN_SESS', error);
    }
  }

  async #withScorer(call: string, work: () => void | Promise<void>): Promise<void> {
    await this.#run(call, () => {
      if (this.#core.scorer === undefined) throw refused(call, 'STT_ERR_SCORER_NOT_ENABLED');
      return work();
    });
  }

  async #run<T>(call: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await this.#core.inTurn(work);
    } catch (error) {
      throw wrap(call, 'STT_ERR_FAIL_RUN_SESS', error);
    }
  }
}

const refused = (call: string, name: SttErrorName): SttError => sttError(call, name, 'invalid_request');

function refuseOriginals(path: unknown, options: ModelOptions | boolean): void {
  if (options === true || typeof path !== 'string') {
    const more = 'A model is loaded from the folder of its package, not from bytes.';
    throw sttError('CreateModel', 'STT_ERR_NO_MODEL', 'invalid_field', more);
  }
  if (path === '') throw sttError('CreateModel', 'STT_ERR_NO_MODEL', 'invalid_field');
  const extension = extname(path).toLowerCase();
  if (extension === '.tflite') {
    const more =
      'Import the file once and give the folder: python -m malgwi_models import-coqui --tflite model.tflite --out models/NAME';
    throw sttError('CreateModel', 'STT_ERR_MODEL_INCOMPATIBLE', 'invalid_field', more);
  }
  if (extension === '.pbmm' || extension === '.pb') {
    const more =
      'TensorFlow graphs are not read: export a .tflite from the checkpoint, then python -m malgwi_models import-coqui --tflite model.tflite --out models/NAME';
    throw sttError('CreateModel', 'STT_ERR_MODEL_INCOMPATIBLE', 'invalid_field', more);
  }
}
