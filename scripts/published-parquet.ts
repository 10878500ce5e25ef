import { parquetWriteFile } from 'hyparquet-writer';
import { findAttribute, type Category } from '../src/concepts/taxonomy';
import { textColumn, textListColumn } from '../src/dataset/parquet-schema';

/**
 * Writes Parquet files in the published ConceptCaps layout: for the starter set, tests and benchmarks.
 */
export interface LayoutRow {
  readonly id: string | null;
  readonly caption: string | null;
  readonly attributes: readonly string[];
  /** Instead of the list made from `attributes`: to make broken rows. */
  readonly aspectList?: string;
  /** Gives the file an audio column; null leaves this row's empty. */
  readonly audio?: Uint8Array | null;
}

export function writePublishedParquet(
  filename: string,
  rows: readonly LayoutRow[],
  options: { readonly rowGroupSize?: number } = {},
): void {
  const hasAudio = rows.some((row) => row.audio !== undefined);
  const ofCategory = (category: Category) =>
    rows.map((row) => row.attributes.filter((name) => (findAttribute(name)?.category ?? 'mood') === category));
  const columnData = [
    { name: 'id', data: rows.map((row) => row.id) },
    { name: 'caption', data: rows.map((row) => row.caption) },
    { name: 'aspect_list', data: rows.map((row) => row.aspectList ?? pythonList(row.attributes)) },
    { name: 'genre_aspects', data: ofCategory('genre') },
    { name: 'mood_aspects', data: ofCategory('mood') },
    { name: 'instrument_aspects', data: ofCategory('instrument') },
    { name: 'tempo_aspects', data: ofCategory('tempo') },
    ...(hasAudio
      ? [
          {
            name: 'file_name',
            data: rows.map((row) => (row.audio ? { bytes: row.audio, path: `${row.id}.wav` } : null)),
          },
        ]
      : []),
  ];
  const schema = [
    { name: 'root', num_children: columnData.length },
    textColumn('id'),
    textColumn('caption'),
    textColumn('aspect_list'),
    ...['genre', 'mood', 'instrument', 'tempo'].flatMap((category) => textListColumn(`${category}_aspects`)),
    ...(hasAudio
      ? [
          { name: 'file_name', repetition_type: 'OPTIONAL' as const, num_children: 2 },
          { name: 'bytes', type: 'BYTE_ARRAY' as const, repetition_type: 'OPTIONAL' as const },
          textColumn('path'),
        ]
      : []),
  ];
  parquetWriteFile({ filename, columnData, schema, rowGroupSize: options.rowGroupSize });
}

/** The repr of a Python list of strings. */
function pythonList(names: readonly string[]): string {
  return `[${names.map((name) => (name.includes("'") ? `"${name}"` : `'${name}'`)).join(', ')}]`;
}
