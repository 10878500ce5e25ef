import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { ApiKeys, DEFAULT_LIMITS, type ApiLimits } from '../../src/platform/api-keys';
import { readConfig } from '../../src/platform/config';
import { openDatabase } from '../../src/platform/database';
import { startApp } from '../../src/server/app';
import { createTestDatabase } from './database';
import { until } from './seed';

/** A real server on a database and a data directory of its own, asked over HTTP. */
export interface TestServer {
  readonly url: string;
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** SQL statements sent by the server's pool since it started. */
  readonly statements: string[];
  /** The data of a query; fails the test with the errors where there are any. */
  query<T = any>(query: string, variables?: Record<string, unknown>): Promise<T>; // eslint-disable-line @typescript-eslint/no-explicit-any
  /** The whole answer, errors included. */
  execute(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>;
  /** The whole answer to a request body, and its HTTP status. */
  post(body: object): Promise<GraphQLAnswer & { readonly status: number }>;
  /** An API key of the server, which `query`, `execute` and `post` send with mutations. */
  readonly apiKey: string;
  /** Environment with which a command works on the same data. */
  readonly environment: Record<string, string>;
  /** Resolves when the server answers with the newest data version of its database. */
  followsDatabase(): Promise<void>;
  close(): Promise<void>;
}

export interface GraphQLAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: {
      readonly code: string;
      readonly field?: string;
      readonly suggestions?: string[];
      readonly errorId?: string;
    };
  }[];
}

export async function startTestServer(environment: Record<string, string> = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-server-'));
  const statements: string[] = [];
  const settings = {
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    PORT: '0',
    LOAD_STARTER: 'false',
    WORKER_CONCURRENCY: '0',
    ...environment,
  };
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? 'silent' });
  // What goes on by itself is not what a request costs.
  const onStatement = (text: string) => /generation_|audio_upload/.test(text) || statements.push(text);
  const app = await startApp(readConfig(settings), log, { onStatement: (text) => void onStatement(text) });
  const apiKey = await createApiKey(database.url);
  statements.length = 0;
  const post = async (body: { readonly query?: unknown; readonly variables?: unknown }) => {
    const isMutation = typeof body.query === 'string' && body.query.includes('mutation');
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(isMutation && { authorization: `Bearer ${apiKey}` }) },
      body: JSON.stringify(body),
    });
    return { ...((await response.json()) as GraphQLAnswer), status: response.status };
  };
  const execute = (query: string, variables?: Record<string, unknown>) => post({ query, variables });
  async function followsDatabase(): Promise<void> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ version: number }>('SELECT version FROM data_state');
      await until(async () => {
        const { data } = await execute('{ dataset { version } }');
        return (data as { dataset: { version: number } }).dataset.version >= rows[0]!.version;
      });
    } finally {
      await client.end();
    }
  }
  return {
    url: app.url,
    databaseUrl: database.url,
    dataDir,
    statements,
    apiKey,
    environment: settings,
    execute,
    post,
    followsDatabase,
    async query<T>(query: string, variables?: Record<string, unknown>) {
      const { data, errors } = await execute(query, variables);
      if (errors) throw new Error(`query failed: ${JSON.stringify(errors, null, 2)}\n${query}`);
      return data as T;
    },
    async close() {
      await app.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** @param limits those that differ from the defaults */
export async function createApiKey(databaseUrl: string, limits: Partial<ApiLimits> = {}): Promise<string> {
  const db = await openDatabase(databaseUrl, pino({ level: 'silent' }), { maxConnections: 1 });
  try {
    return (await new ApiKeys(db).create('test', { ...DEFAULT_LIMITS, requestsPerMinute: 100_000, ...limits })).text;
  } finally {
    await db.close();
  }
}
