import { Command, InvalidArgumentError } from 'commander';
import { CONCEPTS } from '../concepts/concepts';
import { findAttribute } from '../concepts/taxonomy';
import type { ConceptSets } from '../dataset/concept-sets';
import { attributeOf, conceptOf } from '../dataset/sample-catalog';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import { createProgress } from './progress';

interface GenerateArguments {
  readonly attributes?: readonly string[];
  readonly concept?: string;
  readonly complete?: boolean;
  readonly upTo?: number;
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
    .option('--attributes <names>', 'attributes of the taxonomy, separated by commas', names)
    .option('--concept <name>', 'a curated concept, instead of attributes')
    .option('--complete', 'add attributes that a sample in the data has beside them')
    .option(
      '--up-to <n>',
      `with --concept: until it has as many clean positives, 1 to ${MAX_COUNT}`,
      within(1, MAX_COUNT),
    )
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
  npx conceptcaps generate --attributes "violin,techno" --count 20 --duration 30
  npx conceptcaps generate --concept beatboxing --complete --up-to 50`,
    )
    .action(runGenerate);
}

async function runGenerate(args: GenerateArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { refuseContradictions } = await import('../generation/recipe.js');
  const asked = askedAttributes(args);
  if (!args.allowContradictions) refuseContradictions(asked, '--attributes');

  const abort = new AbortController();
  const interrupt = () => abort.abort(new UserError('INTERRUPTED', 'interrupted; what was made stays'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const { openConceptSets } = await import('../server/concept-sets.js');
  const { generateSample } = await import('../generation/pipeline.js');
  const { SOUNDFONT_ENGINE } = await import('../inference/soundfont/engine.js');
  const { TEMPLATE_CAPTION } = await import('../inference/template-caption.js');
  const { completeAttributes, DONOR_ATTRIBUTES } = await import('../inference/donor-attributes.js');
  const opened = await openConceptSets(config, log);
  const progress = createProgress({ unit: 'samples', stream: process.stderr });
  try {
    const pipeline = { ...opened.foundation, captions: TEMPLATE_CAPTION, engine: SOUNDFONT_ENGINE };
    const count = args.upTo === undefined ? args.count : await missingPositives(opened.sets, args.concept!, args.upTo);
    // One view for all: what is made now is no donor, so that the same command adds the same.
    const view = opened.live.current.now();
    for (let i = 0; i < count; i++) {
      const seed = args.seed + i;
      const recipe = {
        asked,
        attributes: args.complete ? completeAttributes(view, asked, seed) : asked,
        completer: args.complete ? DONOR_ATTRIBUTES : null,
        seed,
        durationSeconds: args.duration,
      };
      const { id, isNew } = await generateSample(pipeline, recipe, abort.signal);
      process.stdout.write(`${id}${isNew ? '' : ' (there already)'}\n`);
      progress.update(i + 1, count);
    }
    if (count === 0) process.stderr.write(`"${args.concept}" has ${args.upTo} clean positives already.\n`);
  } finally {
    progress.end();
    await opened.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Taxonomy indices, ascending. A concept is asked for by the attribute of its name, or its first. */
function askedAttributes({ attributes, concept, upTo }: GenerateArguments): number[] {
  if ((attributes === undefined) === (concept === undefined)) {
    throw new UserError(
      'BAD_USER_INPUT',
      'give either --attributes or --concept; "conceptcaps generate --help" says more.',
    );
  }
  if (upTo !== undefined && concept === undefined) {
    throw new UserError('BAD_USER_INPUT', '--up-to needs --concept: it counts the positives of a concept.', {
      field: '--up-to',
    });
  }
  if (attributes) {
    const indices = attributes.map((name) => attributeOf(name, '--attributes'));
    return [...new Set(indices)].sort((a, b) => a - b);
  }
  const { name, attributes: own } = CONCEPTS[conceptOf(concept!, '--concept')]!;
  const namesake = findAttribute(name);
  return [namesake && own.includes(namesake.index) ? namesake.index : own[0]!];
}

/** How many clean positives the concept lacks. */
async function missingPositives(sets: ConceptSets, concept: string, wanted: number): Promise<number> {
  const { content } = await sets.select({ concept, strategy: 'CLEAN', positives: wanted, negatives: 1 });
  return wanted - content.positives.length;
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
