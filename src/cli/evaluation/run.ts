/** Recognises the utterances of a manifest and scores them. */
import { availableParallelism } from 'node:os';
import type { Recognizer, Transcript } from '../../recognition/contract.js';
import { mapOrdered } from '../concurrency.js';
import { describeError } from '../errors.js';
import type { EvaluationItem } from './manifest.js';
import { scoreUtterance, type ScoredUtterance } from './report.js';

export interface RunOptions {
  readonly model?: string;
  readonly signal: AbortSignal;
  readonly onDone: (utterance: ScoredUtterance) => void;
  /** Text and seconds of a recording; unless given, that of a file which is there in one piece. */
  readonly transcribe?: (path: string) => Promise<{ readonly text: string; readonly duration: number }>;
}

/**
 * Scores every item, in order. A file that fails is scored as an empty hypothesis and carries its error.
 * @throws MalgwiError cancelled
 */
export async function evaluateItems(
  recognizer: Recognizer,
  items: readonly EvaluationItem[],
  options: RunOptions,
): Promise<ScoredUtterance[]> {
  const ofFile = (path: string): Promise<Transcript> =>
    recognizer.transcribeFile(path, {
      priority: 'batch',
      signal: options.signal,
      ...(options.model === undefined ? {} : { model: options.model }),
    });
  const transcribe = options.transcribe ?? ofFile;
  const work = async (item: EvaluationItem): Promise<ScoredUtterance> => {
    let result: ScoredUtterance;
    options.signal.throwIfAborted();
    try {
      const { text, duration } = await transcribe(item.path);
      result = scoreUtterance(item, text, duration);
    } catch (error) {
      if (options.signal.aborted) throw options.signal.reason;
      const { code, message } = describeError(error);
      result = scoreUtterance(item, '', 0, { code, message });
    }
    options.onDone(result);
    return result;
  };
  // Utterances are short: while one is opened and cut, another one must keep each worker busy.
  const underWay = 2 * (recognizer.stats().workers || availableParallelism());
  const scored: ScoredUtterance[] = [];
  for await (const utterance of mapOrdered(items, underWay, work)) scored.push(utterance);
  return scored;
}
