/**
 * The library: the recogniser without the service, the service itself, and the errors of both.
 * Seat intents and Korean text stand apart as `malgwi/intents` and `malgwi/korean`: they need no native code.
 *
 * ```ts
 * import { createRecognizer } from 'malgwi';
 *
 * const recognizer = await createRecognizer({ modelsDir: 'models' });
 * await recognizer.start();
 * const { text } = await recognizer.transcribeFile('clip.wav');
 * await recognizer.close();
 * ```
 */
export { createRecognizer, type RecognizerOptions } from './recognition/index.js';
export type * from './recognition/contract.js';
export type { AudioInfo, LiveEncoding, OpenAudioOptions, RawEncoding } from './audio/contract.js';
export type { EndpointConfig } from './vad/contract.js';
export { toCues, toSrt, toText, toVtt, type Captioned, type Cue } from './recognition/formats.js';
export { ERRORS, MalgwiError, type ErrorCode, type ErrorEntry, type PlainError } from './errors.js';
export { loadConfig, type Config, type ConfigOverrides } from './config.js';
export { closeOnSignals, startServer, type RunningServer } from './server.js';
export { VERSION } from './version.js';
