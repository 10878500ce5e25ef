import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Database } from './database';
import { UserError } from './errors';

/**
 * API keys: who may change things, and how much. A key is `cck_<id>_<secret>`; of the secret only a digest is stored,
 * which is enough as it is random. Limits are kept in PostgreSQL, so that they hold over all replicas together.
 */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly limits: ApiLimits;
}

export interface ApiLimits {
  readonly requestsPerMinute: number;
  readonly itemsPerRequest: number;
  readonly pendingItems: number;
  readonly audioSecondsPerDay: number;
}

export interface ListedApiKey extends ApiKey {
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Enough for one researcher on one machine: about as much as that can make. */
export const DEFAULT_LIMITS: ApiLimits = {
  requestsPerMinute: 120,
  itemsPerRequest: 1_000,
  pendingItems: 5_000,
  audioSecondsPerDay: 360_000,
};

const ID_BYTES = 6;
const SECRET_BYTES = 24;
const KEY_PATTERN = /^cck_([0-9a-f]{12})_([0-9A-Za-z_-]{32})$/;
const MAX_NAME_LENGTH = 100;

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly secret_sha256: Buffer;
  readonly requests_per_minute: number;
  readonly items_per_request: number;
  readonly pending_items: number;
  readonly audio_seconds_per_day: number;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

export class ApiKeys {
  constructor(private readonly db: Database) {}

  /**
   * @returns the key and its text, which is nowhere to be found again
   * @throws UserError BAD_USER_INPUT
   */
  async create(name: string, limits: ApiLimits = DEFAULT_LIMITS): Promise<{ readonly key: ApiKey; text: string }> {
    if (name.trim() === '' || name.length > MAX_NAME_LENGTH || name.includes('\0')) {
      throw new UserError('BAD_USER_INPUT', `the name of a key has 1 to ${MAX_NAME_LENGTH} characters.`, {
        field: 'name',
      });
    }
    const id = randomBytes(ID_BYTES).toString('hex');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    await this.db.query(
      `INSERT INTO api_key (id, name, secret_sha256, requests_per_minute, items_per_request, pending_items,
         audio_seconds_per_day, tokens)
       VALUES ($1, $2, $3, $4::int, $5, $6, $7, $4::int)`,
      [
        id,
        name,
        digestOf(secret),
        limits.requestsPerMinute,
        limits.itemsPerRequest,
        limits.pendingItems,
        limits.audioSecondsPerDay,
      ],
    );
    return { key: { id, name, limits }, text: `cck_${id}_${secret}` };
  }

  /** All of them, revoked ones included, oldest first. */
  async list(): Promise<ListedApiKey[]> {
    const { rows } = await this.db.query<KeyRow>('SELECT * FROM api_key ORDER BY created_at, id');
    return rows.map((row) => ({
      ...toKey(row),
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      revokedAt: row.revoked_at,
    }));
  }

  /**
   * Takes effect with the next request. What was asked for with it goes on.
   * @param idOrName a name only where it is that of one key
   * @throws UserError UNKNOWN_API_KEY, BAD_USER_INPUT where several have the name
   */
  async revoke(idOrName: string): Promise<ApiKey> {
    const { rows } = await this.db.query<KeyRow>(
      'SELECT * FROM api_key WHERE (id = $1 OR name = $1) AND revoked_at IS NULL',
      [idOrName.replaceAll('\0', '')],
    );
    const [key, other] = rows;
    if (!key) {
      throw new UserError('UNKNOWN_API_KEY', `there is no key "${idOrName.slice(0, MAX_NAME_LENGTH)}" in use.`);
    }
    if (other) {
      throw new UserError('BAD_USER_INPUT', `${rows.length} keys have this name; give the id: "keys list" shows it.`);
    }
    await this.db.query('UPDATE api_key SET revoked_at = now() WHERE id = $1', [key.id]);
    return toKey(key);
  }

  /** The key of that text; null where there is none, or it was revoked. */
  async authenticate(text: string): Promise<ApiKey | null> {
    const [, id, secret] = KEY_PATTERN.exec(text) ?? [];
    if (id === undefined || secret === undefined) return null;
    const { rows } = await this.db.query<KeyRow>('SELECT * FROM api_key WHERE id = $1 AND revoked_at IS NULL', [id]);
    const row = rows[0];
    return row && timingSafeEqual(row.secret_sha256, digestOf(secret)) ? toKey(row) : null;
  }

  /** Counts a request against the key. @throws UserError RATE_LIMITED, UNAUTHENTICATED where it was revoked meanwhile */
  async charge({ id }: ApiKey): Promise<void> {
    const filled = `least(requests_per_minute,
      tokens + greatest(0, extract(epoch FROM clock_timestamp() - tokens_at)) * requests_per_minute / 60.0)`;
    const { rowCount } = await this.db.query(
      `UPDATE api_key SET tokens = ${filled} - 1, tokens_at = clock_timestamp(), last_used_at = clock_timestamp()
       WHERE id = $1 AND revoked_at IS NULL AND ${filled} >= 1`,
      [id],
    );
    if (rowCount === 1) return;
    const { rows } = await this.db.query<{ wait: number; requests_per_minute: number }>(
      `SELECT greatest(0, 1 - ${filled})::float8 * 60 / requests_per_minute AS wait, requests_per_minute
       FROM api_key WHERE id = $1 AND revoked_at IS NULL`,
      [id],
    );
    if (!rows[0]) throw new UserError('UNAUTHENTICATED', 'The API key was revoked.');
    const retryAfterSeconds = Math.max(1, Math.ceil(rows[0].wait));
    throw new UserError(
      'RATE_LIMITED',
      `The API key allows ${rows[0].requests_per_minute} requests a minute. Try again in ${retryAfterSeconds} s.`,
      { retryAfterSeconds },
    );
  }
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function toKey(row: KeyRow): ApiKey {
  const { id, name } = row;
  return {
    id,
    name,
    limits: {
      requestsPerMinute: row.requests_per_minute,
      itemsPerRequest: row.items_per_request,
      pendingItems: row.pending_items,
      audioSecondsPerDay: row.audio_seconds_per_day,
    },
  };
}
