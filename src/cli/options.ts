/** Options that several commands share, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenAudioOptions, RawEncoding } from '../audio/contract.js';
import type { Config, ConfigOverrides } from '../config.js';
import type { HotWord } from '../decoding/contract.js';
import type { Segmentation } from '../recognition/contract.js';

export interface ModelOptions {
  readonly model?: string;
  readonly modelsDir?: string;
  readonly workers?: number;
}

/** `--model`, `--models-dir` and `--workers`. */
export function addModelOptions(command: Command): Command {
  return command
    .addOption(new Option('-m, --model <name>', 'installed model to use (default: malgwi-ko)'))
    .addOption(new Option('--models-dir <folder>', 'folder of model packages'))
    .addOption(
      new Option('--workers <count>', 'threads that recognise (default: one per core)').argParser(
        integer(1, 256),
      ),
    );
}

/** How recordings are cut and decoded, where that is not left to the model package. */
export interface DecodingOptions {
  readonly beamWidth?: number;
  readonly alternatives?: number;
  readonly hotWord?: readonly HotWord[];
  readonly lmAlpha?: number;
  readonly lmBeta?: number;
  readonly segmentation?: Segmentation;
}

const MAX_WEIGHT = 1000;
const MAX_HOT_WORDS = 1000;
const MAX_PHRASE = 100;

/** `--beam-width`, `--alternatives`, `--hot-word`, `--lm-alpha`, `--lm-beta` and `--segmentation`. */
export function addDecodingOptions(command: Command): Command {
  const weight = decimal(-MAX_WEIGHT, MAX_WEIGHT);
  return command
    .addOption(new Option('--beam-width <count>', 'hypotheses the search keeps').argParser(integer(1, 4096)))
    .addOption(
      new Option('--alternatives <count>', 'hypotheses to return, the best included').argParser(
        integer(1, 100),
      ),
    )
    .addOption(
      new Option('--hot-word <word:boost>', 'word or phrase to favour; may be given again').argParser(
        hotWord,
      ),
    )
    .addOption(new Option('--lm-alpha <weight>', 'weight of the language model').argParser(weight))
    .addOption(
      new Option('--lm-beta <bonus>', "bonus for each of the language model's units").argParser(weight),
    )
    .addOption(
      new Option('--segmentation <how>', 'cut at pauses, or take each file as one utterance').choices([
        'pauses',
        'none',
      ]),
    );
}

/** The same for the recogniser. */
export function decoding(options: DecodingOptions) {
  const { beamWidth, alternatives, hotWord: hotWords, lmAlpha, lmBeta, segmentation } = options;
  return {
    ...(beamWidth === undefined ? {} : { beamWidth }),
    ...(alternatives === undefined ? {} : { alternatives }),
    ...(hotWords === undefined ? {} : { hotWords }),
    ...(lmAlpha === undefined ? {} : { lmAlpha }),
    ...(lmBeta === undefined ? {} : { lmBeta }),
    ...(segmentation === undefined ? {} : { segmentation }),
  };
}

/** One more `WORD:BOOST`; the boost stands behind the last colon. */
export function hotWord(text: string, earlier: readonly HotWord[] = []): readonly HotWord[] {
  const colon = text.lastIndexOf(':');
  const phrase = text.slice(0, Math.max(0, colon)).trim().replace(/\s+/g, ' ');
  if (phrase === '') {
    throw new InvalidArgumentError('It must be WORD:BOOST, such as 좌석:3.5 or "창가 쪽":2.');
  }
  if (phrase.length > MAX_PHRASE) {
    throw new InvalidArgumentError(`The word is longer than ${MAX_PHRASE} characters.`);
  }
  if (earlier.length >= MAX_HOT_WORDS) {
    throw new InvalidArgumentError(`There may be ${MAX_HOT_WORDS} of them.`);
  }
  if (earlier.some((one) => one.phrase === phrase)) {
    throw new InvalidArgumentError('This word has a boost already.');
  }
  const weight = decimal(-MAX_WEIGHT, MAX_WEIGHT)(text.slice(colon + 1).trim());
  return [...earlier, { phrase, weight }];
}

/** The environment's configuration with the command line's options on top. @throws MalgwiError config_invalid */
export async function readConfig(options: ModelOptions, more: ConfigOverrides = {}): Promise<Config> {
  const { loadConfig } = await import('../config.js');
  return loadConfig(process.env, {
    ...more,
    models: {
      ...(options.model === undefined ? {} : { default: options.model }),
      ...(options.modelsDir === undefined ? {} : { dir: options.modelsDir }),
    },
    workers: options.workers === undefined ? {} : { count: options.workers },
  });
}

/** A parser of whole numbers within bounds. */
export function integer(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** A parser of numbers within bounds. */
export function decimal(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It must be a number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** A parser of http and https addresses. */
export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('It must be an http or https address.');
  }
  return url;
}

const ENCODINGS: readonly RawEncoding[] = ['pcm_s16le', 'pcm_f32le', 'mulaw', 'alaw'];

/** `ENCODING:RATE:CHANNELS` of headerless audio. */
export function rawFormat(text: string): NonNullable<OpenAudioOptions['raw']> {
  const [encoding, rate, channels = '1', ...rest] = text.split(':');
  const sampleRate = Number(rate);
  const count = Number(channels);
  const valid =
    rest.length === 0 &&
    ENCODINGS.includes(encoding as RawEncoding) &&
    Number.isInteger(sampleRate) &&
    sampleRate >= 1000 &&
    sampleRate <= 768_000 &&
    Number.isInteger(count) &&
    count >= 1 &&
    count <= 64;
  if (!valid) {
    throw new InvalidArgumentError(
      `It must be ENCODING:RATE:CHANNELS, such as pcm_s16le:16000:1; encodings are ${ENCODINGS.join(', ')}.`,
    );
  }
  return { encoding: encoding as RawEncoding, sampleRate, channels: count };
}
