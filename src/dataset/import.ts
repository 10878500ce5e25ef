import type { Logger } from 'pino';
import { sha256Of, type AudioStore } from '../audio/audio-store';
import type { Database } from '../platform/database';
import { UserError } from '../platform/errors';
import { openParquet, type ParquetFile } from './parquet-rows';
import { parsePublishedRow, RejectedRow, REQUIRED_COLUMNS, type RejectionReason } from './published-row';
import { isPlaceName, PLACE_NAME_RULE } from './source-names';
import { prepareSample, saveSource, writeSamples, type PreparedSample, type SourceFacts } from './sample-writer';

/**
 * Imports files of the published Parquet layout. Every step can be repeated: audio is stored under its hash before
 * the row that names it, rows are written a batch at a time, and what is there already stays as it is. So an import
 * that was interrupted is continued by running it again.
 */
export interface SourceFile {
  /** As reported: relative to the source. */
  readonly name: string;
  readonly config: string;
  readonly split: string;
  /** Path on this machine. */
  readonly path: string;
}

export interface ImportProgress {
  readonly rowsDone: number;
  readonly rowsTotal: number;
  readonly file: string;
}

export interface RowReport {
  readonly file: string;
  /** From 0 within the file. */
  readonly rowNumber: number;
  readonly reason: RejectionReason;
  readonly detail: string;
}

export interface ImportSummary {
  readonly files: number;
  readonly rows: number;
  readonly added: number;
  readonly audioAttached: number;
  /** Rows whose sample, with this audio or more, was there before them: in the database, or in the same files. */
  readonly alreadyThere: number;
  readonly rejected: number;
  readonly rejectedByReason: Readonly<Partial<Record<RejectionReason, number>>>;
}

export interface ImportOptions {
  readonly db: Database;
  readonly store: AudioStore;
  readonly log: Logger;
  readonly source: SourceFacts;
  readonly files: readonly SourceFile[];
  /** Stop at the first bad row; what was written before stays. */
  readonly strict?: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly onRejected?: (report: RowReport) => void;
  readonly signal?: AbortSignal;
}

const BATCH_ROWS = 1_000;
/** Audio of a batch that is being stored at the same time. */
const STORE_CONCURRENCY = 4;

/**
 * @throws UserError BAD_USER_INPUT (a name that cannot be kept), SOURCE_CORRUPT (not Parquet, or not this layout), ROW_REJECTED (with `strict`), and what the
 *   database and the store throw. Rows of finished batches stay.
 */
export async function importFiles(options: ImportOptions): Promise<ImportSummary> {
  const { db, store, source, files } = options;
  files.forEach(checkNames);
  const opened: { file: SourceFile; parquet: ParquetFile }[] = [];
  // PostgreSQL writes one batch while the next is read and judged.
  let writing: Promise<void> = Promise.resolve();
  try {
    for (const file of files) opened.push({ file, parquet: await openPublished(file) });
    await store.check();
    const sourceId = await saveSource(db, source);
    const tally = new Tally(
      opened.reduce((sum, { parquet }) => sum + parquet.rowCount, 0),
      options,
    );
    for (const { file, parquet } of opened) {
      for await (const rows of inBatches(parquet.rows())) {
        options.signal?.throwIfAborted();
        const samples = await judgeRows(options, file, rows, tally);
        await writing;
        writing = writeBatch(options, sourceId, file, samples, rows.length, tally);
        // Its failure is seen at the next await; until then it must not count as unhandled.
        writing.catch(() => undefined);
      }
    }
    await writing;
    return tally.summary(files.length);
  } finally {
    await writing.catch(() => undefined);
    await Promise.all(opened.map(({ parquet }) => parquet.close()));
  }
}

/** They come from the names of files and folders, and from the card of a data set on the hub. */
function checkNames({ name, config, split }: SourceFile): void {
  for (const [what, value] of [
    ['configuration', config],
    ['split', split],
  ] as const) {
    if (isPlaceName(value)) continue;
    throw new UserError(
      'BAD_USER_INPUT',
      `${name}: "${value.slice(0, 100)}" cannot be the name of a ${what} (${PLACE_NAME_RULE}). Rename it, or import that file alone with --config and --split.`,
      { field: what === 'split' ? 'split' : 'config' },
    );
  }
}

interface NumberedRow {
  readonly rowNumber: number;
  readonly row: Record<string, unknown>;
}

