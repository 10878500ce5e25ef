import type { AudioFacts } from '../audio/wav';
import { carriedConcepts, mentionedConcepts } from '../concepts/concepts';
import type { Database, Queryable } from '../platform/database';
import type { Provenance } from './provenance';
import { sampleIdOf, type SampleContent } from './sample-identity';

/**
 * Puts samples into PostgreSQL: one transaction a batch, one data version a batch that changes anything.
 */
export interface NewSample extends SampleContent {
  /** Its bytes are in the audio store already: there is never a row without its audio. */
  readonly audio: (AudioFacts & { readonly sha256: string; readonly sizeBytes: number }) | null;
  /** Null for samples that no data set row stands behind. */
  readonly row: SourceRow | null;
  /** How it was made; null for samples that were not generated. */
  readonly provenance: Provenance | null;
}

/** A sample with what is derived from it: made before the transaction, which others wait for, is opened. */
export interface PreparedSample extends NewSample {
  readonly id: string;
  readonly carries: readonly number[];
  readonly mentions: readonly number[];
}

export function prepareSample(sample: NewSample): PreparedSample {
  return {
    ...sample,
    id: sampleIdOf(sample),
    carries: carriedConcepts(sample.attributes),
    mentions: mentionedConcepts(sample.caption),
  };
}

/** Where in a source a sample was met. */
export interface SourceRow {
  readonly config: string;
  readonly split: string;
  readonly file: string;
  /** From 0 within the file. */
  readonly rowNumber: number;
}

export type Origin = 'STARTER' | 'IMPORTED' | 'GENERATED';

export interface SourceFacts {
  readonly name: string;
  readonly origin: Origin;
  readonly license: string | null;
  readonly citation: string | null;
  readonly url: string | null;
  readonly revision: string | null;
}

export interface WriteResult {
  readonly added: number;
  readonly audioAttached: number;
  /** Positions in the batch whose sample has other audio already; the first audio is kept. */
  readonly otherAudio: readonly number[];
}

/** Channel on which PostgreSQL announces a new data version. */
export const DATA_VERSION_CHANNEL = 'data_version';

