import { Command, InvalidArgumentError } from 'commander';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { ImportSummary, RowReport, SourceFile } from '../dataset/import';
import { findLocalFiles } from '../dataset/local-source';
import { REJECTION_REASONS, type RejectionReason } from '../dataset/published-row';
import type { Retry } from '../dataset/http-retry';
import { isHubSource, openHubDataset, parseHubSource } from '../dataset/hub';
import { downloadHubFile } from '../dataset/hub-download';
import type { SourceFacts } from '../dataset/sample-writer';
import { readConfig, type Config } from '../platform/config';
import { createLogger } from '../platform/logging';
import { createProgress, formatBytes, formatCount, type Progress } from './progress';

interface ImportArguments {
  readonly config?: string;
  readonly split?: string;
  readonly strict?: boolean;
  readonly source?: string;
  readonly license?: string;
  readonly citation?: string;
  readonly report?: string;
}

/** Facts of the published data set, for sources that do not say otherwise. */
const CONCEPTCAPS = {
  license: 'CC-BY-4.0',
  citation:
    'Sienkiewicz, Neumann, Modrzejewski: ConceptCaps, a Distilled Concept Dataset for Interpretability in Music Models. arXiv:2601.14157',
  url: 'https://arxiv.org/abs/2601.14157',
};

const SHOWN_PER_REASON = 5;

export function importCommand(): Command {
  return new Command('import')
    .description('Import rows of the published ConceptCaps layout: text rows, and rows with audio.')
    .argument('<source>', 'a Parquet file, a folder, or hf:OWNER/DATASET[@REVISION] on the Hugging Face hub')
    .option('--config <name>', 'only this configuration ("default", "audio")', nonEmpty)
    .option('--split <name>', 'only this split ("train", "validation", "test")', nonEmpty)
    .option('--strict', 'stop at the first bad row (default: count it, report it, go on)')
    .option('--source <name>', 'name under which the data is kept', nonEmpty)
    .option('--license <id>', 'license of the data')
    .option('--citation <text>', 'what to cite')
    .option('--report <file>', 'write every bad row to this file, one JSON object a line')
    .addHelpText(
      'after',
      `
A file is CONFIG/SPLIT-00000-of-00001.parquet. Importing again changes nothing; an interrupted import is continued
by running it again; importing audio after text attaches the audio to the same samples. The server may run meanwhile.

Examples:
  npx conceptcaps import ./ConceptCaps --config default
  npx conceptcaps import ./ConceptCaps/audio/train-00000-of-00001.parquet
  npx conceptcaps import hf:OWNER/DATASET@main --config default --split train`,
    )
    .action(runImport);
}

