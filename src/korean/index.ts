/** Korean text, usable without the server: `import { ... } from 'malgwi/korean'`. */
export * from './numerals.js';
export * from './scoring.js';
export * from './jamo.js';
export { LETTER_NAMES, readLatin } from './latin.js';
export { verbalize } from './verbalize.js';
export { toSpoken } from './spoken.js';
export { toWritten } from './inverse.js';
export { parseClock, readClock, type ClockStyle } from './clock.js';
export { maskNumbers, removeFillers, type MaskKind, type MaskOptions } from './clean.js';
export { pronounce } from './pronunciation.js';
export { restoreSpacing } from './spacing.js';
export type { AlignedText, Piece, TimedWord } from './aligned.js';
