export type * from './contract.js';
export { createRecognizer, type RecognizerOptions } from './recognizer.js';
