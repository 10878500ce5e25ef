import type { LiveIndex } from '../dataset/live-index';
import type { EngineName } from '../inference/stages';
import type { Database } from '../platform/database';
import type { EngineCapacity } from './engine-choice';
import type { ItemStage } from './items';
import type { Priority } from './plan';

/** Reads generation requests and their items. */
export const GENERATION_STATES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type GenerationState = (typeof GENERATION_STATES)[number];

export interface StoredGeneration {
  readonly seq: number;
  readonly id: string;
  readonly state: GenerationState;
  readonly engine: EngineName;
  readonly priority: Priority;
  readonly durationSeconds: number;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly counts: Readonly<Record<Lowercase<GenerationState>, number>>;
}

/** What changes while a request runs. */
export interface GenerationProgress {
  /** 0 to 1. */
  readonly progress: number;
  readonly stage: ItemStage | null;
  /** From 1; null where nothing waits. */
  readonly queuePosition: number | null;
  /** Null where that cannot be told. */
  readonly secondsLeft: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface StoredItem {
  readonly position: number;
  readonly state: GenerationState;
  readonly asked: readonly number[];
  readonly seed: number;
  readonly stage: ItemStage | null;
  readonly progress: number;
  readonly attempts: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What is there of it, to be heard; null where that is nothing, or not wanted. */
  readonly preview: { readonly sha256: string; readonly durationSeconds: number } | null;
  /** Row number. */
  readonly sampleSeq: number | null;
}

/** Items that the speed of an engine is taken from: its latest. */
const SPEED_ITEMS = 50;
const WORKER_SILENT_SECONDS = 10;

interface GenerationRow {
  readonly seq: number;
  readonly id: string;
  readonly state: GenerationState;
  readonly engine: EngineName;
  readonly priority: Priority;
  readonly duration_seconds: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly queued: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
}

const GENERATION_QUERY = `SELECT seq, id, state, engine, priority, duration_seconds, created_at, finished_at, queued,
  running, succeeded, failed, canceled FROM generation_request`;

export class GenerationRepository {
  constructor(
    private readonly db: Database,
    private readonly live: LiveIndex,
  ) {}

  /** Whoever is told that a request is final finds its samples in sets and filters from then on. */
  async byId(id: string): Promise<StoredGeneration | null> {
    if (id.includes('\0')) return null;
    const { rows } = await this.db.query<GenerationRow>(`${GENERATION_QUERY} WHERE id = $1`, [id]);
    if (!rows[0]) return null;
    if (rows[0].finished_at !== null) await this.live.refresh();
    return toGeneration(rows[0]);
  }

  /** Newest first, of one state or of all. @param before only those made before this number */
  async list(state: GenerationState | null, before: number, limit: number): Promise<StoredGeneration[]> {
    const { rows } = await this.db.query<GenerationRow>(
      `${GENERATION_QUERY} WHERE ($1::text IS NULL OR state = $1) AND seq < $2 ORDER BY seq DESC LIMIT $3`,
      [state, before, limit],
    );
    return rows.map(toGeneration);
  }

