/** Sends the counts of an evaluation to a running service, for its metrics (`POST /v1/evaluations`). */
import { ERRORS, MalgwiError, type ErrorCode } from '../../errors.js';
import type { Counts, EvaluationReport } from './report.js';

const TIMEOUT_MS = 10_000;
const MAX_SET_NAME = 64;

const edits = (counts: Counts): number => counts.substitutions + counts.deletions + counts.insertions;

/** A name that the service accepts as a set: letters, digits, `.`, `_`, `/` and `-`. */
export function setName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9._/-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return name.slice(0, MAX_SET_NAME) || 'evaluation';
}

/**
 * Posts what the service counts: character edits without spaces and word edits, with their reference lengths.
 * @returns the name that the set has in the metrics
 * @throws MalgwiError not_ready when nothing answers, or the service's own error
 */
export async function pushReport(
  service: URL,
  report: EvaluationReport,
  set: string,
  key: string | undefined,
): Promise<string> {
  const body = {
    model: report.model,
    set: setName(set),
    normalizer: report.normalizer,
    characterEdits: edits(report.noSpaces),
    referenceCharacters: report.noSpaces.referenceCharacters,
    wordEdits: edits(report.words),
    referenceWords: report.words.referenceWords,
    utterances: report.utterances,
  };
  let response: Response;
  try {
    response = await fetch(new URL('v1/evaluations', withSlash(service)), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new MalgwiError('not_ready', { detail: `No service answers at ${service.origin}.`, cause: error });
  }
  if (!response.ok) throw await refusal(response);
  return body.set;
}

/** A service may be mounted below a path: what stands in the address stays. */
function withSlash(url: URL): URL {
  const base = new URL(url);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

async function refusal(response: Response): Promise<MalgwiError> {
  const answer = (await response.json().catch(() => undefined)) as
    { error?: { code?: string; message?: string } } | undefined;
  const { code, message } = answer?.error ?? {};
  const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'invalid_request';
  return new MalgwiError(known, {
    detail: `The service refused the counts: ${message ?? `status ${response.status}`}`,
  });
}
