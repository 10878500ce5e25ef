import { Command, InvalidArgumentError } from 'commander';
import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { ImportSummary, RowReport, SourceFile } from '../dataset/import';
import { findLocalFiles } from '../dataset/local-source';
import { REJECTION_REASONS, type RejectionReason } from '../dataset/published-row';
import type { Retry } from '../platform/hub/http-retry';
import { isHubSource, openHubDataset, parseHubSource } from '../dataset/hub-dataset';
import { downloadHubFile } from '../platform/hub/download';
import { isPlaceName, PLACE_NAME_RULE, sourceNameProblem } from '../dataset/source-names';
import type { SourceFacts } from '../dataset/sample-writer';
import { readConfig, type Config } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import { printable } from './printable';
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
    .option('--config <name>', 'only this configuration ("default", "audio")', placeName)
    .option('--split <name>', 'only this split ("train", "validation", "test")', placeName)
    .option('--strict', 'stop at the first bad row (default: count it, report it, go on)')
    .option('--source <name>', 'name under which the data is kept', sourceName)
    .option('--license <id>', 'license of the data')
    .option('--citation <text>', 'what to cite')
    .option('--report <file>', 'write every bad row to this file, one JSON object a line', nonEmpty)
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
  let reports: RowReports | undefined;
  try {
    // Before anything long: a file that cannot be written must not show at the first bad row.
    reports = await RowReports.open(args.report, args.strict ? null : progress);
    const rowReports = reports;
    const found = isHubSource(source)
      ? await fetchFromHub(source, args, config, abort.signal)
      : await findOnDisk(source, args);
    const { importFiles } = await import('../dataset/import.js');
    const { openFoundation } = await import('../server/foundation.js');
    const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
    try {
      const summary = await importFiles({
        ...foundation,
        log,
        ...found,
        strict: args.strict,
        signal: abort.signal,
        onProgress: ({ rowsDone, rowsTotal, file }) => progress.update(rowsDone, rowsTotal, file),
        onRejected: (report) => rowReports.add(report),
      });
      progress.end();
      await rowReports.end();
      process.stdout.write(describe(summary));
      if (isAllBad(summary)) process.exitCode = 1;
    } finally {
      progress.end();
      await foundation.close();
    }
  } catch (error) {
    // What ended the import counts, whatever becomes of the rest of the report.
    await reports?.end().catch(() => undefined);
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
  for (const { name, reason } of skipped) process.stderr.write(`Left out ${printable(name)}: ${reason}.\n`);
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
  private failure: UserError | null = null;

  private constructor(
    private readonly path: string,
    private readonly file: WriteStream | null,
    private readonly progress: Progress | null,
  ) {
    file?.on('error', (error) => (this.failure = cannotReport(path, error)));
  }

  /**
   * @param progress where rows are shown; null: nowhere, an import that ends with the first says which it was
   * @throws UserError BAD_USER_INPUT
   */
  static async open(path: string | undefined, progress: Progress | null): Promise<RowReports> {
    if (path === undefined) return new RowReports('', null, progress);
    const handle = await open(path, 'w').catch((error: Error) => {
      throw cannotReport(path, error);
    });
    return new RowReports(path, handle.createWriteStream(), progress);
  }

  /** @throws UserError where an earlier one could not be written */
  add(report: RowReport): void {
    if (this.failure) throw this.failure;
    this.file?.write(`${JSON.stringify(report)}\n`);
    const count = (this.shown.get(report.reason) ?? 0) + 1;
    this.shown.set(report.reason, count);
    if (count <= SHOWN_PER_REASON) {
      this.progress?.line(`${report.file} row ${report.rowNumber}: ${report.detail}`);
    } else if (count === SHOWN_PER_REASON + 1) {
      this.progress?.line(
        `(more rows with ${report.reason} are counted, not shown${this.file ? '' : '; --report FILE lists all'})`,
      );
    }
  }

  /** @throws UserError where not all of it could be written */
  async end(): Promise<void> {
    if (!this.file) return;
    this.file.end();
    await finished(this.file).catch((error: Error) => {
      throw this.failure ?? cannotReport(this.path, error);
    });
  }
}

function cannotReport(path: string, error: Error): UserError {
  return new UserError(
    'BAD_USER_INPUT',
    `cannot write the report to ${path}: ${error.message}. Give --report another file, or make room for it.`,
    { field: 'report' },
    { cause: error },
  );
}

/** Rows whose sample keeps other audio are left out, too, and nothing is wrong with them. */
function isAllBad({ rows, rejected, rejectedByReason }: ImportSummary): boolean {
  return rows > 0 && rejected - (rejectedByReason['other audio'] ?? 0) === rows;
}

function describe(summary: ImportSummary): string {
  const { files, rows, added, audioAttached, alreadyThere, rejected, rejectedByReason } = summary;
  const lines = [
    `Read ${formatCount(rows)} rows of ${files} ${files === 1 ? 'file' : 'files'}: ` +
      `${formatCount(added)} samples added, audio attached to ${formatCount(audioAttached)}, ` +
      `${formatCount(alreadyThere)} already there, ${formatCount(rejected)} rows left out.`,
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

function placeName(value: string): string {
  if (!isPlaceName(value)) throw new InvalidArgumentError(`It has to be ${PLACE_NAME_RULE}.`);
  return value;
}

function sourceName(value: string): string {
  const problem = sourceNameProblem(value);
  if (problem !== null) throw new InvalidArgumentError(problem);
  return value;
}
