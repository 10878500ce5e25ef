import { Command, InvalidArgumentError } from 'commander';
import { attributeOf } from '../dataset/sample-catalog';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import { createProgress } from './progress';

interface GenerateArguments {
  readonly attributes: readonly string[];
  readonly count: number;
  readonly seed: number;
  readonly duration: number;
  readonly allowContradictions?: boolean;
}

const MAX_COUNT = 1_000;
const MAX_DURATION_SECONDS = 30;

export function generateCommand(): Command {
  return new Command('generate')
    .description('Make samples with given attributes: a caption, and a short piece of music. They join the data.')
    .requiredOption('--attributes <names>', 'attributes of the taxonomy, separated by commas', names)
    .option('--count <n>', `how many, 1 to ${MAX_COUNT}: as many seeds from --seed on`, within(1, MAX_COUNT), 1)
    .option('--seed <n>', 'seed of the first', within(0, 2 ** 31 - 1 - MAX_COUNT), 0)
    .option(
      '--duration <seconds>',
      `length of each clip, 1 to ${MAX_DURATION_SECONDS}`,
      within(1, MAX_DURATION_SECONDS),
      10,
    )
    .option('--allow-contradictions', 'do not refuse attributes that exclude each other')
    .addHelpText(
      'after',
      `
The same attributes, seed and length give the same sample; it is not made twice. Captions come from a template, music
from a simple composer and a SoundFont: fit for trying out, and labelled so in the provenance of each sample.

Examples:
  npx conceptcaps generate --attributes "piano,slow tempo,sad"
  npx conceptcaps generate --attributes "violin,techno" --count 20 --duration 30`,
    )
    .action(runGenerate);
}

async function runGenerate(args: GenerateArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { refuseContradictions } = await import('../generation/recipe.js');
  const indices = args.attributes.map((name) => attributeOf(name, '--attributes'));
  const attributes = [...new Set(indices)].sort((a, b) => a - b);
  if (!args.allowContradictions) refuseContradictions(attributes, '--attributes');

  const abort = new AbortController();
  const interrupt = () => abort.abort(new UserError('INTERRUPTED', 'interrupted; what was made stays'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const { openFoundation } = await import('../server/foundation.js');
  const { generateSample } = await import('../generation/pipeline.js');
  const { SOUNDFONT_ENGINE } = await import('../inference/soundfont/engine.js');
  const { TEMPLATE_CAPTION } = await import('../inference/template-caption.js');
  const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
  const progress = createProgress({ unit: 'samples', stream: process.stderr });
  try {
    const pipeline = { ...foundation, captions: TEMPLATE_CAPTION, engine: SOUNDFONT_ENGINE };
    for (let i = 0; i < args.count; i++) {
      const recipe = { attributes, seed: args.seed + i, durationSeconds: args.duration };
      const { id, isNew } = await generateSample(pipeline, recipe, abort.signal);
      process.stdout.write(`${id}${isNew ? '' : ' (there already)'}\n`);
      progress.update(i + 1, args.count);
    }
  } finally {
    progress.end();
    await foundation.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function names(text: string): string[] {
  const given = text.split(',').map((name) => name.trim());
  if (given.some((name) => name === '')) throw new InvalidArgumentError('It has an empty name.');
  return given;
}

function within(min: number, max: number) {
  return (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
    return value;
  };
}
