/** `malgwi mic`: the microphone, live, in the terminal. */
import { Option, type Command } from 'commander';
import { guarded } from '../errors.js';
import { LiveView } from '../live-view.js';
import {
  findRecorder,
  MICROPHONE_RATE,
  openMicrophone,
  RECORDERS,
  type Microphone,
  type RecorderName,
} from '../microphone.js';
import { addModelOptions, httpUrl, readConfig, type ModelOptions } from '../options.js';
import { onInterrupt } from '../signals.js';
import type { LiveTarget, ServerMessage } from '../live-target.js';

interface MicOptions extends ModelOptions {
  readonly recorder?: RecorderName;
  readonly device?: string;
  readonly server?: URL;
  readonly json?: true;
  readonly intent: boolean;
}

const EXAMPLES = `
Examples:
  $ malgwi mic
  $ malgwi mic --server http://localhost:3000
  $ malgwi mic --recorder arecord --device plughw:1,0
  $ malgwi mic --json | jq -r 'select(.type == "final").text'

Ctrl-C ends the recording; the last words are still recognised and printed.
With --json the lines are the messages of /v1/stream (docs/reference/live.md).
It needs a recorder program: arecord (alsa-utils) or SoX.`;

export function registerMic(program: Command): void {
  const command = program
    .command('mic')
    .description('recognise the microphone live')
    .addOption(new Option('--recorder <name>', 'program that records').choices(RECORDERS))
    .option('--device <name>', "the recorder's input device")
    .option('--server <url>', 'recognise on a running service instead of in this process', httpUrl)
    .option('--json', 'print events as JSON lines')
    .option('--no-intent', 'do not look for seat intents')
    .addHelpText('after', EXAMPLES);
  addModelOptions(command).action(guarded(mic));
}

async function mic(options: MicOptions): Promise<void> {
  const config = await readConfig(options);
  // Whoever has no recorder learns so at once, not after the model was loaded.
  const recorder = await findRecorder(options.recorder);
  const interrupt = onInterrupt();
  const view = new LiveView(process.stdout);
  const onMessage = (message: ServerMessage): void => {
    if (options.json) process.stdout.write(`${JSON.stringify(message)}\n`);
    else view.show(message);
  };
  let target: LiveTarget | undefined;
  try {
    const { openLocalTarget, openServerTarget } = await import('../live-target.js');
    const audio = {
      encoding: 'pcm_s16le',
      sampleRate: MICROPHONE_RATE,
      channels: 1,
      intents: options.intent,
    } as const;
    const { server, model } = options;
    target =
      server === undefined
        ? await openLocalTarget(config, audio, onMessage)
        : await openServerTarget(server, { ...audio, model }, config.server.apiKeys[0], onMessage);
    interrupt.signal.throwIfAborted();
    const device = options.device === undefined ? {} : { device: options.device };
    const microphone = await openMicrophone({ recorder, ...device });
    interrupt.signal.addEventListener('abort', microphone.stop);
    if (!options.json) process.stderr.write(`Listening through ${recorder}. Ctrl-C ends.\n`);
    await pump(microphone, target);
  } finally {
    view.clear();
    await target?.close();
    interrupt.release();
  }
}

/** Recognises until the recorder ends, and what is left after it; the recorder is ended in every case. */
async function pump(microphone: Microphone, target: LiveTarget): Promise<void> {
  try {
    for await (const bytes of microphone.chunks) await target.feed(bytes);
    await target.finish();
  } finally {
    microphone.stop();
  }
}
