/** The parts of `malgwi batch`: what is to be done, who does it, and what came of it. */
import type { PlainError } from '../../errors.js';
import type { OutputFormat } from '../../jobs/contract.js';

/** An audio file below the folder. */
export interface Source {
  /** From the folder on, with `/` between names; never leads out of it. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

export interface Task extends Source {
  /** Of the file (place, size, time) and of what is wanted of it: what was noted under another mark is not believed. */
  readonly mark: string;
}

/** A file's transcript in every wanted format. */
export interface Rendered {
  readonly texts: ReadonlyMap<OutputFormat, string>;
  /** Seconds of audio. */
  readonly seconds: number;
}

export interface Transcriber {
  /** @throws MalgwiError why this file could not be done; the signal's reason when interrupted */
  transcribe(task: Task, onProgress: (doneSeconds: number) => void): Promise<Rendered>;
  close(): Promise<void>;
}

export interface Failure {
  readonly name: string;
  readonly error: PlainError;
}

export interface BatchReport {
  readonly done: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** Of what was done. */
  readonly audioSeconds: number;
  readonly elapsedSeconds: number;
}

export const EXTENSIONS: Readonly<Record<OutputFormat, string>> = {
  json: 'json',
  text: 'txt',
  srt: 'srt',
  vtt: 'vtt',
};
