import { randomBytes } from 'node:crypto';
import type { ConceptSets } from '../dataset/concept-sets';
import type { LiveIndex } from '../dataset/live-index';
import type { SampleRepository } from '../dataset/sample-repository';
import { base32 } from '../dataset/sample-identity';
import type { EngineName } from '../inference/stages';
import type { ApiKey } from '../platform/api-keys';
import type { Database, Queryable } from '../platform/database';
import { UserError } from '../platform/errors';
import type { EngineCapacity } from './engine-choice';
import { planGeneration, PRIORITIES, type GenerationPlan, type GenerationSpec, type PlannedItem } from './plan';
import type { Stages } from './stages';

/**
 * Generation requests: written with their items in one transaction, so that there is all of a request or nothing of
 * it, then put into the queue. What does not get there is found by the reconciler.
 */
export interface EnqueuedItem {
  readonly item: number;
  readonly engine: EngineName;
  readonly rank: number;
}

export interface GenerationRequestsOptions {
  readonly db: Database;
  readonly sets: ConceptSets;
  readonly samples: SampleRepository;
  readonly live: LiveIndex;
  readonly stages: Stages;
  /** What live workers serve now. */
  readonly capacity: () => Promise<ReadonlyMap<EngineName, EngineCapacity>>;
  /** Called with items that are due, once they are in the database. */
  readonly onDue: (items: readonly EnqueuedItem[]) => void;
}

const MAX_IDEMPOTENCY_KEY_LENGTH = 200;
/** Items of one request stand behind one another by this: the first of every request before the second of any. */
const RANKS_PER_PRIORITY = 100_000;

export class GenerationRequests {
  constructor(private readonly options: GenerationRequestsOptions) {}

  /**
   * @param key null for the command line, which has no limits
   * @returns the id of the request
   * @throws UserError where the input is wrong or a limit of the key is reached
   */
  async create(spec: GenerationSpec, idempotencyKey: string | null, key: ApiKey | null): Promise<string> {
    checkIdempotencyKey(idempotencyKey);
    const { db, sets, samples, stages, live, capacity, onDue } = this.options;
    const earlier = await this.earlierRequest(spec, idempotencyKey, key);
    if (earlier !== null) return earlier;
    const plan = await planGeneration(spec, {
      sets,
      samples,
      stages,
      capacity: await capacity(),
      dataVersion: live.current.version,
    });
    const id = `g_${base32(randomBytes(16), 26)}`;
    let due: EnqueuedItem[];
    try {
      due = await db.transaction((tx) => writeRequest(tx, { id, spec, plan, idempotencyKey, key }));
    } catch (error) {
      // The same request came at the same time and was first.
      if ((error as { constraint?: string }).constraint !== 'generation_request_idempotency_key') throw error;
      return this.create(spec, idempotencyKey, key);
    }
    onDue(due);
    return id;
  }

  /**
   * What is not settled yet is canceled, at once as far as anyone can see; workers stop within two seconds.
   * @throws UserError UNKNOWN_GENERATION, NOT_YOUR_GENERATION
   */
  async cancel(id: string, key: ApiKey | null): Promise<void> {
    const request = await this.own(id, key);
    await this.options.db.query(
      `UPDATE generation_item SET state = 'CANCELED', stage = NULL, lease = NULL, leased_until = NULL,
         finished_at = now()
       WHERE request = $1 AND state IN ('QUEUED', 'RUNNING')`,
      [request],
    );
  }

  /**
   * What failed is tried again; what succeeded or was canceled stays as it is.
   * @throws UserError UNKNOWN_GENERATION, NOT_YOUR_GENERATION, TOO_MANY_PENDING_ITEMS, AUDIO_BUDGET_SPENT
   */
  async retry(id: string, key: ApiKey | null): Promise<void> {
    const request = await this.own(id, key);
    const due = await this.options.db.transaction(async (tx) => {
      const { rows: failed } = await tx.query<{ duration_seconds: number }>(
        `SELECT duration_seconds FROM generation_item WHERE request = $1 AND state = 'FAILED'`,
        [request],
      );
      if (key && failed.length > 0) await checkLimits(tx, key, failed.length, failed[0]!.duration_seconds);
      const { rows } = await tx.query<EnqueuedItem>(
        `UPDATE generation_item SET state = 'QUEUED', progress = 0, attempts = 0, enqueued_at = NULL,
           not_before = now(), error_code = NULL, error_message = NULL, finished_at = NULL
         WHERE request = $1 AND state = 'FAILED' RETURNING id AS item, engine, rank`,
        [request],
      );
      return rows;
    });
    this.options.onDue(due);
  }