async function runImport(source: string, args: ImportArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const abort = new AbortController();
  const interrupt = () => abort.abort(new Interrupted());
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);

  const progress = createProgress({ unit: 'rows', stream: process.stderr });
  try {
    const found = isHubSource(source)
      ? await fetchFromHub(source, args, config, abort.signal)
      : await findOnDisk(source, args);
    const { importFiles } = await import('../dataset/import.js');
    const { openFoundation } = await import('../server/foundation.js');
    const reports = new RowReports(progress, args.report);
    const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
    try {
      const summary = await importFiles({
        ...foundation,
        log,
        ...found,
        strict: args.strict,
        signal: abort.signal,
        onProgress: ({ rowsDone, rowsTotal, file }) => progress.update(rowsDone, rowsTotal, file),
        onRejected: (report) => reports.add(report),
      });
      progress.end();
      await reports.end();
      process.stdout.write(describe(summary));
    } finally {
      progress.end();
      await foundation.close();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write('Interrupted. What was imported stays; run the same command again to go on.\n');
    process.exitCode = 130;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

class Interrupted extends Error {}

async function findOnDisk(source: string, args: ImportArguments) {
  const { files, skipped } = await findLocalFiles(source, args);
  for (const name of skipped) {
    process.stderr.write(`Left out ${name}: its name is not CONFIG/SPLIT-00000-of-00001.parquet.\n`);
  }
  const facts: SourceFacts = {
    name: args.source ?? 'ConceptCaps',
    origin: 'IMPORTED',
    license: args.license ?? (args.source ? null : CONCEPTCAPS.license),
    citation: args.citation ?? (args.source ? null : CONCEPTCAPS.citation),
    url: args.source ? null : CONCEPTCAPS.url,
    revision: null,
  };
  return { files, source: facts };
}

/** Lists and downloads the files; they are kept in the data directory, so a second run downloads nothing. */
async function fetchFromHub(source: string, args: ImportArguments, config: Config, signal: AbortSignal) {
  const hub = parseHubSource(source);
  const progress = createProgress({ unit: '', stream: process.stderr, format: formatBytes });
  const options = {
    signal,
    token: config.hubToken,
    onRetry: ({ reason, delayMs }: Retry) => progress.line(`${reason}; trying again in ${Math.ceil(delayMs / 1000)} s`),
  };
  const dataset = await openHubDataset(hub, {
    ...options,
    config: args.config,
    split: args.split,
    endpoint: config.hubEndpoint,
  });
  const directory = join(config.dataDir, 'downloads', hub.owner, hub.name, dataset.commit);
  const total = dataset.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let before = 0;
  const files: SourceFile[] = [];
  try {
    for (const file of dataset.files) {
      const path = await downloadHubFile(file, {
        ...options,
        directory,
        onProgress: (done) => progress.update(before + done, total, file.path),
      });
      before += file.sizeBytes;
      files.push({ name: file.path, config: file.config, split: file.split, path });
    }
  } finally {
    progress.end();
  }
  const facts: SourceFacts = {
    name: args.source ?? `${hub.owner}/${hub.name}`,
    origin: 'IMPORTED',
    license: args.license ?? dataset.license,
    citation: args.citation ?? dataset.citation,
    url: `${config.hubEndpoint}/datasets/${hub.owner}/${hub.name}`,
    revision: dataset.commit,
  };
  return { files, source: facts };
}

/** Shows the first bad rows of each kind, and writes all of them to a file where asked to. */
class RowReports {
  private readonly shown = new Map<string, number>();
  private readonly file: WriteStream | null;

  constructor(
    private readonly progress: Progress,
    path: string | undefined,
  ) {
    this.file = path === undefined ? null : createWriteStream(path);
  }

  add(report: RowReport): void {
    this.file?.write(`${JSON.stringify(report)}\n`);
    const count = (this.shown.get(report.reason) ?? 0) + 1;
    this.shown.set(report.reason, count);
    if (count <= SHOWN_PER_REASON) {
      this.progress.line(`${report.file} row ${report.rowNumber}: ${report.detail}`);
    } else if (count === SHOWN_PER_REASON + 1) {
      this.progress.line(
        `(more rows with ${report.reason} are counted, not shown${this.file ? '' : '; --report FILE lists all'})`,
      );
    }
  }

  async end(): Promise<void> {
    const { file } = this;
    if (file)
      await new Promise<void>((resolve, reject) =>
        file.end((error?: Error | null) => (error ? reject(error) : resolve())),
      );
  }
}

function describe(summary: ImportSummary): string {
  const { files, rows, added, audioAttached, rejected, rejectedByReason } = summary;
  const lines = [
    `Read ${formatCount(rows)} rows of ${files} ${files === 1 ? 'file' : 'files'}: ` +
      `${formatCount(added)} samples added, audio attached to ${formatCount(audioAttached)}, ${formatCount(rejected)} rows left out.`,
    ...Object.entries(rejectedByReason).map(
      ([reason, count]) => `  ${formatCount(count)} x ${reason}: ${REJECTION_REASONS[reason as RejectionReason]}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function nonEmpty(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('It is empty.');
  return value;
}
