/** Bytes in, 16 kHz mono float out. Every decoder is an adapter behind these contracts. */

export const SAMPLE_RATE = 16_000;

export interface AudioInfo {
  /** wav, flac, mp3, ogg, webm, mp4, aac, raw */
  readonly container: string;
  /** pcm_s16le, pcm_f32le, mulaw, flac, mp3, opus, vorbis, aac ... */
  readonly codec: string;
  /** Rate and channel count of the source, before resampling. */
  readonly sampleRate: number;
  readonly channels: number;
  /** From the header where it says so (a claim, not a fact); absent when only decoding tells. */
  readonly durationSeconds?: number;
}

export interface AudioStream {
  readonly info: AudioInfo;
  /**
   * Mono samples at {@link SAMPLE_RATE}, nominally within [-1, 1], in pieces of at most about one second.
   * Pull-based: nothing is decoded ahead of the reader, so memory does not grow with the length of the file.
   * Throws MalgwiError audio_truncated | audio_corrupt | audio_empty | audio_too_long.
   */
  chunks(): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

export type RawEncoding = 'pcm_s16le' | 'pcm_f32le' | 'mulaw' | 'alaw';

export interface OpenAudioOptions {
  /** For headerless files only: what the bytes are. Without it a file that no format claims is refused. */
  readonly raw?: { readonly encoding: RawEncoding; readonly sampleRate: number; readonly channels: number };
  /** Refuse with audio_too_long beyond this many seconds of audio. */
  readonly maxSeconds?: number;
  readonly signal?: AbortSignal;
}

/** What a live client may send. */
export type LiveEncoding = RawEncoding | 'webm_opus' | 'ogg_opus';

/** A decoder fed by a socket: bytes in any split (odd counts included), samples out. */
export interface PushDecoder {
  /** Mono samples at {@link SAMPLE_RATE} that became complete with these bytes; may be empty. */
  push(bytes: Uint8Array): Promise<Float32Array>;
  /** What is still inside (resampler tail, last packet). The decoder is done afterwards. */
  flush(): Promise<Float32Array>;
  close(): void;
}