  /** The request that the idempotency key stands for; null where it is new. */
  private async earlierRequest(
    spec: GenerationSpec,
    idempotencyKey: string | null,
    key: ApiKey | null,
  ): Promise<string | null> {
    const input = inputOf(spec);
    // What PostgreSQL cannot keep was never asked before.
    if (idempotencyKey === null || !key || UNSTORABLE.test(input)) return null;
    const { rows } = await this.options.db.query<{ id: string; is_same: boolean }>(
      `SELECT id, input = $3::jsonb AS is_same FROM generation_request WHERE api_key = $1 AND idempotency_key = $2`,
      [key.id, idempotencyKey, input],
    );
    const found = rows[0];
    if (!found) return null;
    if (found.is_same) return found.id;
    throw new UserError(
      'IDEMPOTENCY_KEY_REUSED',
      `input.idempotencyKey: "${idempotencyKey}" stands for another request, ${found.id}. Take a new one.`,
      { field: 'input.idempotencyKey' },
    );
  }

  private async own(id: string, key: ApiKey | null): Promise<number> {
    const { rows } = await this.options.db.query<{ seq: number; api_key: string | null }>(
      'SELECT seq, api_key FROM generation_request WHERE id = $1',
      [id.replaceAll('\0', '')],
    );
    const request = rows[0];
    if (!request) throw unknownGeneration(id);
    if (key && request.api_key !== key.id) {
      throw new UserError('NOT_YOUR_GENERATION', `The generation request ${id} was not made with this API key.`);
    }
    return request.seq;
  }
}

export function unknownGeneration(id: string): UserError {
  return new UserError('UNKNOWN_GENERATION', `There is no generation request "${id.slice(0, 100)}".`, { field: 'id' });
}

function checkIdempotencyKey(key: string | null): void {
  if (key === null || (key.length > 0 && key.length <= MAX_IDEMPOTENCY_KEY_LENGTH && !key.includes('\0'))) return;
  throw new UserError(
    'BAD_USER_INPUT',
    `input.idempotencyKey must have 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters (it has ${key.length}).`,
    { field: 'input.idempotencyKey' },
  );
}

/** NUL characters and halves of surrogate pairs, as JSON has them. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

function inputOf(spec: GenerationSpec): string {
  return JSON.stringify(spec, (_key, value: unknown) => (value === null ? undefined : value));
}

interface NewRequest {
  readonly id: string;
  readonly spec: GenerationSpec;
  readonly plan: GenerationPlan;
  readonly idempotencyKey: string | null;
  readonly key: ApiKey | null;
}

async function writeRequest(tx: Queryable, request: NewRequest): Promise<EnqueuedItem[]> {
  const { id, spec, plan, idempotencyKey, key } = request;
  // One at a time: two fresh requests must not take the same seeds.
  if (plan.isFresh) await tx.query(`SELECT pg_advisory_xact_lock(hashtext('conceptcaps fresh generation'))`);
  const items = await plan.items((recipes) => recipesThere(tx, recipes, plan.isFresh));
  if (key) await checkLimits(tx, key, items.length, plan.durationSeconds);
  const { rows } = await tx.query<{ seq: number }>(
    `INSERT INTO generation_request (id, api_key, idempotency_key, input, engine, priority, duration_seconds,
       data_version, previews, finished_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $10 THEN now() END) RETURNING seq`,
    [
      id,
      key && key.id,
      idempotencyKey,
      inputOf(spec),
      plan.engine,
      plan.priority,
      plan.durationSeconds,
      plan.dataVersion,
      spec.previews ?? false,
      items.length === 0,
    ],
  );
  return insertItems(tx, rows[0]!.seq, plan, items);
}

async function insertItems(
  tx: Queryable,
  request: number,
  { engine, priority }: GenerationPlan,
  items: readonly PlannedItem[],
): Promise<EnqueuedItem[]> {
  if (items.length === 0) return [];
  const firstRank = PRIORITIES.indexOf(priority) * RANKS_PER_PRIORITY;
  const { rows } = await tx.query<EnqueuedItem>(
    `INSERT INTO generation_item (request, position, engine, recipe, asked, forbidden, completes, seed,
       duration_seconds, counterfactual_of, caption, texture, rank, enqueued_at)
     SELECT $1, ordinality - 1, $2, recipe, asked::smallint[], forbidden::smallint[], completes, seed, duration,
       counterfactual_of, caption, texture, $3::int + ordinality - 1, now()
     FROM unnest($4::text[], $5::text[], $6::text[], $7::boolean[], $8::int[], $9::float8[], $10::int[], $11::text[],
         $12::text[])
       WITH ORDINALITY
       AS new (recipe, asked, forbidden, completes, seed, duration, counterfactual_of, caption, texture, ordinality)
     RETURNING id AS item, engine, rank`,
    [
      request,
      engine,
      firstRank,
      items.map(({ recipeId }) => recipeId),
      items.map(({ asked }) => `{${asked.join(',')}}`),
      items.map(({ forbidden }) => `{${forbidden.join(',')}}`),
      items.map(({ completes }) => completes),
      items.map(({ seed }) => seed),
      items.map(({ durationSeconds }) => durationSeconds),
      items.map(({ counterfactualOf }) => counterfactualOf),
      items.map(({ caption }) => caption),
      items.map(({ texture }) => texture),
    ],
  );
  return rows;
}

/** Those of the recipes that gave a sample already or, where that counts, wait to. */
async function recipesThere(tx: Queryable, recipes: readonly string[], pendingCounts: boolean): Promise<Set<string>> {
  const { rows } = await tx.query<{ recipe: string }>(
    `SELECT source_id AS recipe FROM sample WHERE source_id = ANY ($1)
     UNION SELECT recipe FROM generation_item WHERE $2 AND recipe = ANY ($1) AND state IN ('QUEUED', 'RUNNING')`,
    [recipes, pendingCounts],
  );
  return new Set(rows.map(({ recipe }) => recipe));
}

