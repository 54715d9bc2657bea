import type { IntentName, IntentResult, ParseOptions, Slots } from './contract.js';

/** Verb stems, first match wins; the grammar over jamo replaces this list. */
const VERBS: readonly (readonly [string, IntentName])[] = [
  ['취소', 'cancel'],
  ['반납', 'return'],
  ['연장', 'extend'],
  ['옮', 'move'],
  ['이동', 'move'],
  ['바꿔', 'move'],
  ['남았', 'status'],
  ['예약', 'reserve'],
  ['잡아', 'reserve'],
];

/** What a speaker wants with a seat. Pure, synchronous, bounded time. */
export function parseIntent(text: string, options: ParseOptions = {}): IntentResult {
  const found = VERBS.find(([verb]) => text.includes(verb));
  const slots: Slots = {};
  const seat = /(\d{1,3})\s*번/.exec(text.slice(0, 500))?.[1];
  if (seat !== undefined) slots.seat = seat;
  const confidence = found === undefined ? 0.1 : 0.6;
  const intent = found !== undefined && confidence >= (options.rejectBelow ?? 0.5) ? found[1] : 'none';
  return { text, intent, slots: intent === 'none' ? {} : slots, confidence, evidence: [], alternatives: [], problems: [] };
}
