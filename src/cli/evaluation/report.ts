/** From scored utterances to the figures of an evaluation. Pure. */
import {
  addCounts,
  NO_EDITS,
  NORMALIZER_VERSION,
  rate,
  scoreCharacters,
  scoreWords,
  type EditCounts,
} from '../../korean/scoring.js';
import { bootstrapInterval } from './bootstrap.js';

export interface ScoredUtterance {
  readonly audio: string;
  readonly split: string;
  readonly speaker?: string;
  readonly reference: string;
  readonly hypothesis: string;
  readonly characters: EditCounts;
  readonly charactersNoSpaces: EditCounts;
  readonly words: EditCounts;
  /** Seconds of audio; 0 when it could not be read. */
  readonly seconds: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** @param hypothesis empty for a file that failed: all of its reference counts as deleted */
export function scoreUtterance(
  item: { readonly audio: string; readonly text: string; readonly split: string; readonly speaker?: string },
  hypothesis: string,
  seconds: number,
  error?: ScoredUtterance['error'],
): ScoredUtterance {
  return {
    audio: item.audio,
    split: item.split,
    ...(item.speaker === undefined ? {} : { speaker: item.speaker }),
    reference: item.text,
    hypothesis,
    characters: scoreCharacters(item.text, hypothesis, { spaces: true }),
    charactersNoSpaces: scoreCharacters(item.text, hypothesis, { spaces: false }),
    words: scoreWords(item.text, hypothesis),
    seconds,
    ...(error === undefined ? {} : { error }),
  };
}

export interface Counts {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

export interface Figures extends Counts {
  /** Character error rate with spaces counted as characters; the counts beside it are its own. */
  readonly cer: number | null;
  readonly cerNoSpaces: number | null;
  readonly wer: number | null;
  readonly referenceCharacters: number;
  readonly utterances: number;
  readonly failed: number;
  readonly audioSeconds: number;
  readonly noSpaces: Counts & { readonly referenceCharacters: number };
  readonly words: Counts & { readonly referenceWords: number };
}

export interface EvaluationReport extends Figures {
  readonly model: string;
  readonly normalizer: string;
  /** Wall-clock seconds of recognition for each second of audio, all workers together. */
  readonly realTimeFactor: number | null;
  readonly wallSeconds: number;
  /** 95 % bootstrap intervals; resampled are speakers where every line names one of at least ten, else utterances. */
  readonly intervals: {
    readonly cerNoSpaces: readonly [number, number] | null;
    readonly cer: readonly [number, number] | null;
    readonly wer: readonly [number, number] | null;
    readonly unit: 'speaker' | 'utterance';
  };
  readonly bySplit: Readonly<Record<string, Figures>>;
  readonly failures: readonly { readonly audio: string; readonly code: string; readonly message: string }[];
}

/** Utterances of one speaker go wrong together, so speakers are the units; of too few nothing can be resampled. */
const MIN_SPEAKERS = 10;

/** JSON has no infinity: a rate over an empty reference with insertions is null. */
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const kinds = ({ substitutions, deletions, insertions }: EditCounts): Counts => ({
  substitutions,
  deletions,
  insertions,
});

export function figures(utterances: readonly ScoredUtterance[]): Figures {
  const sum = (pick: (utterance: ScoredUtterance) => EditCounts): EditCounts =>
    utterances.map(pick).reduce(addCounts, NO_EDITS);
  const characters = sum((utterance) => utterance.characters);
  const noSpaces = sum((utterance) => utterance.charactersNoSpaces);
  const words = sum((utterance) => utterance.words);
  return {
    cer: finite(rate(characters)),
    cerNoSpaces: finite(rate(noSpaces)),
    wer: finite(rate(words)),
    ...kinds(characters),
    referenceCharacters: characters.referenceLength,
    utterances: utterances.length,
    failed: utterances.filter((utterance) => utterance.error !== undefined).length,
    audioSeconds: utterances.reduce((total, utterance) => total + utterance.seconds, 0),
    noSpaces: { ...kinds(noSpaces), referenceCharacters: noSpaces.referenceLength },
    words: { ...kinds(words), referenceWords: words.referenceLength },
  };
}

export function buildReport(
  utterances: readonly ScoredUtterance[],
  run: { readonly model: string; readonly wallSeconds: number },
): EvaluationReport {
  const all = figures(utterances);
  const splits = [...new Set(utterances.map((utterance) => utterance.split))].sort();
  const speakers = new Set(utterances.map((utterance) => utterance.speaker));
  const bySpeaker = !speakers.has(undefined) && speakers.size >= MIN_SPEAKERS;
  const groups = new Map<string, ScoredUtterance[]>();
  utterances.forEach((utterance, index) => {
    const key = bySpeaker ? utterance.speaker! : String(index);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [utterance]);
    else group.push(utterance);
  });
  const interval = (pick: (utterance: ScoredUtterance) => EditCounts) =>
    bootstrapInterval([...groups.values()].map((group) => group.map(pick).reduce(addCounts, NO_EDITS)));
  return {
    model: run.model,
    ...all,
    realTimeFactor: all.audioSeconds > 0 ? run.wallSeconds / all.audioSeconds : null,
    wallSeconds: run.wallSeconds,
    normalizer: NORMALIZER_VERSION,
    intervals: {
      cerNoSpaces: interval((utterance) => utterance.charactersNoSpaces),
      cer: interval((utterance) => utterance.characters),
      wer: interval((utterance) => utterance.words),
      unit: bySpeaker ? 'speaker' : 'utterance',
    },
    bySplit: Object.fromEntries(
      splits.map((split) => [split, figures(utterances.filter((utterance) => utterance.split === split))]),
    ),
    failures: utterances.flatMap(({ audio, error }) => (error === undefined ? [] : [{ audio, ...error }])),
  };
}
