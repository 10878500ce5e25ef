import { open, type FileHandle } from 'node:fs/promises';
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { UserError } from '../platform/errors';

/**
 * Reads Parquet files row by row with memory bounded by a row group, whatever the size of the file.
 */
export interface ParquetFile {
  readonly rowCount: number;
  /** Top-level column names. */
  readonly columns: readonly string[];
  /** Rows in file order with their number from 0. Values of other than string columns come as hyparquet gives them. */
  rows(): AsyncGenerator<{ readonly rowNumber: number; readonly row: Record<string, unknown> }>;
  close(): Promise<void>;
}

/** Rows decoded at a time where a row group has a page index; without one a row group is decoded whole. */
const MAX_WINDOW_ROWS = 5_000;
const MAX_WINDOW_BYTES = 64 * 1024 * 1024;

/** @throws UserError SOURCE_CORRUPT where the file is not Parquet, SOURCE_NOT_FOUND where it cannot be read */
export async function openParquet(path: string): Promise<ParquetFile> {
  const handle = await open(path, 'r').catch((error: Error) => {
    throw new UserError('SOURCE_NOT_FOUND', `cannot read ${path}: ${error.message}`, {}, { cause: error });
  });
  let metadata: FileMetaData;
  let file: AsyncBuffer;
  try {
    file = await asyncBuffer(handle);
    if (file.byteLength === 0) {
      throw new UserError('SOURCE_CORRUPT', `${path} is empty: it has no bytes at all. Fetch the file again.`);
    }
    metadata = await parquetMetadataAsync(file);
  } catch (error) {
    await handle.close();
    if (error instanceof UserError) throw error;
    throw new UserError(
      'SOURCE_CORRUPT',
      `${path} is not a Parquet file: ${(error as Error).message}`,
      {},
      { cause: error },
    );
  }
  return {
    rowCount: Number(metadata.num_rows),
    columns: topLevelColumns(metadata),
    rows: () => readRows(path, file, metadata),
    close: () => handle.close(),
  };
}

async function* readRows(path: string, file: AsyncBuffer, metadata: FileMetaData) {
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    const bytesPerRow = Number(group.total_byte_size) / Math.max(1, Number(group.num_rows));
    const isPaged = group.columns.every((column) => column.offset_index_offset !== undefined);
    const windowRows = isPaged
      ? Math.max(1, Math.min(MAX_WINDOW_ROWS, Math.floor(MAX_WINDOW_BYTES / bytesPerRow)))
      : groupEnd - groupStart;
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += windowRows) {
      const rows = await parquetReadObjects({
        file,
        metadata,
        compressors,
        rowStart,
        rowEnd: Math.min(rowStart + windowRows, groupEnd),
        useOffsetIndex: true,
        // Columns that are declared as strings still decode; bytes stay bytes.
        utf8: false,
      }).catch((error: Error) => {
        throw new UserError(
          'SOURCE_CORRUPT',
          `${path} cannot be read from row ${rowStart} on: ${error.message}. Fetch the file again; running the import again continues.`,
          {},
          { cause: error },
        );
      });
      for (const [i, row] of rows.entries()) yield { rowNumber: rowStart + i, row };
    }
    groupStart = groupEnd;
  }
}

/** A file as hyparquet wants it: each slice is read straight into a buffer of its own, without a second copy. */
async function asyncBuffer(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const buffer = new ArrayBuffer(end - start);
      let done = 0;
      while (done < buffer.byteLength) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, done), { position: start + done });
        if (bytesRead === 0) throw new Error('the file ended early');
        done += bytesRead;
      }
      return buffer;
    },
  };
}

/** The schema is a flattened tree: a node is followed by its children. */
function topLevelColumns(metadata: FileMetaData): string[] {
  const columns: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (metadata.schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < metadata.schema.length; at = skip(at)) columns.push(metadata.schema[at]!.name);
  return columns;
}
