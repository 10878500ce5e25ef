import { Command } from 'commander';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import type { PullFacts } from '../inference/model-pull';
import type { ModelEntry, ModelStore } from '../inference/model-store';
import { createProgress, formatBytes } from './progress';

export function modelsCommand(): Command {
  return new Command('models')
    .description('The models that samples are made with: those that come with the service, and those of the hub.')
    .addCommand(
      new Command('list')
        .description('All models, as tab-separated lines: name, version, size, licence, source, SHA-256 of each file.')
        .action(() => withStore(list)),
    )
    .addCommand(
      new Command('pull')
        .description(
          'Fetch a model from the Hugging Face hub into DATA_DIR/models. Says its licence, and what it takes, first.',
        )
        .argument('<name>', 'as "models list" shows it')
        .action((name: string) => withStore((store) => pull(store, name))),
    )
    .addCommand(
      new Command('verify')
        .description('Compare every byte of the models that are here with what they should be.')
        .argument('[name]', 'one of them (default: all)')
        .action((name?: string) => withStore((store) => verify(store, name))),
    )
    .addHelpText(
      'after',
      `
Pulling goes on where it was broken off, and mends what is damaged. HF_TOKEN is for gated models, HF_ENDPOINT for a
mirror. What is pulled serves the engine MUSICGEN, where MUSICGEN_MODEL names it.

Examples:
  npx conceptcaps models list
  npx conceptcaps models pull musicgen-small
  npx conceptcaps models verify captioner`,
    );
}

async function withStore(work: (store: ModelStore) => Promise<void>): Promise<void> {
  const { ModelStore } = await import('../inference/model-store.js');
  await work(new ModelStore(readConfig(process.env).dataDir));
}

async function list(store: ModelStore): Promise<void> {
  for (const model of await store.list()) process.stdout.write(`${lineOf(model)}\n`);
}

function lineOf({ name, version, license, source, files }: ModelEntry): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const size = files.length === 0 ? 'not pulled' : formatBytes(bytes);
  const sums = files.map(({ path, sha256 }) => `${path}:${sha256}`).join(' ');
  return [name, version ?? '-', size, license, source, sums].join('\t').trimEnd();
}

async function pull(store: ModelStore, name: string): Promise<void> {
  const config = readConfig(process.env);
  const abort = new AbortController();
  const interrupt = () => abort.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const progress = createProgress({ unit: '', stream: process.stderr, format: formatBytes });
  try {
    const model = await store.pull(name, {
      endpoint: config.hubEndpoint,
      token: config.hubToken,
      precision: config.musicgen.precision,
      signal: abort.signal,
      onStart: (facts) => {
        for (const line of describePull(name, facts)) progress.line(line);
      },
      onProgress: (done, total, file) => progress.update(done, total, file),
      onRetry: ({ reason, delayMs }) => progress.line(`${reason}; trying again in ${Math.ceil(delayMs / 1000)} s`),
    });
    progress.end();
    process.stdout.write(`${lineOf(model)}\n`);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.stderr.write('Interrupted. What was fetched stays; run the same command again to go on.\n');
    process.exitCode = 130;
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** What is to be known before gigabytes come. */
function describePull(name: string, facts: PullFacts): string[] {
  const { license, revision, files, bytes, bytesToFetch, footprints, bytesNeeded, bytesFree } = facts;
  const rest = bytesToFetch === bytes ? '' : `, of which ${formatSize(bytesToFetch)} are not here yet`;
  const of = (sizeOf: (footprint: PullFacts['footprints'][number]) => number) =>
    footprints.map((footprint) => `${footprint.precision} ${formatSize(sizeOf(footprint))}`).join(', ');
  return [
    `${name}: ${files} files at revision ${revision}, ${formatSize(bytes)}${rest}`,
    `  licence ${license}${IN_PLAIN_WORDS[license] ?? ''}`,
    `  disk    ${formatSize(bytesNeeded)} needed, ${formatSize(bytesFree)} free; weights are converted once, by precision: ${of(({ preparedBytes }) => preparedBytes)}`,
    `  memory  to run it, about: ${of(({ memoryBytes }) => memoryBytes)}`,
  ];
}

const IN_PLAIN_WORDS: Readonly<Record<string, string>> = {
  'CC-BY-NC-4.0':
    ': not for commercial use, and whoever passes it on has to name its authors. Samples made with it say so in their provenance and in exports.',
};

function formatSize(bytes: number): string {
  return bytes < 1e9 ? formatBytes(bytes) : `${(bytes / 1e9).toFixed(2)} GB`;
}

async function verify(store: ModelStore, name: string | undefined): Promise<void> {
  const here = (await store.list()).filter(({ state }) => state !== 'NOT_PULLED').map((model) => model.name);
  let damaged = 0;
  for (const one of name === undefined ? here : [name]) {
    for (const { file, problem } of await store.verify(one)) {
      process.stdout.write(`${one}\t${file.path}\t${problem ?? 'right'}\n`);
      if (problem !== null) damaged++;
    }
  }
  if (damaged > 0) {
    throw new UserError(
      'MODEL_UNAVAILABLE',
      `${damaged} of the files are missing or damaged. Pull the model again, or install the service again for a built-in one.`,
    );
  }
}
