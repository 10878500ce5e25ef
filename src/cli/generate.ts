import { Command, InvalidArgumentError, Option } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { GENERATION_DEFAULTS, type GenerationSpec } from '../generation/plan';
import type { StoredItem } from '../generation/generation-repository';
import { ENGINE_NAMES, type EngineName } from '../inference/stages';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import type { Generation } from '../server/generation';
import { engineName, within } from './options';
import { createProgress } from './progress';

interface GenerateArguments {
  readonly attributes?: readonly string[];
  readonly concept?: string;
  readonly upTo?: number;
  readonly scope?: string;
  readonly caption?: string;
  readonly complete?: boolean;
  readonly engine: EngineName;
  readonly count?: number;
  readonly seed: number;
  readonly duration: number;
  readonly fresh?: boolean;
  readonly allowContradictions?: boolean;
}

const MAX_COUNT = 1_000;
const MAX_POSITIVES = 2_000;
/** Beyond what any engine makes; each says its own limit. */
const MAX_DURATION_SECONDS = 3_600;
const POLL_MS = 100;

export function generateCommand(): Command {
  return new Command('generate')
    .description('Make samples with given attributes: a caption, and a short piece of music. They join the data.')
    .option('--attributes <names>', 'attributes of the taxonomy, separated by commas', names)
    .option('--concept <name>', 'or a concept, which is to have more clean positives')
    .option('--up-to <n>', `with --concept: how many, 1 to ${MAX_POSITIVES}`, within(1, MAX_POSITIVES))
    .option('--scope <json>', 'with --concept: only rows of this sample filter count, and are made')
    .option(
      '--caption <text>',
      'with --attributes: a caption of your own, said as it is instead of one that is written',
    )
    .option('--complete', 'add plausible attributes to those given; with --concept that is so anyway')
    .option('--no-complete', 'add none')
    .option(
      '--count <n>',
      `how many, 1 to ${MAX_COUNT}: as many seeds from --seed on (default: 1)`,
      within(1, MAX_COUNT),
    )
    .option('--seed <n>', 'seed of the first', within(0, 2 ** 31 - 1 - MAX_COUNT), 0)
    .option(
      '--duration <seconds>',
      "length of each clip, from 1 to the engine's longest",
      within(1, MAX_DURATION_SECONDS),
      GENERATION_DEFAULTS.durationSeconds,
    )
    .addOption(
      new Option('--engine <name>', `what makes the audio: ${ENGINE_NAMES.join(', ').toLowerCase()}`)
        .argParser(engineName)
        .default(GENERATION_DEFAULTS.engine, GENERATION_DEFAULTS.engine.toLowerCase()),
    )
    .option('--fresh', 'make new ones: of the seeds from --seed on, those that have not been used')
    .option('--allow-contradictions', 'do not refuse attributes that exclude each other')
    .addHelpText(
      'after',
      `
The same attributes, seed and length give the same sample; it is not made twice. Music comes from a composer and a SoundFont,
which read the attributes, or from MusicGen, which reads the caption and needs a model ("conceptcaps models pull --help").
Workers that run beside this command help; Ctrl-C cancels what is not made yet.

Examples:
  npx conceptcaps generate --attributes "piano,slow tempo,sad"
  npx conceptcaps generate --attributes "violin,techno" --count 20 --duration 30
  npx conceptcaps generate --concept beatboxing --up-to 50
  npx conceptcaps generate --engine musicgen --attributes "piano,sad" --caption "A sad piano in an empty hall."`,
    )
    .action(runGenerate);
}

async function runGenerate(args: GenerateArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { openConceptSets, parseSampleFilter } = await import('../server/concept-sets.js');
  const { openGeneration } = await import('../server/generation.js');
  const spec = specOf(args, (text) => parseSampleFilter(text, '--scope'));
  const opened = await openConceptSets(config, log);
  let generation: Generation | null = null;
  try {
    generation = await openGeneration({ config, log, ...opened });
    await makeAll(generation, spec, args.engine, opened.live.current.version, Math.max(1, config.workerConcurrency));
  } finally {
    await generation?.close();
    await opened.close();
  }
}

