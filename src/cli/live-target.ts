/** Where live audio goes: the recogniser in this process, or a running service. */
import type { Config } from '../config.js';
import type { LiveEvent, LiveOptions } from '../recognition/contract.js';
import { startRecognizer } from './recognizer.js';

export interface LiveTarget {
  /** Resolves when more may come: the microphone is read no faster than it is recognised. */
  feed(bytes: Uint8Array): Promise<void>;
  /** End of the audio; resolves when the last words were delivered. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export type LiveAudio = Pick<LiveOptions, 'encoding' | 'sampleRate' | 'channels'>;

/** @throws MalgwiError of the models */
export async function openLocalTarget(
  config: Config,
  audio: LiveAudio,
  onEvent: (event: LiveEvent) => void,
): Promise<LiveTarget> {
  // One voice needs one thread; each further one would load the model once more.
  const recognizer = await startRecognizer({ ...config, workers: { ...config.workers, count: 1 } });
  try {
    const stream = await recognizer.openStream({
      ...audio,
      partialIntervalMs: config.live.partialIntervalMs,
    });
    return {
      feed: async (bytes) => (await stream.feed(bytes)).events.forEach(onEvent),
      finish: async () => (await stream.finish()).events.forEach(onEvent),
      close: async () => {
        stream.close();
        await recognizer.close();
      },
    };
  } catch (error) {
    await recognizer.close();
    throw error;
  }
}
