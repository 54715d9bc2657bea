/** Korean text, usable without the server: `import { ... } from 'malgwi/korean'`. */
export * from './numerals.js';
export * from './scoring.js';
export { LETTER_NAMES, readLatin } from './latin.js';
export { verbalize } from './verbalize.js';