function specOf(args: GenerateArguments, parseScope: (text: string) => object): GenerationSpec {
  const { attributes, concept, upTo, scope, caption, complete, engine, count, seed, fresh, allowContradictions } = args;
  if ((attributes === undefined) === (concept === undefined)) {
    throw new UserError(
      'BAD_USER_INPUT',
      'give either --attributes or --concept; "conceptcaps generate --help" says more.',
    );
  }
  if ((concept === undefined) !== (upTo === undefined)) {
    throw new UserError('BAD_USER_INPUT', '--concept and --up-to go together: how many positives it is to have.');
  }
  if (scope !== undefined && concept === undefined) {
    throw new UserError('BAD_USER_INPUT', '--scope needs --concept.', { field: '--scope' });
  }
  const shared = { caption, complete, engine, count, seed, fresh, allowContradictions, durationSeconds: args.duration };
  if (concept === undefined || upTo === undefined) return { ...shared, attributes };
  return { ...shared, topUp: { concept, positives: upTo, scope: scope === undefined ? null : parseScope(scope) } };
}

/** Asks for the samples, works at them beside whatever workers there are, and prints them in the order asked for. */
async function makeAll(
  generation: Generation,
  spec: GenerationSpec,
  engine: EngineName,
  version: number,
  concurrency: number,
) {
  const { requests, repository, reconciler, worker, items, stages } = generation;
  // Where the engine cannot run here, workers elsewhere make them all.
  const own = stages.engines.find((one) => one.engine === engine);
  await worker.watch(own ? [engine] : []);
  const progress = createProgress({ unit: 'samples', stream: process.stderr });
  const id = await requests.create(spec, null, null).catch(async (error: unknown) => {
    await worker.unwatch();
    throw error;
  });
  // Its own number is known once it has been looked at.
  const lanesOfOwn = own ? (own.concurrency ?? concurrency) : 0;
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    void requests.cancel(id, null);
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  reconciler.start();
  try {
    const { seq } = (await repository.byId(id))!;
    let printed = 0;
    const print = async () => {
      const made = await repository.items(seq, MAX_POSITIVES, printed);
      const waiting = made.findIndex((item) => item.state === 'QUEUED' || item.state === 'RUNNING');
      for (const item of waiting < 0 ? made : made.slice(0, waiting)) {
        printed++;
        process.stdout.write(await describe(generation, item, version));
      }
    };
    for (;;) {
      const { finishedAt, counts } = (await repository.byId(id))!;
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      if (total === 0) process.stderr.write('There are as many positives already.\n');
      const due = (await items.dueOf(seq)).values();
      const lanes = Array.from({ length: lanesOfOwn }, async () => {
        for (const item of due) {
          await worker.make(item);
          progress.update(total - ((await repository.byId(id))?.counts.queued ?? 0), total);
        }
      });
      await Promise.all(lanes);
      await print();
      if (finishedAt !== null) {
        if (counts.failed > 0) process.exitCode = 1;
        break;
      }
      await delay(POLL_MS);
    }
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    await worker.unwatch();
  }
  if (isInterrupted) throw new UserError('INTERRUPTED', 'interrupted; what was made stays');
}

async function describe({ samples }: Generation, { position, state, error, sampleSeq }: StoredItem, version: number) {
  if (sampleSeq === null) {
    if (error) process.stderr.write(`sample ${position} was not made: ${error.message}\n`);
    return state === 'FAILED' ? '-\n' : '';
  }
  const [sample] = await samples.listBySeq([sampleSeq]);
  return `${sample!.id}${sample!.addedVersion <= version ? ' (there already)' : ''}\n`;
}

function names(text: string): string[] {
  const given = text.split(',').map((name) => name.trim());
  if (given.some((name) => name === '')) throw new InvalidArgumentError('It has an empty name.');
  return given;
}
