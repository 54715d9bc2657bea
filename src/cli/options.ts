/** Options that several commands share, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { OpenAudioOptions, RawEncoding } from '../audio/contract.js';
import type { Config, ConfigOverrides } from '../config.js';

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
