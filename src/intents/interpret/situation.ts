/** A phrase and the questions the rules ask of it. */
import type { IntentName } from '../contract.js';
import { Class } from '../grammar/lexicon.js';
import type { Mood } from '../lexicon/conjugation.js';
import type { Mention, MentionKind, Phrase, Predicate } from './phrase.js';

export const REPORTS = new Set<Mood>(['past', 'past-question', 'quote', 'regret', 'offer']);
export const ASKS = new Set<Mood>(['question', 'able', 'permit']);
export const SIDE = new Set<Mood>([
  'connect',
  'cause',
  'condition',
  'purpose',
  'attribute',
  'past-attribute',
  'future-attribute',
  'noun',
  'not-connect',
]);

const PLACES: ReadonlySet<MentionKind> = new Set([
  'seat', 'row', 'room', 'floor', 'preference', 'any', 'relative', 'adjacent',
] as const); // prettier-ignore

/** A phrase with the questions the rules ask of it. */
export class Situation {
  readonly phrase: Phrase;
  readonly main: Predicate | undefined;
  readonly last: Predicate | undefined;

  constructor(
    phrase: Phrase,
    readonly pending: IntentName | undefined,
  ) {
    this.phrase = phrase;
    const { predicates } = phrase;
    this.last = predicates.at(-1);
    const before = predicates.at(-2);
    // 예약하려는데 도와주세요: helped with what one wants.
    if (
      this.last?.sense === 'HELP' &&
      (before?.mood === 'intent' || before?.mood === 'want') &&
      this.last.mood === 'command'
    ) {
      this.phrase = { ...phrase, predicates: predicates.slice(0, -1) };
      this.last = before;
      this.main = before;
      return;
    }
    // 예약하러 왔는데요, 반납하려고 왔어요: what one came for is what one wants.
    if (
      this.last?.sense === 'COME' &&
      this.last.mood === 'past' &&
      (before?.mood === 'intent' || before?.mood === 'purpose')
    ) {
      const wish: Predicate = { ...before, mood: 'intent' };
      this.phrase = { ...phrase, predicates: [...predicates.slice(0, -2), wish] };
      this.last = wish;
      this.main = wish;
      return;
    }
    this.main =
      predicates.findLast(
        (predicate) => !SIDE.has(predicate.mood) && predicate.sense !== 'STICK' && predicate.sense !== 'FAR',
      ) ?? this.last;
  }

