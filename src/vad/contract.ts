/** Voice activity detection: windows of samples in, probability of speech out. */

export const VAD_WINDOW = 512;
/** Seconds of one window at 16 kHz. */
export const VAD_WINDOW_SECONDS = VAD_WINDOW / 16_000;

/** How many windows these samples are. @throws RangeError when they are not whole windows */
export function checkWindows(samples: Float32Array): number {
  if (samples.length % VAD_WINDOW !== 0) throw new RangeError(`a window has ${String(VAD_WINDOW)} samples`);
  return samples.length / VAD_WINDOW;
}

/** State of one audio stream inside a shared {@link VoiceActivityModel}. */
export interface VoiceActivityStream {
  /**
   * Probability of speech (0..1) in each of the next windows: the same whether they come one by one or many at once, which
   * costs less. Not to be called again before it has answered.
   * @param samples whole windows of {@link VAD_WINDOW} samples, 16 kHz, [-1, 1]; not kept and not changed
   * @throws RangeError of anything but whole windows; MalgwiError inference_failed
   */
  process(samples: Float32Array): Promise<Float32Array>;
}

/** A stream that can be taken up again elsewhere. */
export interface ResumableVoiceActivityStream extends VoiceActivityStream {
  /** All that it remembers. */
  save(): Float32Array;
}

export interface VoiceActivityModel {
  readonly name: string;
  /** A stream of its own state; streams of one model may be used at the same time. */
  createStream(): VoiceActivityStream;
  close(): Promise<void>;
}

/** Milliseconds throughout; the names follow OpenAI's `server_vad`. */
export interface EndpointConfig {
  /** Probability at which a window counts as speech. */
  readonly threshold: number;
  /** Speech goes on while the probability stays above this (hysteresis). */
  readonly negativeThreshold: number;
  /** Speech shorter than this is dropped as noise. */
  readonly minSpeechMs: number;
  /** Silence after which an utterance has ended. */
  readonly silenceDurationMs: number;
  /** Audio kept before the first speech window. */
  readonly prefixPaddingMs: number;
  /** Audio kept after the last speech window. */
  readonly suffixPaddingMs: number;
  /** An utterance is cut here at the latest, at its quietest recent moment. */
  readonly maxUtteranceMs: number;
  /** Silence after which an utterance has probably ended, shorter than `silenceDurationMs`; without it nobody is told. */
  readonly eagerSilenceMs?: number;
  /**
   * For models that stream: an utterance in which something was heard ends when the search has heard nothing new for so long,
   * whatever the detector says (noise passes for speech). Without it only the detector ends one.
   */
  readonly decoderSilenceMs?: number;
}
