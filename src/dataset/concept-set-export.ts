import { stringify } from 'csv-stringify/sync';
import type { SchemaElement } from 'hyparquet';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import type { AudioStore } from '../audio/audio-store';
import { attributeName, conceptName, describeTarget } from './concept-set';
import type { ConceptSet } from './concept-sets';
import { licensesOf } from './sample-license';
import { textColumn, textListColumn } from './parquet-schema';
import type { SampleRepository, StoredSample } from './sample-repository';

/**
 * Concept sets as files. A set gives the same bytes on every machine: nothing in them tells of the time or the server.
 */
export const EXPORT_FORMATS = ['JSONL', 'CSV', 'PARQUET', 'WEBDATASET'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXTENSIONS: Readonly<Record<ExportFormat, string>> = {
  JSONL: 'jsonl',
  CSV: 'csv',
  PARQUET: 'parquet',
  WEBDATASET: 'tar',
};

export const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  JSONL: 'application/jsonl; charset=utf-8',
  CSV: 'text/csv; charset=utf-8; header=present',
  PARQUET: 'application/vnd.apache.parquet',
  WEBDATASET: 'application/x-tar',
};

export function isExportFormat(text: string): text is ExportFormat {
  return (EXPORT_FORMATS as readonly string[]).includes(text);
}

/** One example in its role, as a line of a manifest. */
interface ManifestRow {
  /** Name of its files in the tar, without extension. */
  readonly key: string;
  readonly side: 'positive' | 'negative' | 'random';
  /** Number of the random set, from 0. */
  readonly random_set: number | null;
  /** Number of the fold, from 0. */
  readonly fold: number | null;
  /** Number of the pair, from 0. */
  readonly pair: number | null;
  readonly sample_id: string;
  readonly source_id: string;
  readonly split: string | null;
  readonly caption: string;
  readonly attributes: readonly string[];
  readonly carries: readonly string[];
  readonly mentions: readonly string[];
  readonly audio_sha256: string | null;
  readonly audio_media_type: string | null;
  readonly duration_seconds: number | null;
  readonly sample_rate: number | null;
  readonly channels: number | null;
  readonly set_id: string;
  readonly target: string;
  readonly strategy: string;
  readonly seed: number;
  readonly data_version: number;
  readonly selection_version: number;
  readonly concept_list_sha256: string;
  readonly source: string;
  /** Of its source or, where the sample was generated, of the models that made the audio. */
  readonly license: string | null;
  readonly citation: string | null;
}

const ROWS_PER_CHUNK = 100;
const KEY_DIGITS = 6;

export class ConceptSetExporter {
  constructor(
    private readonly samples: SampleRepository,
    private readonly store: AudioStore,
  ) {}

  /** The file as a stream, made as it is read. */
  async open(set: ConceptSet, format: ExportFormat): Promise<Readable> {
    const rows = await this.manifest(set);
    switch (format) {
      case 'JSONL':
        return Readable.from(inChunks(rows, (chunk) => chunk.map((row) => `${JSON.stringify(row)}\n`).join('')));
      case 'CSV':
        return Readable.from(csvChunks(rows));
      case 'PARQUET':
        return Readable.from([await parquet(rows)]);
      case 'WEBDATASET':
        return this.tar(rows, set);
    }
  }

  private async manifest({ id, content, samples }: ConceptSet): Promise<ManifestRow[]> {
    const sources = new Map((await this.samples.listSources()).map((source) => [source.id, source]));
    const licenses = await licensesOf(this.samples, sources, [...samples.values()]);
    const { input, folds } = content;
    const ofSet = {
      set_id: id,
      target: describeTarget(input.target),
      strategy: input.strategy,
      seed: input.seed,
      data_version: content.dataVersion,
      selection_version: content.selectionVersion,
      concept_list_sha256: content.conceptListSha256,
    };
    const pairOf = new Map(
      content.pairs.flatMap((pair, i) => [[pair.positive, i] as const, [pair.negative, i] as const]),
    );
    let count = 0;
    const toRow = (sampleId: string, role: Pick<ManifestRow, 'side' | 'random_set' | 'fold' | 'pair'>): ManifestRow => {
      const sample = samples.get(sampleId)!;
      const source = sources.get(sample.source)!;
      return {
        key: String(++count).padStart(KEY_DIGITS, '0'),
        ...role,
        ...describeSample(sample),
        ...ofSet,
        source: source.name,
        license: licenses.get(sample.seq) ?? null,
        citation: source.citation,
      };
    };
    const sideRows = (side: 'positive' | 'negative', ids: readonly string[], assigned: readonly number[] | undefined) =>
      ids.map((sampleId, i) =>
        toRow(sampleId, { side, random_set: null, fold: assigned?.[i] ?? null, pair: pairOf.get(sampleId) ?? null }),
      );
    return [
      ...sideRows('positive', content.positives, folds?.positives),
      ...sideRows('negative', content.negatives, folds?.negatives),
      ...content.randomSets.flatMap((ids, random_set) =>
        ids.map((sampleId) => toRow(sampleId, { side: 'random', random_set, fold: null, pair: null })),
      ),
    ];
  }

