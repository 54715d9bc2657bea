/** `malgwi transcribe`: files in, transcripts out, as text, JSON, SubRip or WebVTT. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { MalgwiError, type PlainError } from '../../errors.js';
import type { OpenAudioOptions } from '../../audio/contract.js';
import type { Recognizer, Transcript } from '../../recognition/contract.js';
import { toSrt, toText, toVtt } from '../../recognition/formats.js';
import { mapOrdered } from '../concurrency.js';
import { describeError, guarded, printable } from '../errors.js';
import { openInputs, outputNames, probeSeconds, STDIN, type Input } from '../inputs.js';
import {
  addDecodingOptions,
  addModelOptions,
  decoding,
  rawFormat,
  readConfig,
  type DecodingOptions,
  type ModelOptions,
} from '../options.js';
import { ProgressBar } from '../progress.js';
import { startRecognizer } from '../recognizer.js';
import { onInterrupt, type Interrupt } from '../signals.js';

/** Files under way at once: their segments fill all workers already, two hide the end of one behind the next. */
const CONCURRENT_FILES = 2;

type Format = 'text' | 'json' | 'srt' | 'vtt';
const EXTENSIONS: Record<Format, string> = { text: 'txt', json: 'json', srt: 'srt', vtt: 'vtt' };

interface TranscribeOptions extends ModelOptions, DecodingOptions {
  readonly text?: true;
  readonly json?: true;
  readonly srt?: true;
  readonly vtt?: true;
  readonly metadata?: true;
  readonly raw?: OpenAudioOptions['raw'];
  readonly output?: string;
}

interface Outcome {
  readonly input: Input;
  readonly transcript?: Transcript;
  readonly error?: PlainError;
}

const EXAMPLES = `
Examples:
  $ malgwi transcribe meeting.m4a
  $ malgwi transcribe --srt --output subtitles/ *.mp3
  $ malgwi transcribe --json call.wav | jq -r .text
  $ ffmpeg -i film.mkv -f wav - | malgwi transcribe --vtt - > film.vtt
  $ malgwi transcribe --beam-width 64 --hot-word "창가 쪽:2" --hot-word 좌석:1.5 call.wav
  $ malgwi transcribe --raw pcm_s16le:8000:1 phone.pcm

Every common format is accepted: wav, flac, mp3, ogg, webm, m4a, aac.
Exit code 1 when a file failed; the others are still done.`;

export function registerTranscribe(program: Command): void {
  const command = program
    .command('transcribe')
    .description('turn audio files into text')
    .argument('<file...>', `audio files; ${STDIN} is standard input`)
    .addOption(
      new Option('--text', 'one line for each utterance (default)').conflicts(['json', 'srt', 'vtt']),
    )
    .addOption(
      new Option('--json', 'text, segments, words with times and confidence').conflicts(['srt', 'vtt']),
    )
    .addOption(new Option('--srt', 'SubRip subtitles').conflicts(['vtt']))
    .option('--vtt', 'WebVTT subtitles')
    .option('--metadata', 'with --json: tokens with timestep, start time and confidence')
    .addOption(
      new Option('--raw <encoding:rate:channels>', 'files are headerless samples').argParser(rawFormat),
    )
    .option('-o, --output <folder>', 'write one file for each input instead of to standard output')
    .addHelpText('after', EXAMPLES);
  addModelOptions(addDecodingOptions(command)).action(guarded(transcribe));
}

async function transcribe(files: string[], options: TranscribeOptions): Promise<void> {
  const format = (['json', 'srt', 'vtt'] as const).find((name) => options[name]) ?? 'text';
  if (files.length > 1 && options.output === undefined && (format === 'srt' || format === 'vtt')) {
    throw new MalgwiError('invalid_request', {
      detail: 'Subtitles of several files need --output: they cannot stand in one stream.',
    });
  }
  if (options.metadata && format !== 'json') {
    throw new MalgwiError('invalid_request', { detail: '--metadata is part of the JSON: it needs --json.' });
  }
  if (files.filter((file) => file === STDIN).length > 1) {
    throw new MalgwiError('invalid_request', { detail: 'Standard input can be read only once.' });
  }
  const config = await readConfig(options);
  const interrupt = onInterrupt();
  const inputs = await openInputs(files, interrupt.signal);
  let recognizer: Recognizer | undefined;
  try {
    if (options.output !== undefined) await makeFolder(options.output);
    recognizer = await startRecognizer(config);
    await transcribeAll(recognizer, inputs.list, format, options, interrupt);
  } finally {
    await Promise.all([inputs.close(), recognizer?.close()]);
    interrupt.release();
  }
}

