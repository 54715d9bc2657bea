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
import { grouped, groupOf } from './groups.js';
import type { EvaluationItem } from './manifest.js';

export interface ScoredUtterance {
  readonly audio: string;
  readonly split: string;
  readonly speaker?: string;
  /** Of the manifest's line. */
  readonly fields: Readonly<Record<string, string>>;
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
  item: Pick<EvaluationItem, 'audio' | 'text' | 'split' | 'speaker'> &
    Partial<Pick<EvaluationItem, 'fields'>>,
  hypothesis: string,
  seconds: number,
  error?: ScoredUtterance['error'],
): ScoredUtterance {
  return {
    audio: item.audio,
    split: item.split,
    ...(item.speaker === undefined ? {} : { speaker: item.speaker }),
    fields: item.fields ?? {},
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

/** Figures of a part of the utterances. */
export interface GroupFigures extends Figures {
  readonly intervals: Intervals;
}

/** 95 % bootstrap intervals; resampled are speakers where every line names one of at least ten, else utterances. */
export interface Intervals {
  readonly cerNoSpaces: readonly [number, number] | null;
  readonly cer: readonly [number, number] | null;
  readonly wer: readonly [number, number] | null;
  readonly unit: 'speaker' | 'utterance';
}

export interface EvaluationReport extends GroupFigures {
  readonly model: string;
  readonly normalizer: string;
  /** Wall-clock seconds of recognition for each second of audio, all workers together. */
  readonly realTimeFactor: number | null;
  readonly wallSeconds: number;
  readonly bySplit: Readonly<Record<string, Figures>>;
  /** By what was asked for: a field of the manifest, or `duration`. */
  readonly by: Readonly<Record<string, Readonly<Record<string, GroupFigures>>>>;
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

function intervalsOf(utterances: readonly ScoredUtterance[]): Intervals {
  const speakers = new Set(utterances.map((utterance) => utterance.speaker));
  const bySpeaker = !speakers.has(undefined) && speakers.size >= MIN_SPEAKERS;
  const units = bySpeaker
    ? [...grouped(utterances, (utterance) => utterance.speaker!).values()]
    : utterances.map((utterance) => [utterance]);
  const interval = (pick: (utterance: ScoredUtterance) => EditCounts) =>
    bootstrapInterval(units.map((unit) => unit.map(pick).reduce(addCounts, NO_EDITS)));
  return {
    cerNoSpaces: interval((utterance) => utterance.charactersNoSpaces),
    cer: interval((utterance) => utterance.characters),
    wer: interval((utterance) => utterance.words),
    unit: bySpeaker ? 'speaker' : 'utterance',
  };
}

/**
 * @param run by: fields of the manifest, or `duration`, to give the figures apart by
 */
export function buildReport(
  utterances: readonly ScoredUtterance[],
  run: { readonly model: string; readonly wallSeconds: number; readonly by?: readonly string[] },
): EvaluationReport {
  const all = figures(utterances);
  const splits = [...new Set(utterances.map((utterance) => utterance.split))].sort();
  return {
    model: run.model,
    ...all,
    realTimeFactor: all.audioSeconds > 0 ? run.wallSeconds / all.audioSeconds : null,
    wallSeconds: run.wallSeconds,
    normalizer: NORMALIZER_VERSION,
    intervals: intervalsOf(utterances),
    bySplit: Object.fromEntries(
      splits.map((split) => [split, figures(utterances.filter((utterance) => utterance.split === split))]),
    ),
    by: Object.fromEntries((run.by ?? []).map((field) => [field, groupFigures(utterances, field)])),
    failures: utterances.flatMap(({ audio, error }) => (error === undefined ? [] : [{ audio, ...error }])),
  };
}

function groupFigures(utterances: readonly ScoredUtterance[], field: string): Record<string, GroupFigures> {
  const groups = [...grouped(utterances, (utterance) => groupOf(utterance, field))];
  groups.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return Object.fromEntries(
    groups.map(([name, group]) => [name, { ...figures(group), intervals: intervalsOf(group) }]),
  );
}
