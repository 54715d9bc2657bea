/** Chooses the intent: each rule looks at the phrase and says which intent it speaks for, and how strongly. */
import type { IntentName } from '../contract.js';
import { buys, cancels, extends_, moves, reserves, returns } from './rules-commands.js';
import { asksList, asksSeat, asksStatus } from './rules-questions.js';
import { account, confirms, corrects, denies, helps } from './rules-talk.js';
import type { Rule, Situation, Vote } from './situation.js';

export { Situation, type Vote } from './situation.js';

const RULES: readonly Rule[] = [
  corrects, confirms, denies, account, helps, asksStatus, cancels, returns, extends_, buys, moves, asksSeat, asksList, reserves,
]; // prettier-ignore
/** Earlier rules win ties and near ties: what is said more exactly comes first. */
const PRECEDENCE = 0.15;

/** All votes, strongest first, at most one for each intent. */
export function decide(situation: Situation): Vote[] {
  const best = new Map<IntentName, Vote>();
  RULES.forEach((rule, index) => {
    const cast = rule(situation);
    if (cast === undefined) return;
    const ranked = { ...cast, strength: cast.strength - (index * PRECEDENCE) / RULES.length };
    const known = best.get(cast.intent);
    if (known === undefined || known.strength < ranked.strength) best.set(cast.intent, ranked);
  });
  return [...best.values()].sort((a, b) => b.strength - a.strength);
}