/** @throws MalgwiError invalid_request */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new MalgwiError('invalid_request', {
      detail: `The folder ${folder} of --output cannot be made: ${reason}.`,
      cause: error,
    });
  }
}

async function transcribeAll(
  recognizer: Recognizer,
  inputs: readonly Input[],
  format: Format,
  options: TranscribeOptions,
  interrupt: Interrupt,
): Promise<void> {
  const lengths = process.stderr.isTTY ? await probeSeconds(inputs, options.raw) : [];
  const known = lengths.length > 0 && lengths.every((seconds) => seconds !== undefined);
  const done = inputs.map(() => 0);
  let finished = 0;
  const bar = new ProgressBar(() => ({
    doneSeconds: done.reduce((sum, seconds) => sum + seconds, 0),
    totalSeconds: known ? lengths.reduce<number>((sum, seconds) => sum + (seconds ?? 0), 0) : undefined,
    itemsDone: finished,
    items: inputs.length,
    unit: 'files',
  }));
  const work = async (input: Input, index: number): Promise<Outcome> => {
    try {
      interrupt.signal.throwIfAborted();
      const transcript = await recognizer.transcribeFile(input.path, {
        priority: 'batch',
        signal: interrupt.signal,
        onProgress: (seconds) => {
          done[index] = seconds;
        },
        ...decoding(options),
        ...(options.metadata ? { metadata: true } : {}),
        ...(options.raw === undefined ? {} : { raw: options.raw }),
      });
      return { input, transcript };
    } catch (error) {
      if (interrupt.signal.aborted) throw interrupt.signal.reason;
      // A file that failed counts as done with all it has, or the bar would never be full.
      done[index] = lengths[index] ?? done[index];
      return { input, error: describeError(error) };
    } finally {
      finished += 1;
    }
  };
  const sink = createSink(inputs, format, options.output);
  bar.start();
  try {
    let index = 0;
    for await (const outcome of mapOrdered(inputs, CONCURRENT_FILES, work)) {
      const report = await sink.add(outcome, index);
      bar.interrupt(() => {
        process.stdout.write(report);
        if (outcome.error === undefined) return;
        const { code, message } = outcome.error;
        process.stderr.write(`${printable(outcome.input.name)}: ${printable(`${code}: ${message}`)}\n`);
      });
      if (outcome.error !== undefined) process.exitCode = 1;
      index += 1;
    }
    process.stdout.write(sink.end());
  } finally {
    bar.stop();
  }
}

interface Sink {
  /** What to print for this outcome, after writing its file where there is a folder for it. */
  add(outcome: Outcome, index: number): Promise<string>;
  /** What to print when all is done. */
  end(): string;
}

function createSink(inputs: readonly Input[], format: Format, folder: string | undefined): Sink {
  if (folder !== undefined) {
    const names = outputNames(inputs, EXTENSIONS[format]);
    return {
      add: async (outcome, index) => {
        if (outcome.transcript === undefined) return '';
        const path = join(folder, names[index]);
        // Renamed into place: nobody ever finds half a transcript.
        await writeFile(`${path}.part`, render(outcome, format));
        await rename(`${path}.part`, path);
        return `${printable(outcome.input.name)} -> ${printable(path)}\n`;
      },
      end: () => '',
    };
  }
  const several = inputs.length > 1;
  if (format === 'json' && several) {
    return {
      add: (outcome, index) =>
        Promise.resolve(`${index === 0 ? '[\n' : ',\n'}${render(outcome, format).trimEnd()}`),
      end: () => '\n]\n',
    };
  }
  let titled = false;
  return {
    add: (outcome) => {
      if (outcome.transcript === undefined && format !== 'json') return Promise.resolve('');
      const title = several ? `${titled ? '\n' : ''}==> ${printable(outcome.input.name)} <==\n` : '';
      titled = true;
      return Promise.resolve(`${title}${render(outcome, format)}`);
    },
    end: () => '',
  };
}

function render({ input, transcript, error }: Outcome, format: Format): string {
  if (format === 'json') return `${JSON.stringify({ file: input.name, ...transcript, error }, null, 2)}\n`;
  if (transcript === undefined) return '';
  return { text: toText, srt: toSrt, vtt: toVtt }[format](transcript);
}
