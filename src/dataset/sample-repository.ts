import { BitSet } from '../concepts/bit-set';
import type { IndexRow } from '../concepts/concept-index';
import type { Database } from '../platform/database';
import type { Provenance } from './provenance';
import { sampleKeyOf } from './sample-identity';
import type { Origin, SourceRow } from './sample-writer';

/**
 * Reads samples from PostgreSQL. Which rows match a filter is answered by the index; here they get their content.
 */
export interface StoredSample {
  readonly seq: number;
  readonly id: string;
  readonly sourceId: string;
  readonly caption: string;
  readonly attributes: readonly number[];
  readonly carries: readonly number[];
  readonly mentions: readonly number[];
  readonly source: number;
  readonly split: string | null;
  readonly addedVersion: number;
  readonly retiredVersion: number | null;
  readonly audio: StoredAudio | null;
}

export interface StoredAudio {
  readonly sha256: string;
  readonly bytes: number;
  readonly durationSeconds: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly mediaType: string;
  readonly encoding: string;
}

export interface StoredSource {
  readonly id: number;
  readonly name: string;
  readonly origin: Origin;
  readonly license: string | null;
  readonly citation: string | null;
  readonly url: string | null;
  readonly revision: string | null;
}

export interface DataState {
  readonly version: number;
  /** The version at which `carries` and `mentions` were last derived anew. */
  readonly derivedVersion: number;
}

const SAMPLE_QUERY = `
  SELECT s.seq, s.id, s.source_id, s.caption, s.attributes, s.carries, s.mentions, s.source, s.split,
         s.added_version, s.retired_version, encode(s.audio_sha256, 'hex') AS sha256,
         a.size_bytes, a.duration_seconds, a.sample_rate_hz, a.channels, a.media_type, a.encoding
  FROM sample s LEFT JOIN audio a ON a.sha256 = s.audio_sha256`;

interface SampleRow {
  seq: number;
  id: string;
  source_id: string;
  caption: string;
  attributes: number[];
  carries: number[];
  mentions: number[];
  source: number;
  split: string | null;
  added_version: number;
  retired_version: number | null;
  sha256: string | null;
  size_bytes: number;
  duration_seconds: number;
  sample_rate_hz: number;
  channels: number;
  media_type: string;
  encoding: string;
}

export class SampleRepository {
  constructor(private readonly db: Database) {}

  /** The samples with these row numbers, in the order asked for. */
  async listBySeq(seqs: readonly number[]): Promise<StoredSample[]> {
    if (seqs.length === 0) return [];
    const { rows } = await this.db.query<SampleRow>(`${SAMPLE_QUERY} WHERE s.seq = ANY ($1)`, [seqs]);
    const bySeq = new Map(rows.map((row) => [row.seq, toSample(row)]));
    return seqs.map((seq) => bySeq.get(seq)).filter((sample) => sample !== undefined);
  }

