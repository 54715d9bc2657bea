export type * from './contract.js';
export { createRecognizer, type RecognizerOptions } from './recognizer.js';
export { isReadingState } from './resume.js';
export { textOf } from './transcribe.js';
