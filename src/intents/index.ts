/** Seat intents, usable without the server: `import { parseIntent } from 'malgwi/intents'`. */
export * from './contract.js';
export { parseIntent, MAX_TEXT_LENGTH, REJECT_BELOW } from './parse.js';
export { featuresOf, hasSeat, nearSeats, problemsOf, seatNames, venueHotWords } from './venue.js';
export { evaluateIntents, type IntentEvaluation, type LabelledUtterance } from './evaluate.js';
export {
  ALWAYS_CONFIRMED,
  correctSlots,
  dialogueTurn,
  initialDialogue,
  missingSlot,
  type DialogueOptions,
  type DialogueState,
  type DialogueTurn,
  type PendingCommand,
} from './dialogue.js';
export { askConfirmation, sayObject, withParticle } from './wording.js';
export { AIRPLANE } from './venues/airplane.js';
export { LIBRARY } from './venues/library.js';
