/** Measures {@link parseIntent} on labelled utterances. Pure: reading and printing is the command's. */
import { INTENTS, type IntentName, type ParseOptions, type Slots } from './contract.js';
import { parseIntent } from './parse.js';

export interface LabelledUtterance {
  readonly id: string;
  readonly text: string;
  readonly intent: IntentName;
  readonly slots?: Slots;
  /** Further correct labels: an intent with its slots, or an intent name, for which any slots do. */
  readonly accept?: readonly (IntentName | { readonly intent: IntentName; readonly slots?: Slots })[];
  readonly tags?: readonly string[];
}

export interface Tally {
  readonly utterances: number;
  readonly intentAccuracy: number;
  readonly exactSlots: number;
}

export interface IntentEvaluation {
  readonly utterances: number;
  /** Share of all utterances with a correct intent. */
  readonly intentAccuracy: number;
  /** Share of in-scope utterances with a correct intent and exactly its slots. */
  readonly exactSlots: number;
  /** Share of `none` utterances that got an intent. */
  readonly falseAccept: number;
  /** Share of in-scope utterances that got `none`. */
  readonly falseReject: number;
  readonly inScope: number;
  readonly outOfScope: number;
  readonly byIntent: Readonly<Record<string, Tally>>;
  readonly byTag: Readonly<Record<string, Tally>>;
  readonly confusion: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly errors: readonly {
    readonly id: string;
    readonly text: string;
    readonly expected: { readonly intent: IntentName; readonly slots: Slots };
    readonly got: { readonly intent: IntentName; readonly slots: Slots; readonly confidence: number };
  }[];
}

/** Slots as one comparable string: keys in order, lists of wishes without order, empty values left out. */
function canonical(slots: Slots | undefined): string {
  const entries = Object.entries(slots ?? {})
    .filter(
      ([, value]) =>
        value !== undefined &&
        value !== null &&
        value !== false &&
        !(Array.isArray(value) && value.length === 0),
    )
    .map(
      ([key, value]) => [key, Array.isArray(value) && key !== 'seats' ? [...value].sort() : value] as const,
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

class Counter {
  private total = 0;
  private intents = 0;
  private scoped = 0;
  private exact = 0;

  add(intent: boolean, exact: boolean, inScope: boolean): void {
    this.total++;
    if (intent) this.intents++;
    if (inScope) this.scoped++;
    if (inScope && exact) this.exact++;
  }
  tally(): Tally {
    return {
      utterances: this.total,
      intentAccuracy: this.total === 0 ? 0 : this.intents / this.total,
      exactSlots: this.scoped === 0 ? 1 : this.exact / this.scoped,
    };
  }
}

/** The pending command that utterances tagged `contextual` are read against. */
export const CONTEXT_COMMAND: NonNullable<ParseOptions['pending']> = {
  intent: 'reserve',
  slots: { seat: '3' },
};

/** Runs every utterance (those tagged `contextual` with a pending reserve command) and counts. */
export function evaluateIntents(
  utterances: readonly LabelledUtterance[],
  options: ParseOptions = {},
): IntentEvaluation {
  const all = new Counter();
  const byIntent = new Map<string, Counter>();
  const byTag = new Map<string, Counter>();
  const confusion: Record<string, Record<string, number>> = {};
  const errors: IntentEvaluation['errors'][number][] = [];
  let falseAccepts = 0;
  let falseRejects = 0;
  let outOfScope = 0;
  const bump = (
    map: Map<string, Counter>,
    key: string,
    intent: boolean,
    exact: boolean,
    inScope: boolean,
  ): void => {
    const counter = map.get(key) ?? new Counter();
    map.set(key, counter);
    counter.add(intent, exact, inScope);
  };
  for (const utterance of utterances) {
    const contextual = utterance.tags?.includes('contextual') === true;
    const got = parseIntent(utterance.text, contextual ? { ...options, pending: CONTEXT_COMMAND } : options);
    const labels = [{ intent: utterance.intent, slots: utterance.slots }, ...(utterance.accept ?? [])];
    const intent = labels.some((label) => (typeof label === 'string' ? label : label.intent) === got.intent);
    const exact = labels.some((label) =>
      typeof label === 'string'
        ? label === got.intent
        : label.intent === got.intent && canonical(label.slots) === canonical(got.slots),
    );
    const inScope = utterance.intent !== 'none';
    all.add(intent, exact, inScope);
    bump(byIntent, utterance.intent, intent, exact, inScope);
    for (const tag of utterance.tags ?? []) bump(byTag, tag, intent, exact, inScope);
    if (!inScope) outOfScope++;
    if (!inScope && !intent) falseAccepts++;
    if (inScope && got.intent === 'none' && !intent) falseRejects++;
    const row = (confusion[utterance.intent] ??= {});
    const shown = intent ? utterance.intent : got.intent;
    row[shown] = (row[shown] ?? 0) + 1;
    if (!exact) {
      errors.push({
        id: utterance.id,
        text: utterance.text,
        expected: { intent: utterance.intent, slots: utterance.slots ?? {} },
        got: { intent: got.intent, slots: got.slots, confidence: got.confidence },
      });
    }
  }
  const inScope = utterances.length - outOfScope;
  const { intentAccuracy, exactSlots } = all.tally();
  const tallies = (map: Map<string, Counter>, order: readonly string[]): Record<string, Tally> =>
    Object.fromEntries(
      order.filter((key) => map.has(key)).map((key) => [key, (map.get(key) as Counter).tally()]),
    );
  return {
    utterances: utterances.length,
    intentAccuracy,
    exactSlots,
    falseAccept: outOfScope === 0 ? 0 : falseAccepts / outOfScope,
    falseReject: inScope === 0 ? 0 : falseRejects / inScope,
    inScope,
    outOfScope,
    byIntent: tallies(byIntent, INTENTS),
    byTag: tallies(byTag, [...byTag.keys()].sort()),
    confusion,
    errors,
  };
}
