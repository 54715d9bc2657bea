/** Measures {@link parseIntent} on labelled utterances. Pure: reading and printing is the command's. */
import { MalgwiError } from '../errors.js';
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
  /** Further hypotheses of a recogniser, best first. */
  readonly alternatives?: ParseOptions['alternatives'];
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
    const got = parseIntent(utterance.text, {
      ...options,
      ...(contextual ? { pending: CONTEXT_COMMAND } : {}),
      ...(utterance.alternatives === undefined ? {} : { alternatives: utterance.alternatives }),
    });
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

const NAMES: ReadonlySet<string> = new Set(INTENTS);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks a file's content: `{utterances: [...]}` or the list itself. Throws invalid_field naming the first row at fault. */
export function parseUtterances(content: unknown): LabelledUtterance[] {
  const rows: unknown = isObject(content) ? content['utterances'] : content;
  if (!Array.isArray(rows))
    throw new MalgwiError('invalid_field', {
      detail: 'The file has no list of utterances.',
      param: 'utterances',
    });
  return rows.map((row: unknown, index) => {
    const bad = (what: string): MalgwiError =>
      new MalgwiError('invalid_field', {
        detail: `Utterance ${index + 1}: ${what}.`,
        param: `utterances[${index}]`,
      });
    if (!isObject(row)) throw bad('not an object');
    const { alternatives } = row;
    const { id = String(index + 1), text, intent, slots = {}, accept = [], tags = [] } = row;
    if (typeof text !== 'string') throw bad('text is missing');
    if (typeof intent !== 'string' || !NAMES.has(intent)) throw bad('intent is not one of the contract');
    if (!isObject(slots ?? {})) throw bad('slots is not an object');
    const further = Array.isArray(accept) ? accept : [accept];
    for (const label of further) {
      const name: unknown = isObject(label) ? label['intent'] : label;
      if (typeof name !== 'string' || !NAMES.has(name)) throw bad('accept holds something that is no intent');
    }
    if (!Array.isArray(tags)) throw bad('tags is not a list');
    return {
      id: String(id),
      text,
      intent: intent as IntentName,
      slots: slots as Slots,
      accept: further as NonNullable<LabelledUtterance['accept']>,
      tags: tags.map(String),
      ...(Array.isArray(alternatives)
        ? {
            alternatives: alternatives.filter(
              (other: unknown) => isObject(other) && typeof other['text'] === 'string',
            ) as NonNullable<LabelledUtterance['alternatives']>,
          }
        : {}),
    };
  });
}