  has(...senses: string[]): boolean {
    return senses.some((sense) => this.phrase.senses.has(sense));
  }
  mention(...kinds: MentionKind[]): Mention | undefined {
    return this.phrase.mentions.find((mention) => kinds.includes(mention.kind));
  }
  predicate(...senses: string[]): Predicate | undefined {
    return this.phrase.predicates.findLast((predicate) => senses.includes(predicate.sense));
  }
  /** The main predicate, where it is one of these. */
  mainIs(...senses: string[]): boolean {
    return this.main !== undefined && senses.includes(this.main.sense);
  }
  /** A verbal noun or verb that is done, not merely described: its own mood, or that of a bare noun's light verb. */
  active(...senses: string[]): Predicate | undefined {
    const found = this.predicate(...senses);
    if (
      found === undefined ||
      found.mood === 'noun' ||
      found.mood === 'ongoing' ||
      (found.negated && found !== this.main) ||
      // 취소하면 환불되나요: what would follow is asked, nothing is to be done.
      (found.mood === 'condition' && found !== this.main && ASKS.has(this.mood)) ||
      REPORTS.has(found.mood) ||
      found.mood === 'cause' ||
      found.mood === 'attribute' ||
      found.mood === 'past-attribute'
    )
      return undefined;
    return found;
  }
  /** A verbal noun without a verb of its own, which the main verb may carry: 연장 한 시간만 해 줘. */
  named(sense: string): boolean {
    return (
      this.has(sense) &&
      this.phrase.predicates.every((p) => p.sense !== sense || ((p.mood === 'noun' || p.bare) && !p.negated))
    );
  }
  get mood(): Mood {
    return this.main?.mood ?? 'plain';
  }
  get asks(): boolean {
    return ASKS.has(this.mood);
  }
  get reports(): boolean {
    return REPORTS.has(this.mood);
  }
  get negated(): boolean {
    return this.main?.negated === true;
  }
  /** Whether something is done after a predicate: 비었으면 잡아 줘. */
  predicateAfter(predicate: Predicate): boolean {
    return this.phrase.predicates.some(
      (other) =>
        other.first > predicate.first && ['TAKE', 'RESERVE', 'GIVE', 'DO', 'MOVE'].includes(other.sense),
    );
  }
  /** 됐어, 됐나: a passive light verb carries the main predicate. */
  get becomes(): boolean {
    return this.phrase.senses.has('BECOME');
  }
  /** 사용 중, 쓰고 있어. */
  get inUse(): boolean {
    return (
      this.main?.sense === 'USE' &&
      (this.main.mood === 'question' ||
        this.main.mood === 'ongoing' ||
        this.main.bare ||
        this.main.mood === 'plain')
    );
  }
  get endsAsStatement(): boolean {
    const last = this.phrase.tokens.at(-1);
    return (
      last !== undefined &&
      (last.sense.startsWith('BE:') ||
        (this.main?.last === this.phrase.tokens.length && this.main.mood !== 'command'))
    );
  }
  /** Any wish about which seat: what makes 부탁해요 a reservation. */
  get place(): boolean {
    return (
      this.mention('seat', 'row', 'room', 'floor', 'preference', 'any', 'relative', 'adjacent') !==
        undefined || this.has('SEAT', 'EMPTYSEAT')
    );
  }
  get numbered(): boolean {
    return this.phrase.mentions.some((mention) => mention.kind === 'seat' && mention.bare !== true);
  }
  /** A place that is certain: no number that stands alone, unless it is a goal (이십칠로 해 줘). */
  get solidPlace(): boolean {
    return (
      this.has('SEAT', 'EMPTYSEAT') ||
      this.phrase.tokens.some(
        (token, at) => token.sense === 'PLACE' && this.phrase.tokens[at + 1]?.sense === 'TO',
      ) ||
      this.phrase.mentions.some(
        (mention) =>
          PLACES.has(mention.kind) &&
          (mention.kind === 'preference' || mention.bare === true
            ? mention.role === 'to' && this.near(mention)
            : true),
      )
    );
  }
  /** 창가로 해 줘, but not 앞으로 공부 열심히 할게: nothing but what else is wished for between it and the verb. */
  private near(mention: Mention): boolean {
    const { tokens, mentions } = this.phrase;
    const end = this.main?.first ?? tokens.length;
    if (end < mention.last) return true;
    return tokens
      .slice(mention.last, end)
      .every(
        (token, offset) =>
          token.cls === Class.particle ||
          token.cls === Class.adverb ||
          token.sense === 'REQUEST' ||
          mentions.some(
            (other) => other.first <= mention.last + offset && mention.last + offset < other.last,
          ),
      );
  }
  /** Asks for something to be told, not done: who, why, how many. */
  get inquires(): boolean {
    return this.has('WHO', 'WHY', 'WHICHNUM', 'HOWMANY');
  }
  get slots(): boolean {
    return this.phrase.mentions.some(
      (mention) =>
        mention.kind !== 'all' &&
        mention.kind !== 'now' &&
        mention.kind !== 'that' &&
        mention.kind !== 'together',
    );
  }
  /** A wish that only asks for silence, no seat. */
  get onlyQuiet(): boolean {
    const wishes = this.phrase.mentions.filter((mention) => mention.kind === 'preference');
    return (
      wishes.length > 0 &&
      wishes.every((mention) => mention.value === 'quiet') &&
      !this.has('SEAT', 'PLACE', 'EMPTYSEAT', 'RESERVE', 'ROOMWORD') &&
      !this.numbered &&
      !wishes.some((mention) => mention.role === 'to')
    );
  }
  /** How many tokens say something: fillers and particles left out. */
  get content(): number {
    return this.phrase.tokens.filter(
      (token) => token.cls !== Class.adverb && token.cls !== Class.particle && token.cls !== Class.ending,
    ).length;
  }
  only(...senses: string[]): boolean {
    return this.phrase.tokens.every(
      (token) =>
        token.cls === Class.adverb ||
        token.cls === Class.particle ||
        token.cls === Class.ending ||
        senses.includes(token.sense),
    );
  }
}

export interface Vote {
  readonly intent: IntentName;
  /** Log-odds scale; 0 is undecided. */
  readonly strength: number;
  /** Token of the word that decided, for the explanation. */
  readonly token?: number;
}

export type Rule = (s: Situation) => Vote | undefined;

export const vote = (intent: IntentName, strength: number, by?: Predicate): Vote => ({
  intent,
  strength,
  ...(by === undefined ? {} : { token: by.first }),
});