  /** Entries are written as the reader takes them; at no time is more than a piece of one file in memory. */
  private tar(rows: readonly ManifestRow[], set: ConceptSet): Readable {
    const archive = pack();
    const write = async () => {
      for (const row of rows) {
        await addFile(archive, `${row.key}.json`, Buffer.from(`${JSON.stringify(row)}\n`));
        const audio = set.samples.get(row.sample_id)!.audio;
        if (!audio) continue;
        const entry = archive.entry({ name: `${row.key}.wav`, size: audio.bytes, ...FIXED_FACTS });
        await pipeline(await this.store.open(audio.sha256), entry);
      }
      archive.finalize();
    };
    // What fails has to break the stream off: a reader must not take a part for the whole.
    write().catch((error: unknown) => archive.destroy(error as Error));
    return Readable.from(archive);
  }
}

/** Of every tar entry: the same set has to give the same bytes. */
const FIXED_FACTS = { mode: 0o644, mtime: new Date(0) } as const;

function addFile(archive: Pack, name: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry({ name, size: bytes.length, ...FIXED_FACTS }, bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function describeSample(sample: StoredSample) {
  const { audio } = sample;
  return {
    sample_id: sample.id,
    source_id: sample.sourceId,
    split: sample.split,
    caption: sample.caption,
    attributes: sample.attributes.map(attributeName),
    carries: sample.carries.map(conceptName),
    mentions: sample.mentions.map(conceptName),
    audio_sha256: audio?.sha256 ?? null,
    audio_media_type: audio?.mediaType ?? null,
    duration_seconds: audio?.durationSeconds ?? null,
    sample_rate: audio?.sampleRate ?? null,
    channels: audio?.channels ?? null,
  };
}

const LISTS = ['attributes', 'carries', 'mentions'] as const;
const INTEGERS = [
  'random_set',
  'fold',
  'pair',
  'sample_rate',
  'channels',
  'seed',
  'data_version',
  'selection_version',
] as const;
const COLUMNS = [
  ...['key', 'side', 'random_set', 'fold', 'pair', 'sample_id', 'source_id', 'split', 'caption'],
  ...LISTS,
  ...['audio_sha256', 'audio_media_type', 'duration_seconds', 'sample_rate', 'channels'],
  ...[
    'set_id',
    'target',
    'strategy',
    'seed',
    'data_version',
    'selection_version',
    'concept_list_sha256',
    'source',
    'license',
    'citation',
  ],
] as readonly (keyof ManifestRow)[];

function* inChunks<T>(rows: readonly ManifestRow[], toChunk: (rows: readonly ManifestRow[]) => T): Generator<T> {
  for (let from = 0; from < rows.length; from += ROWS_PER_CHUNK) yield toChunk(rows.slice(from, from + ROWS_PER_CHUNK));
}

function* csvChunks(rows: readonly ManifestRow[]): Generator<string> {
  const flat = (row: ManifestRow) =>
    COLUMNS.map((column) => {
      const value = row[column];
      return Array.isArray(value) ? value.join('; ') : (value as string | number | null);
    });
  yield stringify([COLUMNS], { record_delimiter: 'windows' });
  yield* inChunks(rows, (chunk) => stringify(chunk.map(flat), { record_delimiter: 'windows' }));
}

async function parquet(rows: readonly ManifestRow[]): Promise<Buffer> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const isList = (column: keyof ManifestRow) => (LISTS as readonly string[]).includes(column);
  const isInteger = (column: keyof ManifestRow) => (INTEGERS as readonly string[]).includes(column);
  const schema = [
    { name: 'root', num_children: COLUMNS.length },
    ...COLUMNS.flatMap((name): SchemaElement[] => {
      if (isList(name)) return textListColumn(name);
      if (name === 'duration_seconds') return [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }];
      if (isInteger(name)) return [{ name, type: 'INT32', repetition_type: 'OPTIONAL' }];
      return [textColumn(name)];
    }),
  ];
  const columnData = COLUMNS.map((name) => ({ name, data: rows.map((row) => row[name] as never) }));
  return Buffer.from(parquetWriteBuffer({ columnData, schema }));
}
