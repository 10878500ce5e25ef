import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { Client, Pool, types, type PoolClient, type QueryResult, type QueryResultRow } from 'pg';
import type { Logger } from 'pino';
import { UserError } from './errors';

/**
 * PostgreSQL: one pool, transactions, migrations and notifications. SQL itself lives with its subject.
 */

// Counts and sizes here stay far below 2^53; as numbers they can be added and compared.
types.setTypeParser(types.builtins.INT8, Number);

const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const MIGRATIONS = join(__dirname, '..', '..', 'migrations');

/** What repositories need of a connection; a pool and a transaction both are one. */
export interface Queryable {
  query<R extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<R>>;
}

export interface Database extends Queryable {
  readonly url: string;
  /** Runs `work` in a transaction; whatever it throws rolls back. */
  transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
  /** A connection of one's own, for COPY. Must be released. */
  connect(): Promise<PoolClient>;
  /**
   * Calls `onMessage` with the payload of each NOTIFY on `channel`, and once with null after every reconnect, when some
   * may have been missed.
   */
  listen(channel: string, onMessage: (payload: string | null) => void): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
}

/**
 * Opens a pool on `url` and checks that it answers.
 * @throws UserError DATABASE_UNAVAILABLE
 */
export async function openDatabase(
  url: string,
  log: Logger,
  options: { maxConnections?: number; onStatement?: (text: string) => void } = {},
): Promise<Database> {
  const pool = new Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'conceptcaps',
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'));
  try {
    await pool.query('SELECT 1');
  } catch (error) {
    await pool.end();
    throw new UserError(
      'DATABASE_UNAVAILABLE',
      `PostgreSQL at ${redactUrl(url)} does not answer: ${messageOf(error)}. Check DATABASE_URL, or unset it to use the embedded PostgreSQL.`,
      {},
      { cause: error },
    );
  }

  const observe = options.onStatement;
  const queryOn = (target: Pool | PoolClient): Queryable => ({
    query: <R extends QueryResultRow>(text: string, values?: readonly unknown[]) => {
      observe?.(text);
      return target.query<R>(text, values as unknown[]);
    },
  });

  return {
    url,
    ...queryOn(pool),
    connect: () => pool.connect(),
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        const result = await work(queryOn(client));
        await client.query('COMMIT');
        client.release();
        return result;
      } catch (error) {
        // A connection that cannot even roll back is not given back to the pool.
        const broken = await client.query('ROLLBACK').then(
          () => false,
          () => true,
        );
        client.release(broken);
        throw error;
      }
    },
    listen: (channel, onMessage) => listen(url, channel, onMessage, log),
    close: () => pool.end(),
  };
}

/** Brings the schema up to date; several processes may do so at once. */
export async function migrate(url: string, log: Logger): Promise<void> {
  await runner({
    databaseUrl: url,
    dir: MIGRATIONS,
    migrationsTable: 'schema_migration',
    direction: 'up',
    advisoryLockMode: 'wait',
    logger: {
      debug: (message) => log.debug(message),
      info: (message) => log.debug(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
  });
}

const RECONNECT_DELAY_MS = 1_000;

async function listen(url: string, channel: string, onMessage: (payload: string | null) => void, log: Logger) {
  let client: Client | null = null;
  let closed = false;
  let retry: NodeJS.Timeout | null = null;

  async function connect(): Promise<void> {
    const next = new Client({ connectionString: url, application_name: 'conceptcaps-listen', keepAlive: true });
    next.on('notification', ({ payload }) => onMessage(payload ?? ''));
    next.on('error', (error) => log.warn({ err: error }, 'the notification connection broke'));
    next.on('end', () => {
      if (!closed) retry = setTimeout(() => void reconnect(), RECONNECT_DELAY_MS);
    });
    await next.connect();
    await next.query(`LISTEN ${channel}`);
    client = next;
  }
  async function reconnect(): Promise<void> {
    try {
      await connect();
      onMessage(null);
    } catch (error) {
      log.warn({ err: error }, 'cannot listen for changes yet');
    }
  }

  await connect();
  return {
    async close() {
      closed = true;
      if (retry) clearTimeout(retry);
      await client?.end();
    },
  };
}

/** Whether an error says that PostgreSQL could not be reached or is going down: the same may succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  // Classes 08 (connection exception), 53 (insufficient resources) and 57P (operator intervention) of PostgreSQL, and
  // what the network says. node-postgres gives the rest no code.
  if (code !== undefined) return /^(08|53|57P|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)/.test(code);
  return /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error/i.test(
    error.message,
  );
}

/** The URL without its password, for messages. */
export function redactUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.password) parsed.password = '***';
  return parsed.toString();
}

function messageOf(error: unknown): string {
  // A refused connection to a name with several addresses is an AggregateError with an empty message.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