async function openPublished(file: SourceFile): Promise<ParquetFile> {
  const parquet = await openParquet(file.path);
  const missing = REQUIRED_COLUMNS.filter((column) => !parquet.columns.includes(column));
  if (missing.length > 0) {
    await parquet.close();
    throw new UserError(
      'SOURCE_CORRUPT',
      `${file.name} is not of the published layout: it has no column ${missing.join(', ')} (it has ${parquet.columns.join(', ')}).`,
    );
  }
  return parquet;
}

async function* inBatches(rows: AsyncIterable<NumberedRow>): AsyncGenerator<NumberedRow[]> {
  let batch: NumberedRow[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length === BATCH_ROWS) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** The good rows as samples, their audio stored; the bad ones are reported. */
async function judgeRows(
  { store }: ImportOptions,
  file: SourceFile,
  rows: readonly NumberedRow[],
  tally: Tally,
): Promise<PreparedSample[]> {
  const accepted: PreparedSample[] = [];
  for (let i = 0; i < rows.length; i += STORE_CONCURRENCY) {
    const chunk = rows.slice(i, i + STORE_CONCURRENCY);
    const judged = await Promise.all(
      chunk.map(({ rowNumber, row }) =>
        toSample(store, file, rowNumber, row).catch((error: unknown) => {
          if (error instanceof RejectedRow) return error;
          throw error;
        }),
      ),
    );
    // In the order of the rows: the first bad one stops a strict import.
    for (const [position, sample] of judged.entries()) {
      if (sample instanceof RejectedRow) {
        const { rowNumber } = chunk[position]!;
        tally.reject({ file: file.name, rowNumber, reason: sample.reason, detail: sample.message });
      } else {
        accepted.push(sample);
      }
    }
  }
  return accepted;
}

async function writeBatch(
  options: ImportOptions,
  sourceId: number,
  file: SourceFile,
  samples: readonly PreparedSample[],
  rowCount: number,
  tally: Tally,
): Promise<void> {
  const result = await writeSamples(options.db, { id: sourceId, origin: options.source.origin }, samples);
  tally.batchDone(file.name, rowCount, result);
  for (const position of result.otherAudio) {
    const { rowNumber } = samples[position]!.row!;
    const detail = 'this sample has other audio already; the first is kept';
    tally.reject({ file: file.name, rowNumber, reason: 'other audio', detail });
  }
}

async function toSample(
  store: AudioStore,
  file: SourceFile,
  rowNumber: number,
  row: Record<string, unknown>,
): Promise<PreparedSample> {
  const { audio, ...content } = parsePublishedRow(row);
  const position = { config: file.config, split: file.split, file: file.name, rowNumber };
  if (!audio) return prepareSample({ ...content, audio: null, row: position, provenance: null });
  const sha256 = sha256Of(audio.bytes);
  await store.put(sha256, audio.bytes, audio.facts.mediaType);
  return prepareSample({
    ...content,
    audio: { ...audio.facts, sha256, sizeBytes: audio.bytes.length },
    row: position,
    provenance: null,
  });
}

class Tally {
  private rows = 0;
  private added = 0;
  private audioAttached = 0;
  private rejected = 0;
  /** A strict import that has stopped: the batch before may still be on its way to the database. */
  private stopped: UserError | null = null;
  private readonly byReason: Partial<Record<RejectionReason, number>> = {};

  constructor(
    private readonly rowsTotal: number,
    private readonly options: Pick<ImportOptions, 'strict' | 'onRejected' | 'onProgress'>,
  ) {}

  reject(report: RowReport): void {
    if (this.stopped) throw this.stopped;
    this.rejected++;
    this.byReason[report.reason] = (this.byReason[report.reason] ?? 0) + 1;
    this.options.onRejected?.(report);
    if (this.options.strict) {
      this.stopped = new UserError(
        'ROW_REJECTED',
        `${report.file} row ${report.rowNumber}: ${report.detail}. Stopped because of --strict; without it the row is counted and left out.`,
      );
      throw this.stopped;
    }
  }

  batchDone(file: string, rows: number, result: { added: number; audioAttached: number }): void {
    this.rows += rows;
    this.added += result.added;
    this.audioAttached += result.audioAttached;
    this.options.onProgress?.({ rowsDone: this.rows, rowsTotal: this.rowsTotal, file });
  }

  summary(files: number): ImportSummary {
    const { rows, added, audioAttached, rejected } = this;
    const alreadyThere = rows - added - audioAttached - rejected;
    return { files, rows, added, audioAttached, alreadyThere, rejected, rejectedByReason: this.byReason };
  }
}
