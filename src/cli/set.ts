import { Command, InvalidArgumentError, Option } from 'commander';
import { STRATEGIES, type Strategy } from '../concepts/sets/request';
import { EXPORT_FORMATS, type ConceptSetExporter, type ExportFormat } from '../dataset/concept-set-export';
import { DEFAULTS, type ConceptSet, type ConceptSets, type ConceptSetSpec } from '../dataset/concept-sets';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import { writeOutput } from './output';

interface SetArguments {
  readonly attribute?: string;
  readonly filter?: string;
  readonly against?: string;
  readonly scope?: string;
  readonly positives: number;
  readonly negatives?: number;
  readonly randomSets: number;
  readonly randomSetSize?: number;
  readonly strategy: Strategy;
  readonly seed: number;
  readonly folds: number;
  readonly dataVersion?: number;
  readonly captionConfirms: boolean;
  readonly format: Lowercase<ExportFormat>;
  readonly output?: string;
  readonly freeze?: boolean;
  readonly id?: string;
}

export function setCommand(): Command {
  return new Command('set')
    .description('Select a concept set, say what it is worth, and write it as a manifest or with its audio.')
    .argument('[concept]', 'a curated concept, or else an attribute, for example "piano"')
    .option('--attribute <name>', 'an attribute of the taxonomy, instead of a concept')
    .option('--filter <json>', 'whatever this sample filter matches, instead of a concept')
    .option('--against <concept>', 'relative: negatives have this concept, positives have it not')
    .option('--scope <json>', 'sample filter that limits both sides, as in the GraphQL API')
    .option('--positives <n>', 'positives wanted', wholeNumber, DEFAULTS.positives)
    .option('--negatives <n>', 'negatives wanted (default: as many as positives)', wholeNumber)
    .option('--random-sets <n>', 'random counterparts', wholeNumber, DEFAULTS.randomSets)
    .option('--random-set-size <n>', 'rows in each (default: as many as negatives)', wholeNumber)
    .addOption(
      new Option('--strategy <name>', 'how negatives are chosen')
        .choices(STRATEGIES.map((name) => name.toLowerCase()))
        .default(DEFAULTS.strategy, DEFAULTS.strategy.toLowerCase())
        .argParser((name) => oneOf(STRATEGIES, name)),
    )
    .option('--seed <n>', 'another seed gives other rows', wholeNumber, DEFAULTS.seed)
    .option('--folds <n>', 'folds for cross-validation, 2 to 20', wholeNumber, DEFAULTS.folds)
    .option('--data-version <n>', 'select from the data as of this version (default: the newest)', wholeNumber)
    .option('--no-caption-confirms', 'take positives whose caption does not mention the concept, too')
    .addOption(
      new Option('--format <name>', 'what to write')
        .choices(EXPORT_FORMATS.map((name) => name.toLowerCase()))
        .default('jsonl'),
    )
    .option('-o, --output <file>', 'where to write it (default: standard output)')
    .option('--freeze', 'keep the set for ever under its id')
    .option('--id <id>', 'write this frozen set, instead of selecting one')
    .addHelpText(
      'after',
      `
What the set is worth goes to standard error. The same options, seed and data version give the same file.

Examples:
  npx conceptcaps set piano --strategy balanced --seed 7 > piano.jsonl
  npx conceptcaps set slow --against fast --folds 5 --format csv -o slow.csv
  npx conceptcaps set "male vocals" --scope '{"attributes":{"any":["rock","pop"]},"hasAudio":true}' \\
      --format webdataset -o vocals.tar
  npx conceptcaps set piano --freeze -o piano.jsonl
  npx conceptcaps set --id cs_7k2m9q4rt8vw3xy1 --format parquet -o piano.parquet`,
    )
    .action(runSet);
}

async function runSet(concept: string | undefined, args: SetArguments): Promise<void> {
  const format = oneOf(EXPORT_FORMATS, args.format);
  const isBinary = format === 'PARQUET' || format === 'WEBDATASET';
  if (isBinary && args.output === undefined && process.stdout.isTTY) {
    throw new UserError('BAD_USER_INPUT', `--format ${args.format} is not for the terminal; add --output FILE.`);
  }
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { openConceptSets, parseSampleFilter } = await import('../server/concept-sets.js');
  const { attribute, against } = args;
  const spec: ConceptSetSpec = {
    ...args,
    concept,
    attribute,
    filter: args.filter === undefined ? null : parseSampleFilter(args.filter, '--filter'),
    against: against === undefined ? null : { concept: against },
    scope: args.scope === undefined ? null : parseSampleFilter(args.scope, '--scope'),
  };
  const opened = await openConceptSets(config, log);
  try {
    const set = await findSet(opened.sets, spec, args);
    process.stderr.write(describe(set));
    if (set.content.considered.negatives === 0) {
      process.stderr.write('No sample is in the scope. "conceptcaps import --help" says how to get some.\n');
    }
    await write(opened.exporter, set, format, args.output);
  } finally {
    await opened.close();
  }
}

async function findSet(sets: ConceptSets, spec: ConceptSetSpec, args: SetArguments): Promise<ConceptSet> {
  if (args.id !== undefined) {
    const set = await sets.frozen(args.id);
    if (!set) {
      throw new UserError('UNKNOWN_CONCEPT_SET', `no frozen set has the id "${args.id}". Ids begin with cs_.`);
    }
    return set;
  }
  return args.freeze ? sets.freeze(spec) : sets.select(spec);
}

async function write(
  exporter: ConceptSetExporter,
  set: ConceptSet,
  format: ExportFormat,
  output: string | undefined,
): Promise<void> {
  await writeOutput(await exporter.open(set, format), output);
}

function describe({ id, content, frozenAt }: ConceptSet): string {
  const { input, positives, negatives, available, dataVersion, diagnostics, randomSets } = content;
  const { contamination, balance } = diagnostics;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const side = (name: 'positives' | 'negatives', found: number) =>
    `  ${name}  found ${found} of ${input[name]} (${available[name]} available), contaminated ${percent(contamination[name])}\n`;
  return (
    `${id}${frozenAt ? ' (frozen)' : ''}, ${input.strategy}, seed ${input.seed}, data version ${dataVersion}\n` +
    side('positives', positives.length) +
    side('negatives', negatives.length) +
    `  naive      contaminated ${percent(contamination.naivePositives)} and ${percent(contamination.naiveNegatives)}\n` +
    `  balance    mean |SMD| ${balance.meanAbsSmd.toFixed(3)}, worst ${balance.maxAbsSmd.toFixed(3)}` +
    ` (naive ${balance.naiveMeanAbsSmd.toFixed(3)}, ${balance.naiveMaxAbsSmd.toFixed(3)})\n` +
    (randomSets.length > 0
      ? `  random     ${randomSets.length} sets of ${randomSets[0]!.length}${content.randomSetsAreDisjoint ? '' : ', which share rows'}\n`
      : '')
  );
}

function wholeNumber(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError('It has to be a whole number.');
  return Number(text);
}

function oneOf<T extends string>(names: readonly T[], name: string): T {
  const found = names.find((known) => known === name.toUpperCase());
  if (found === undefined) {
    throw new InvalidArgumentError(`Allowed choices are ${names.map((known) => known.toLowerCase()).join(', ')}.`);
  }
  return found;
}