  async count(state: GenerationState | null): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'SELECT count(*) AS count FROM generation_request WHERE $1::text IS NULL OR state = $1',
      [state],
    );
    return rows[0]!.count;
  }

  /** How far requests are, by number. */
  async progress(seqs: readonly number[]): Promise<Map<number, GenerationProgress>> {
    const { rows } = await this.db.query<{
      seq: number;
      progress: number | null;
      stage: ItemStage | null;
      queue_position: number | null;
      seconds_left: number | null;
      error_code: string | null;
      error_message: string | null;
    }>(
      `SELECT r.seq, own.progress, own.stage, line.position AS queue_position,
         CASE WHEN r.queued + r.running > 0
           THEN (own.running_seconds + coalesce(line.seconds, 0)) * speed.per_second / power.capacity END AS seconds_left,
         trouble.error_code, trouble.error_message
       FROM generation_request r
       CROSS JOIN LATERAL (
         SELECT avg(progress)::float8 AS progress,
           (array_agg(stage ORDER BY position) FILTER (WHERE state = 'RUNNING'))[1] AS stage,
           coalesce(sum(duration_seconds * (1 - progress)) FILTER (WHERE state = 'RUNNING'), 0)::float8
             AS running_seconds
         FROM generation_item WHERE request = r.seq
       ) own
       LEFT JOIN LATERAL (
         SELECT count(*) FILTER (WHERE (i.rank, i.id) <= (ends.first_rank, ends.first_id)) AS position,
           sum(i.duration_seconds) AS seconds
         FROM generation_item i, (
           SELECT min(rank) AS first_rank, min(id) AS first_id, max(rank) AS last_rank, max(id) AS last_id
           FROM generation_item WHERE request = r.seq AND state = 'QUEUED'
         ) ends
         WHERE i.state = 'QUEUED' AND i.engine = r.engine AND (i.rank, i.id) <= (ends.last_rank, ends.last_id)
       ) line ON r.queued > 0
       LEFT JOIN LATERAL (
         SELECT error_code, error_message FROM generation_item
         WHERE request = r.seq AND error_code IS NOT NULL ORDER BY state <> 'FAILED', position LIMIT 1
       ) trouble ON true
       LEFT JOIN LATERAL (
         SELECT sum(extract(epoch FROM finished_at - started_at)) / nullif(sum(duration_seconds), 0) AS per_second
         FROM (
           SELECT finished_at, started_at, duration_seconds FROM generation_item
           WHERE engine = r.engine AND state = 'SUCCEEDED' ORDER BY finished_at DESC LIMIT $2
         ) latest
       ) speed ON true
       LEFT JOIN LATERAL (
         SELECT nullif(sum(coalesce(slots[array_position(engines, r.engine)], concurrency)), 0) AS capacity
         FROM generation_worker
         WHERE r.engine = ANY (engines) AND seen_at > now() - make_interval(secs => $3)
       ) power ON true
       WHERE r.seq = ANY ($1::bigint[])`,
      [seqs, SPEED_ITEMS, WORKER_SILENT_SECONDS],
    );
    return new Map(
      rows.map((row) => [
        row.seq,
        {
          // A request without items has nothing left to do.
          progress: row.progress ?? 1,
          stage: row.stage,
          queuePosition: row.queue_position,
          secondsLeft: row.seconds_left === null ? null : Math.ceil(Number(row.seconds_left)),
          error: toError(row),
        },
      ]),
    );
  }

  /** Items of a request in their order. */
  async items(request: number, first: number, skip: number): Promise<StoredItem[]> {
    const { rows } = await this.db.query<{
      position: number;
      state: GenerationState;
      asked: number[];
      seed: number;
      stage: ItemStage | null;
      progress: number;
      attempts: number;
      error_code: string | null;
      error_message: string | null;
      preview_sha256: string | null;
      preview_seconds: number | null;
      sample_seq: number | null;
    }>(
      `SELECT position, state, asked, seed, stage, progress, attempts, error_code, error_message, sample_seq,
         encode(preview_sha256, 'hex') AS preview_sha256, preview_seconds
       FROM generation_item WHERE request = $1 ORDER BY position LIMIT $2 OFFSET $3`,
      [request, first, skip],
    );
    return rows.map(
      ({ sample_seq: sampleSeq, error_code, error_message, preview_sha256, preview_seconds, ...row }) => ({
        ...row,
        preview:
          preview_sha256 === null || preview_seconds === null
            ? null
            : { sha256: preview_sha256, durationSeconds: preview_seconds },
        error: toError({ error_code, error_message }),
        sampleSeq,
      }),
    );
  }

  /** Row numbers of the samples that requests have given so far, each once, in the order of items, by request. */
  async sampleSeqs(request: number, first: number, skip: number): Promise<number[]> {
    const { rows } = await this.db.query<{ sample_seq: number }>(
      `SELECT sample_seq FROM generation_item WHERE request = $1 AND sample_seq IS NOT NULL
       GROUP BY sample_seq ORDER BY min(position) LIMIT $2 OFFSET $3`,
      [request, first, skip],
    );
    return rows.map((row) => row.sample_seq);
  }

  /** What live workers serve, by engine; those that none serves are missing. */
  async capacity(): Promise<Map<EngineName, EngineCapacity>> {
    const { rows } = await this.db.query<{ engine: EngineName } & EngineCapacity>(
      `SELECT served.engine, count(*) AS workers, sum(coalesce(served.slots, w.concurrency)) AS slots,
         coalesce(array_agg(DISTINCT served.version) FILTER (WHERE served.version IS NOT NULL), '{}') AS versions
       FROM generation_worker w, unnest(w.engines, w.versions, w.slots) AS served (engine, version, slots)
       WHERE w.seen_at > now() - make_interval(secs => $1) GROUP BY served.engine`,
      [WORKER_SILENT_SECONDS],
    );
    return new Map(rows.map(({ engine, ...capacity }) => [engine, capacity]));
  }
}

function toGeneration(row: GenerationRow): StoredGeneration {
  const { seq, id, state, engine, priority, queued, running, succeeded, failed, canceled } = row;
  return {
    seq,
    id,
    state,
    engine,
    priority,
    durationSeconds: row.duration_seconds,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    counts: { queued, running, succeeded, failed, canceled },
  };
}

function toError({ error_code, error_message }: { error_code: string | null; error_message: string | null }) {
  return error_code === null ? null : { code: error_code, message: error_message ?? '' };
}
