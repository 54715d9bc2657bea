/** Seat intents, usable without the server: `import { parseIntent } from 'malgwi/intents'`. */
export * from './contract.js';
export { parseIntent } from './parse.js';
