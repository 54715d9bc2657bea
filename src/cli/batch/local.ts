/** A batch on this machine, in this process. */
import type { Config } from '../../config.js';
import { formatTranscript, type Rendering } from '../../http/transcription/format.js';
import type { OutputFormat } from '../../jobs/contract.js';
import type { Recognizer, Transcript } from '../../recognition/contract.js';
import { startRecognizer } from '../recognizer.js';
import type { Rendered, Task, Transcriber } from './contract.js';

/** The same text as the service gives for a job. */
export function render(transcript: Transcript, format: OutputFormat): string {
  const rendering: Rendering = {
    format: format === 'json' ? 'verbose_json' : format,
    logprobs: false,
    granularities: new Set(['segment', 'word']),
    temperature: 0,
  };
  const { body } = formatTranscript(transcript, rendering);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export class LocalTranscriber implements Transcriber {
  private constructor(
    private readonly recognizer: Recognizer,
    private readonly formats: readonly OutputFormat[],
    private readonly signal: AbortSignal,
  ) {}

  /** @throws MalgwiError of the models */
  static async start(
    config: Config,
    formats: readonly OutputFormat[],
    signal: AbortSignal,
  ): Promise<LocalTranscriber> {
    return new LocalTranscriber(await startRecognizer(config), formats, signal);
  }

  async transcribe({ path }: Task, onProgress: (doneSeconds: number) => void): Promise<Rendered> {
    const { signal } = this;
    const transcript = await this.recognizer.transcribeFile(path, { priority: 'batch', signal, onProgress });
    const texts = new Map(this.formats.map((format) => [format, render(transcript, format)]));
    return { texts, seconds: transcript.duration };
  }

  close(): Promise<void> {
    return this.recognizer.close();
  }
}