  /** In the order asked for, null where there is none; retired samples are found too. */
  async listByIds(ids: readonly string[]): Promise<(StoredSample | null)[]> {
    const { rows } = await this.db.query<SampleRow>(`${SAMPLE_QUERY} WHERE s.id = ANY ($1)`, [ids]);
    const byId = new Map(rows.map((row) => [row.id, toSample(row)]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** Where each of the samples was met, by row number, in the order of sources and rows. */
  async sourceRows(seqs: readonly number[]): Promise<Map<number, (SourceRow & { readonly source: number })[]>> {
    const { rows } = await this.db.query<{
      sample_seq: number;
      source: number;
      config: string;
      split: string;
      file: string;
      row_number: number;
    }>(
      `SELECT sample_seq, source, config, split, file, row_number FROM source_row WHERE sample_seq = ANY ($1)
       ORDER BY source, config, split, file, row_number`,
      [seqs],
    );
    const bySeq = new Map(seqs.map((seq) => [seq, [] as (SourceRow & { source: number })[]]));
    for (const { sample_seq, row_number, ...row } of rows) {
      bySeq.get(sample_seq)?.push({ ...row, rowNumber: row_number });
    }
    return bySeq;
  }

  /** How each of the samples was made, by row number; those that were not generated are missing. */
  async provenance(seqs: readonly number[]): Promise<Map<number, Provenance>> {
    if (seqs.length === 0) return new Map();
    const { rows } = await this.db.query<{ sample_seq: number; content: Provenance }>(
      'SELECT sample_seq, content FROM provenance WHERE sample_seq = ANY ($1)',
      [seqs],
    );
    return new Map(rows.map((row) => [row.sample_seq, row.content]));
  }

  /** Pairs of a counterfactual and its original that came to be known after a version, up to another. */
  async listCounterfactuals(since: number, until: number): Promise<{ version: number; sample: number; of: number }[]> {
    const { rows } = await this.db.query<{ version: number; sample_seq: number; of_seq: number }>(
      `SELECT version, sample_seq, of_seq FROM counterfactual WHERE version > $1 AND version <= $2
       ORDER BY version, sample_seq, of_seq`,
      [since, until],
    );
    return rows.map(({ version, sample_seq: sample, of_seq: of }) => ({ version, sample, of }));
  }

  /** Row numbers of the other halves of pairs, by row number, ascending. */
  async counterfactualsOf(seqs: readonly number[]): Promise<Map<number, number[]>> {
    const { rows } = await this.db.query<{ seq: number; other: number }>(
      `SELECT sample_seq AS seq, of_seq AS other FROM counterfactual WHERE sample_seq = ANY ($1)
       UNION SELECT of_seq, sample_seq FROM counterfactual WHERE of_seq = ANY ($1) ORDER BY seq, other`,
      [seqs],
    );
    const bySeq = new Map(seqs.map((seq) => [seq, [] as number[]]));
    for (const { seq, other } of rows) bySeq.get(seq)!.push(other);
    return bySeq;
  }

  async listSources(): Promise<StoredSource[]> {
    const { rows } = await this.db.query<StoredSource>(
      'SELECT id, name, origin, license, citation, url, revision FROM source ORDER BY id',
    );
    return rows;
  }

  /** Distinct source ids among live samples, by source. The same id in two sources counts in both. */
  async countSourceIds(): Promise<Map<number, number>> {
    const { rows } = await this.db.query<{ source: number; count: number }>(
      `SELECT source, count(DISTINCT source_id) AS count FROM sample WHERE retired_version IS NULL GROUP BY source`,
    );
    return new Map(rows.map((row) => [row.source, row.count]));
  }

  async seqsOfSourceIds(sourceIds: readonly string[]): Promise<number[]> {
    const { rows } = await this.db.query<{ seq: number }>('SELECT seq FROM sample WHERE source_id = ANY ($1)', [
      sourceIds,
    ]);
    return rows.map((row) => row.seq);
  }

  /**
   * Rows from number `fromSeq` on whose caption matches the words, in the syntax of web search engines
   * (`quiet -piano "slow tempo" or ballad`), by PostgreSQL's English full-text search.
   * @returns null where the text holds no word to search for, only stop words and signs
   */
  async searchCaptions(text: string, fromSeq: number): Promise<number[] | null> {
    // The row numbers come as one packed value: a frequent word matches most rows, and a row each costs far more.
    const { rows } = await this.db.query<{ words: number; packed: Buffer | null }>(
      `SELECT numnode(query) AS words,
              (SELECT string_agg(int4send(seq), '') FROM sample WHERE caption_words @@ query AND seq >= $2) AS packed
       FROM websearch_to_tsquery('english', $1) AS query`,
      [text, fromSeq],
    );
    const { words, packed } = rows[0]!;
    if (words === 0) return null;
    return Array.from({ length: (packed?.length ?? 0) / 4 }, (_, i) => packed!.readInt32BE(i * 4));
  }

  async dataState(): Promise<DataState> {
    const { rows } = await this.db.query<{ version: number; derived_version: number }>(
      'SELECT version, derived_version FROM data_state',
    );
    return { version: rows[0]!.version, derivedVersion: rows[0]!.derived_version };
  }

  /**
   * Rows `fromSeq` to `fromSeq + limit` as they stood at `version`, ascending.
   *
   * They come as one text: building 20,000 result rows with three arrays each takes the driver several times as long
   * as PostgreSQL takes to find them.
   */
  async listIndexRows(fromSeq: number, limit: number, version: number): Promise<IndexRow[]> {
    const { rows } = await this.db.query<{ packed: string | null }>(
      `SELECT string_agg(concat_ws(E'\\x1f', array_to_string(attributes, ','), array_to_string(carries, ','),
                array_to_string(mentions, ','), source, substr(id, 3, 7), group_seq, added_version,
                CASE WHEN audio_version <= $3 THEN audio_version ELSE 0 END,
                CASE WHEN retired_version <= $3 THEN retired_version ELSE 0 END, split), E'\\x1e' ORDER BY seq) AS packed
       FROM sample WHERE seq >= $1 AND seq < $2 AND added_version <= $3`,
      [fromSeq, fromSeq + limit, version],
    );
    const packed = rows[0]!.packed;
    return packed === null ? [] : packed.split('\x1e').map((row, i) => parseIndexRow(row, fromSeq + i));
  }

  /** Rows before `beforeSeq` that got audio or were retired after version `since`, up to version `until`. */
  async listIndexChanges(
    beforeSeq: number,
    since: number,
    until: number,
  ): Promise<Pick<IndexRow, 'seq' | 'audioVersion' | 'retiredVersion'>[]> {
    const { rows } = await this.db.query<{ seq: number; audio: number | null; gone: number | null }>(
      `SELECT seq, CASE WHEN audio_version <= $3 THEN audio_version END AS audio,
              CASE WHEN retired_version <= $3 THEN retired_version END AS gone
       FROM sample
       WHERE (audio_version > $2 OR retired_version > $2) AND seq < $1`,
      [beforeSeq, since, until],
    );
    return rows.map(({ seq, audio, gone }) => ({ seq, audioVersion: audio, retiredVersion: gone }));
  }
}

function parseIndexRow(row: string, seq: number): IndexRow {
  const [attributes, carries, mentions, source, id, group, added, audio, gone, split] = row.split('\x1f');
  return {
    seq,
    attributes: parseNumbers(attributes!),
    carries: parseNumbers(carries!),
    mentions: parseNumbers(mentions!),
    source: Number(source),
    split: split ?? null,
    key: sampleKeyOf(id!),
    group: Number(group),
    addedVersion: Number(added),
    audioVersion: Number(audio) || null,
    retiredVersion: Number(gone) || null,
  };
}

const COMMA = 0x2c;
const ZERO = 0x30;

/** Of `1,20,3`. An index holds tens of millions of them, and splitting the text takes four times as long. */
function parseNumbers(text: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === COMMA) {
      numbers.push(number);
      number = 0;
    } else {
      number = number * 10 + code - ZERO;
    }
  }
  if (text !== '') numbers.push(number);
  return numbers;
}

function toSample(row: SampleRow): StoredSample {
  return {
    seq: row.seq,
    id: row.id,
    sourceId: row.source_id,
    caption: row.caption,
    attributes: row.attributes,
    carries: row.carries,
    mentions: row.mentions,
    source: row.source,
    split: row.split,
    addedVersion: row.added_version,
    retiredVersion: row.retired_version,
    audio:
      row.sha256 === null
        ? null
        : {
            sha256: row.sha256,
            bytes: row.size_bytes,
            durationSeconds: row.duration_seconds,
            sampleRate: row.sample_rate_hz,
            channels: row.channels,
            mediaType: row.media_type,
            encoding: row.encoding,
          },
  };
}

/** A cache of caption searches: captions never change, so a cached answer only has to be carried forward. */
export class CaptionSearch {
  private readonly answers = new Map<string, { rows: BitSet; upTo: number }>();

  constructor(
    private readonly samples: SampleRepository,
    private readonly capacity = 64,
  ) {}

  /** The rows below `size` that match, or null where the text holds no word to search for. */
  async search(text: string, size: number): Promise<BitSet | null> {
    const cached = this.answers.get(text) ?? { rows: new BitSet(), upTo: 0 };
    if (cached.upTo < size) {
      const seqs = await this.samples.searchCaptions(text, cached.upTo);
      if (!seqs) return null;
      for (const seq of seqs) if (seq < size) cached.rows.add(seq);
      cached.upTo = Math.max(cached.upTo, size);
    }
    // Re-inserted: a Map iterates in insertion order, so the first key is the one unused for longest.
    this.answers.delete(text);
    this.answers.set(text, cached);
    if (this.answers.size > this.capacity) this.answers.delete(this.answers.keys().next().value!);
    return cached.rows;
  }
}