/** Registers a source, or fills in facts that were missing, and returns its number. */
export async function saveSource(db: Queryable, source: SourceFacts): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO source (name, origin, license, citation, url, revision) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT ON CONSTRAINT source_name_key DO UPDATE SET
       license = coalesce(EXCLUDED.license, source.license),
       citation = coalesce(EXCLUDED.citation, source.citation),
       url = coalesce(EXCLUDED.url, source.url),
       revision = coalesce(EXCLUDED.revision, source.revision)
     RETURNING id`,
    [source.name, source.origin, source.license, source.citation, source.url, source.revision],
  );
  return rows[0]!.id;
}

/**
 * Writes a batch, all of it or nothing. Writing the same batch again changes nothing.
 * The first imported samples retire the starter set, which is there only so that a new database is not empty.
 */
export function writeSamples(
  db: Database,
  source: { readonly id: number; readonly origin: Origin },
  batch: readonly PreparedSample[],
): Promise<WriteResult> {
  return db.transaction((tx) => writeSamplesIn(tx, source, batch));
}

/** Held until commit: versions and row numbers grow in commit order. */
export async function lockDataState(tx: Queryable): Promise<{ readonly version: number; readonly nextSeq: number }> {
  const { rows } = await tx.query<{ version: number; next_seq: number }>(
    'SELECT version, next_seq FROM data_state FOR UPDATE',
  );
  return { version: rows[0]!.version, nextSeq: rows[0]!.next_seq };
}

/** As `writeSamples`, within a transaction of the caller's. */
export async function writeSamplesIn(
  tx: Queryable,
  source: { readonly id: number; readonly origin: Origin },
  batch: readonly PreparedSample[],
): Promise<WriteResult> {
  const { version: previous, nextSeq } = await lockDataState(tx);
  const version = previous + 1;

  const known = await knownSamples(
    tx,
    batch.map((item) => item.id),
  );
  const added: PreparedSample[] = [];
  const attached: PreparedSample[] = [];
  const otherAudio: number[] = [];
  for (const [position, item] of batch.entries()) {
    const stored = known.get(item.id);
    if (!stored) {
      known.set(item.id, { seq: nextSeq + added.length, audio: item.audio?.sha256 ?? null });
      added.push(item);
    } else if (item.audio && stored.audio === null) {
      stored.audio = item.audio.sha256;
      attached.push(item);
    } else if (item.audio && stored.audio !== item.audio.sha256) {
      otherAudio.push(position);
    }
  }

  await insertAudio(tx, [...added, ...attached]);
  await insertSamples(tx, added, { source: source.id, version, firstSeq: nextSeq });
  await insertProvenance(tx, added);
  if (attached.length > 0) {
    await tx.query(
      `UPDATE sample SET audio_sha256 = new.sha256, audio_version = $3
         FROM unnest($1::text[], $2::bytea[]) AS new (id, sha256) WHERE sample.id = new.id AND sample.audio_sha256 IS NULL`,
      [attached.map((item) => item.id), attached.map((item) => Buffer.from(item.audio!.sha256, 'hex')), version],
    );
  }
  const met = await saveSourceRows(
    tx,
    source.id,
    batch.flatMap((item) => (item.row ? [{ ...item.row, seq: known.get(item.id)!.seq }] : [])),
  );
  if (added.length > 0 && source.origin === 'IMPORTED') {
    await tx.query(
      `UPDATE sample SET retired_version = $1 WHERE retired_version IS NULL
         AND source IN (SELECT id FROM source WHERE origin = 'STARTER')`,
      [version],
    );
  }
  if (added.length + attached.length + met > 0) {
    await tx.query('UPDATE data_state SET version = $1, next_seq = $2', [version, nextSeq + added.length]);
    await tx.query(`SELECT pg_notify('${DATA_VERSION_CHANNEL}', $1)`, [String(version)]);
  }
  return { added: added.length, audioAttached: attached.length, otherAudio };
}

/**
 * Makes a pair of a sample and the one that it is a counterfactual of, as a data version of its own; a pair that is
 * known stays as it is. The caller holds the lock of the data state.
 */
export async function linkCounterfactual(tx: Queryable, sample: number, of: number): Promise<void> {
  const { rowCount } = await tx.query(
    `INSERT INTO counterfactual (sample_seq, of_seq, version) SELECT $1, $2, version + 1 FROM data_state
     WHERE NOT EXISTS (SELECT FROM counterfactual WHERE sample_seq = $2 AND of_seq = $1)
     ON CONFLICT ON CONSTRAINT counterfactual_pkey DO NOTHING`,
    [sample, of],
  );
  if (rowCount === 0) return;
  const { rows } = await tx.query<{ version: number }>('UPDATE data_state SET version = version + 1 RETURNING version');
  await tx.query(`SELECT pg_notify('${DATA_VERSION_CHANNEL}', $1)`, [String(rows[0]!.version)]);
}

async function knownSamples(tx: Queryable, ids: readonly string[]) {
  const { rows } = await tx.query<{ id: string; seq: number; audio: string | null }>(
    `SELECT id, seq, encode(audio_sha256, 'hex') AS audio FROM sample WHERE id = ANY ($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, seq, audio }) => [id, { seq, audio }]));
}

async function insertAudio(tx: Queryable, items: readonly NewSample[]): Promise<void> {
  const files = items.flatMap((item) => (item.audio ? [item.audio] : []));
  if (files.length === 0) return;
  await tx.query(
    `INSERT INTO audio (sha256, size_bytes, duration_seconds, sample_rate_hz, channels, media_type, encoding)
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::float8[], $4::int[], $5::smallint[], $6::text[], $7::text[])
     ON CONFLICT ON CONSTRAINT audio_pkey DO NOTHING`,
    [
      files.map((file) => Buffer.from(file.sha256, 'hex')),
      files.map((file) => file.sizeBytes),
      files.map((file) => file.durationSeconds),
      files.map((file) => file.sampleRateHz),
      files.map((file) => file.channels),
      files.map((file) => file.mediaType),
      files.map((file) => file.encoding),
    ],
  );
}

