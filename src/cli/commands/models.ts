/** `malgwi models`: what is installed, what a package says about itself, whether it computes what it should. */
import type { Command } from 'commander';
import type { ModelPackage } from '../../models/manifest.js';
import { errorLine, guarded, printable } from '../errors.js';
import { openModel, openModels, type ModelsOptions } from '../installed.js';
import { table } from '../table.js';
import { removeModel } from './models-remove.js';
import { verifyModel } from './models-verify.js';

const EXAMPLES = `
Examples:
  $ malgwi models
  $ malgwi models show malgwi-ko
  $ malgwi models list --json --models-dir /srv/models
  $ malgwi models verify my-model --reference golden.npz
  $ malgwi models remove my-model`;

export function registerModels(program: Command): void {
  const models = program
    .command('models')
    .description('list the installed models; show, verify or remove one')
    .addHelpText('after', EXAMPLES);
  models
    .command('list', { isDefault: true })
    .description('installed models (default)')
    .option('--models-dir <folder>', 'folder of model packages')
    .option('--json', 'print JSON')
    .action(guarded(list));
  models
    .command('show')
    .description('everything a model package says about itself')
    .argument('<name>', 'installed model')
    .option('--models-dir <folder>', 'folder of model packages')
    .option('--json', 'print the manifest as JSON')
    .action(guarded(show));
  models
    .command('verify')
    .description('compare a model with the results of the engine it comes from')
    .argument('<name>', 'installed model')
    .requiredOption('--reference <file.npz>', 'features or samples, and the tokens or texts they gave')
    .option('--models-dir <folder>', 'folder of model packages')
    .option('--json', 'print JSON')
    .action(guarded(verifyModel));
  models
    .command('remove')
    .description('delete the folder of a model package')
    .argument('<name>', 'installed model')
    .option('-y, --yes', 'do not ask')
    .option('--force', 'even if it is the default model')
    .option('--models-dir <folder>', 'folder of model packages')
    .action(guarded(removeModel));
}

const sizeOf = ({ manifest }: ModelPackage): number =>
  Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);

const errorRate = (metric: { readonly edits: number; readonly referenceCharacters: number }): string =>
  `${((100 * metric.edits) / Math.max(1, metric.referenceCharacters)).toFixed(2)} %`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;

async function list(options: ModelsOptions): Promise<void> {
  const { installed, config } = await openModels(options);
  const models = [...installed.packages.values()].map((model) => ({
    name: model.manifest.name,
    version: model.manifest.version,
    language: model.manifest.language,
    family: model.manifest.family,
    architecture: model.manifest.architecture.name,
    parameters: model.manifest.architecture.parameters,
    bytes: sizeOf(model),
    license: model.manifest.license.weights,
    isDefault: model.manifest.name === config.models.default,
    metrics: model.manifest.metrics,
  }));
  const broken = installed.broken.map(({ folder, error }) => ({
    folder,
    code: error.code,
    message: error.message,
  }));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ models, broken }, null, 2)}\n`);
    return;
  }
  const rows = models.map((model) => [
    `${model.name}${model.isDefault ? ' *' : ''}`,
    model.version,
    model.architecture,
    millions(model.parameters),
    megabytes(model.bytes),
    model.metrics[0] === undefined ? '-' : `${errorRate(model.metrics[0])} (${model.metrics[0].set})`,
    model.license,
  ]);
  const head = ['NAME', 'VERSION', 'ARCHITECTURE', 'PARAMETERS', 'SIZE', 'CER', 'LICENCE'];
  if (rows.length > 0) process.stdout.write(`${table([head, ...rows])}\n* is the default\n`);
  else process.stderr.write('No model that can be used is installed.\n');
  for (const { folder, error } of installed.broken) {
    process.stderr.write(`${printable(folder)}: ${errorLine(error)}\n`);
  }
}

function describeFrontEnd(frontEnd: ModelPackage['manifest']['frontEnd']): string {
  if (frontEnd.kind === 'coqui-mfcc') {
    const { numCoefficients, windowSamples, stepSamples } = frontEnd;
    return `coqui-mfcc, ${numCoefficients} coefficients, ${windowSamples}/${stepSamples} samples`;
  }
  const parts: string[] = [frontEnd.kind];
  if ('numCoefficients' in frontEnd) parts.push(`${frontEnd.numCoefficients} coefficients`);
  if ('numMels' in frontEnd) parts.push(`${frontEnd.numMels} mels`);
  parts.push(`${frontEnd.windowMs}/${frontEnd.hopMs} ms`);
  if (frontEnd.kind === 'kaldi-fbank') parts.push(`${frontEnd.window} window`);
  return parts.join(', ');
}

/** How a live utterance is recognised while it is being spoken. */
function describeLive({ family, encoder }: ModelPackage['manifest']): string {
  const { streaming, frameMs } = encoder;
  if (family === 'coqui') return 'streams';
  if (streaming === undefined) return 'decoded again and again';
  const { chunkFrames, lookaheadFrames, frontEnd } = streaming;
  const sizes = `streams, in chunks of ${chunkFrames * frameMs} ms, ${lookaheadFrames * frameMs} ms ahead`;
  return frontEnd?.normalize === undefined ? sizes : `${sizes}, normalised by what was heard so far`;
}

async function show(name: string, options: ModelsOptions): Promise<void> {
  const model = await openModel(options, name);
  const { manifest } = model;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(manifest, null, 2)}\n`);
    return;
  }
  const { architecture, frontEnd, encoder } = manifest;
  const facts: string[][] = [
    ['name', `${manifest.name} ${manifest.version}`],
    ['description', manifest.description],
    ['language', manifest.language],
    [
      'architecture',
      `${architecture.name} (${manifest.family}), ${millions(architecture.parameters)} parameters`,
    ],
    ['front end', describeFrontEnd(frontEnd)],
    ['tokens', `${manifest.tokens.unit} (${manifest.tokens.file})`],
    ['encoder', `${encoder.frameMs} ms a frame, ${manifest.graphs.encoder.precision}`],
    ['live', describeLive(manifest)],
    ['decoder', manifest.decoder.method],
    ...(manifest.languageModel === undefined
      ? []
      : [['language model', `${manifest.languageModel.format}, ${manifest.languageModel.unit}`]]),
    ['segmentation', manifest.segmentation ?? 'pauses'],
    ['size', megabytes(sizeOf(model))],
    ['licence', manifest.license.weights],
    ...(manifest.license.notes === undefined ? [] : [['', manifest.license.notes]]),
    ...manifest.training.data.map((set) => [
      'trained on',
      `${set.name}: ${set.hours} h${set.speakers === undefined ? '' : `, ${set.speakers} speakers`} (${set.license})`,
    ]),
    ...manifest.metrics.map((metric) => [
      'CER',
      `${errorRate(metric)} on ${metric.set} (${metric.edits} edits of ${metric.referenceCharacters} ` +
        `characters, ${metric.utterances} utterances, ${metric.decoding}, ${metric.normalizer})`,
    ]),
    ...Object.entries(manifest.files).map(([file, entry]) => [
      'file',
      `${file} ${entry.bytes} bytes sha256:${entry.sha256}`,
    ]),
  ];
  process.stdout.write(`${table(facts)}\n`);
}
