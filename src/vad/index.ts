/** Voice activity detection and endpointing. */
import type { VoiceActivityModel } from './contract.js';
import { EnergyVad } from './energy.js';
import { SileroVad } from './silero.js';

export type * from './contract.js';
export { VAD_WINDOW, VAD_WINDOW_SECONDS } from './contract.js';
export { DEFAULT_ENDPOINT, DEFAULT_LIVE_ENDPOINT, Endpointer } from './endpointer.js';
export type { EndpointEvent } from './endpointer.js';
export { EnergyVad } from './energy.js';
export type { JoinOptions } from './joiner.js';
export { segmentAudio } from './segmenter.js';
export type { AudioSegment, SegmentOptions } from './segmenter.js';
export { SileroVad } from './silero.js';

export type VoiceActivityKind = 'silero' | 'energy';

/** @throws MalgwiError model_file_missing | inference_failed */
export async function loadVoiceActivity(kind: VoiceActivityKind): Promise<VoiceActivityModel> {
  return kind === 'energy' ? new EnergyVad() : SileroVad.load();
}