const DAY_SECONDS = 24 * 3600;
/** Nobody knows when items will be done: about when it is worth asking again. */
const PENDING_RETRY_SECONDS = 30;

/** Holds the key's row, so that requests at the same time count one another. */
async function checkLimits(tx: Queryable, { id, limits }: ApiKey, items: number, secondsEach: number): Promise<void> {
  if (items > limits.itemsPerRequest) {
    throw new UserError(
      'TOO_MANY_ITEMS',
      `The request is for ${items} samples; the API key allows ${limits.itemsPerRequest} at once.`,
    );
  }
  await tx.query('SELECT FROM api_key WHERE id = $1 FOR UPDATE', [id]);
  const { rows } = await tx.query<{ pending: number; seconds: number; age: number }>(
    `SELECT queued + running AS pending, (queued + running + succeeded) * duration_seconds AS seconds,
       extract(epoch FROM now() - created_at)::float8 AS age
     FROM generation_request
     WHERE api_key = $1 AND (created_at > now() - make_interval(secs => $2) OR state IN ('QUEUED', 'RUNNING'))
     ORDER BY created_at`,
    [id, DAY_SECONDS],
  );
  const pending = rows.reduce((sum, row) => sum + row.pending, 0);
  if (pending + items > limits.pendingItems) {
    throw new UserError(
      'TOO_MANY_PENDING_ITEMS',
      `${pending} samples of the API key wait to be made and ${items} more were asked for; it allows ${limits.pendingItems}. Try again in ${PENDING_RETRY_SECONDS} s, or cancel some.`,
      { retryAfterSeconds: PENDING_RETRY_SECONDS },
    );
  }
  const today = rows.filter(({ age }) => age < DAY_SECONDS);
  let seconds = today.reduce((sum, row) => sum + row.seconds, items * secondsEach);
  if (seconds <= limits.audioSecondsPerDay) return;
  const asked = items * secondsEach;
  const spent = seconds - asked;
  const allowed = limits.audioSecondsPerDay;
  const oldest = today.find((row) => (seconds -= row.seconds) <= allowed);
  const retryAfterSeconds = oldest && Math.ceil(DAY_SECONDS - oldest.age);
  const wayOut = retryAfterSeconds ? `Try again in ${retryAfterSeconds} s` : 'Ask for less';
  throw new UserError(
    'AUDIO_BUDGET_SPENT',
    `The API key allows ${allowed} s of audio a day; ${spent} s are spent and ${asked} s more were asked for. ${wayOut}.`,
    { retryAfterSeconds },
  );
}