async function insertSamples(
  tx: Queryable,
  items: readonly PreparedSample[],
  at: { source: number; version: number; firstSeq: number },
): Promise<void> {
  if (items.length === 0) return;
  const groups = await groupsOf(tx, items, at.firstSeq);
  await tx.query(
    `INSERT INTO sample (seq, id, source_id, caption, attributes, carries, mentions, split, audio_sha256, group_seq,
                         source, added_version, audio_version)
     SELECT $1::int + ordinality - 1, id, source_id, caption, attributes::smallint[], carries::smallint[],
            mentions::smallint[], split, audio, group_seq, $2::smallint, $3::int, CASE WHEN audio IS NULL THEN NULL ELSE $3::int END
     FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[],
                 $12::int[])
       WITH ORDINALITY AS new (id, source_id, caption, attributes, carries, mentions, split, audio, group_seq, ordinality)`,
    [
      at.firstSeq,
      at.source,
      at.version,
      items.map((item) => item.id),
      items.map((item) => item.sourceId),
      items.map((item) => item.caption),
      items.map((item) => arrayLiteral(item.attributes)),
      items.map((item) => arrayLiteral(item.carries)),
      items.map((item) => arrayLiteral(item.mentions)),
      items.map((item) => item.row?.split ?? null),
      items.map((item) => (item.audio ? Buffer.from(item.audio.sha256, 'hex') : null)),
      items.map((item) => groups.get(item.sourceId)!),
    ],
  );
}

async function insertProvenance(tx: Queryable, items: readonly PreparedSample[]): Promise<void> {
  const made = items.filter((item) => item.provenance !== null);
  if (made.length === 0) return;
  await tx.query(
    `INSERT INTO provenance (sample_seq, content)
     SELECT seq, content FROM unnest($1::text[], $2::jsonb[]) AS new (id, content) JOIN sample USING (id)`,
    [made.map((item) => item.id), made.map((item) => JSON.stringify(item.provenance))],
  );
}

/** Row number of the first sample with each source id, those about to be inserted from `firstSeq` on included. */
async function groupsOf(tx: Queryable, items: readonly NewSample[], firstSeq: number): Promise<Map<string, number>> {
  const { rows } = await tx.query<{ source_id: string; group_seq: number }>(
    'SELECT DISTINCT source_id, group_seq FROM sample WHERE source_id = ANY ($1)',
    [items.map((item) => item.sourceId)],
  );
  const groups = new Map(rows.map((row) => [row.source_id, row.group_seq]));
  for (const [i, { sourceId }] of items.entries()) if (!groups.has(sourceId)) groups.set(sourceId, firstSeq + i);
  return groups;
}

/** Returns how many of the rows were new, or stand for another sample than before. */
async function saveSourceRows(
  tx: Queryable,
  source: number,
  rows: readonly (SourceRow & { readonly seq: number })[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const { rowCount } = await tx.query(
    `INSERT INTO source_row (source, config, split, file, row_number, sample_seq)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::int[])
     ON CONFLICT ON CONSTRAINT source_row_pkey DO UPDATE SET sample_seq = EXCLUDED.sample_seq
       WHERE source_row.sample_seq <> EXCLUDED.sample_seq`,
    [
      source,
      rows.map((row) => row.config),
      rows.map((row) => row.split),
      rows.map((row) => row.file),
      rows.map((row) => row.rowNumber),
      rows.map((row) => row.seq),
    ],
  );
  return rowCount ?? 0;
}

/** `unnest` flattens nested arrays, so each row's array travels as its text. */
function arrayLiteral(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
