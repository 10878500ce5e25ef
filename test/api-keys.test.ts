import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { Client } from 'pg';
import { pino } from 'pino';
import { ApiKeys } from '../src/platform/api-keys';
import { openDatabase } from '../src/platform/database';
import { ensureLocalKey } from '../src/server/local-key';
import { runCommand } from './support/cli';
import { createTestDatabase } from './support/database';
import { createApiKey, startTestServer, type TestServer } from './support/server';
import { subscribe } from './support/subscribe';

/** Who may do what: over HTTP and by the command. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

interface Answer {
  readonly status: number;
  readonly data?: Record<string, { readonly id: string }> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions: { readonly code: string; readonly retryAfterSeconds?: number };
  }[];
}

async function post(query: string, authorization?: string, url = server.url): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

const generate = (more = '', count = 1) =>
  `mutation { requestGeneration(input: { attributes: ["piano"], durationSeconds: 1, count: ${count}, ${more} }) { id } }`;
const codeOf = ({ status, errors }: Answer) => ({ status, code: errors?.[0]?.extensions.code });
const READ = '{ dataset { version } }';

describe('a mutation', () => {
  test('of any kind takes a key', async () => {
    const schema = buildSchema(await readFile(join(__dirname, '..', 'schema.graphql'), 'utf8'));
    const calls: Record<string, string> = {
      freezeConceptSet: 'freezeConceptSet(input: { concept: "piano" }) { id }',
      requestGeneration: 'requestGeneration(input: { attributes: ["piano"] }) { id }',
      cancelGeneration: 'cancelGeneration(id: "g_x") { id }',
      retryGeneration: 'retryGeneration(id: "g_x") { id }',
    };
    for (const name of Object.keys(schema.getMutationType()!.getFields())) {
      expect(codeOf(await post(`mutation { ${calls[name]} }`))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
    expect((await server.query('{ generations { totalCount } }')).generations.totalCount).toBe(0);
  });

  test.each([
    ['Bearer'],
    ['Bearer nonsense'],
    ['Basic YTpi'],
    [`Bearer cck_000000000000_${'x'.repeat(32)}`],
    [`Bearer ${'x'.repeat(5_000)}`],
  ])('and a query with %.40s is refused, not taken for one without a key', async (authorization) => {
    for (const query of [generate(), READ]) {
      expect(codeOf(await post(query, authorization))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
  });

  test('with a key that was revoked is refused from then on', async () => {
    const created = await runCommand(['keys', 'create', 'for a while'], server.environment);
    expect(created).toMatchObject({ code: 0, stderr: expect.stringContaining('cannot be shown again') });
    const key = created.stdout.trim();
    expect((await post(generate(), `Bearer ${key}`)).errors).toBeUndefined();
    expect((await post(READ, `bearer   ${key} `)).errors).toBeUndefined();
    expect(await runCommand(['keys', 'revoke', 'for a while'], server.environment)).toMatchObject({ code: 0 });
    for (const query of [generate(), READ]) {
      expect(codeOf(await post(query, `Bearer ${key}`))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    }
  });
});

test('keys are listed without their secrets, which the database does not have', async () => {
  const { stdout } = await runCommand(['keys', 'create', 'Zoë', '--items-per-request', '7'], server.environment);
  const secret = stdout.trim().split('_')[2]!;
  const list = (await runCommand(['keys', 'list'], server.environment)).stdout;
  expect(list).toMatch(/^id\tname\tcreated\t/);
  expect(list).toMatch(/\tZoë\t.*\tnever\t-\t120\t7\t5000\t360000$/m);
  expect(list).not.toContain(secret);
  const client = new Client({ connectionString: server.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ row: string }>('SELECT api_key::text AS row FROM api_key');
  await client.end();
  expect(rows.length).toBeGreaterThan(0);
  for (const { row } of rows) expect(row).not.toContain(secret);
});

test.each([
  [['keys', 'create', ''], /1 to 100 characters/],
  [['keys', 'create', 'x', '--pending-items', '0'], /whole number from 1/],
  [['keys', 'revoke', 'nobody'], /no key "nobody" in use/],
  [['keys'], /Usage: conceptcaps keys/],
])('%j says what is wrong', async (args, message) => {
  const { code, stderr } = await runCommand(args, server.environment);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});

test('a name of several keys revokes none of them', async () => {
  for (let i = 0; i < 2; i++) await runCommand(['keys', 'create', 'twin'], server.environment);
  const { code, stderr } = await runCommand(['keys', 'revoke', 'twin'], server.environment);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/2 keys have this name; give the id/) });
});

describe('a key’s limits', () => {
  const refused = async (key: string, more?: string, count?: number) => {
    const answer = await post(generate(more, count), `Bearer ${key}`);
    return { ...codeOf(answer), ...answer.errors?.[0] };
  };

  test('on requests a minute come back by and by, and count over all of its mutations', async () => {
    const key = await createApiKey(server.databaseUrl, { requestsPerMinute: 3 });
    // Aliases are requests of their own.
    const two = `mutation { a: cancelGeneration(id: "g_x") { id } b: cancelGeneration(id: "g_x") { id } }`;
    expect(codeOf(await post(two, `Bearer ${key}`)).code).toBe('UNKNOWN_GENERATION');
    expect((await post(generate(), `Bearer ${key}`)).errors).toBeUndefined();
    const over = await refused(key);
    expect(over).toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringMatching(/3 requests a minute. Try again/),
    });
    expect(over.extensions!.retryAfterSeconds).toBeGreaterThan(0);
    expect(over.extensions!.retryAfterSeconds).toBeLessThanOrEqual(20);
    // Reading is not counted.
    expect((await post(READ, `Bearer ${key}`)).errors).toBeUndefined();
  });

  test('hold when requests come at the same time', async () => {
    const key = await createApiKey(server.databaseUrl, { requestsPerMinute: 5 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(generate(), `Bearer ${key}`)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(5);
    const pending = await createApiKey(server.databaseUrl, { pendingItems: 4 });
    const asked = await Promise.all(Array.from({ length: 8 }, () => post(generate('', 2), `Bearer ${pending}`)));
    expect(asked.filter(({ errors }) => !errors)).toHaveLength(2);
  });

  test('on items a request', async () => {
    const key = await createApiKey(server.databaseUrl, { itemsPerRequest: 3 });
    expect(await refused(key, '', 4)).toMatchObject({
      code: 'TOO_MANY_ITEMS',
      message: 'The request is for 4 samples; the API key allows 3 at once.',
    });
    expect((await post(generate('', 3), `Bearer ${key}`)).errors).toBeUndefined();
  });

  test('on items that wait, until some no longer do', async () => {
    const key = await createApiKey(server.databaseUrl, { pendingItems: 3 });
    const { data } = await post(generate('', 2), `Bearer ${key}`);
    const over = await refused(key, 'seed: 5', 2);
    expect(over).toMatchObject({ code: 'TOO_MANY_PENDING_ITEMS', extensions: { retryAfterSeconds: 30 } });
    await post(`mutation { cancelGeneration(id: "${data!.requestGeneration!.id}") { id } }`, `Bearer ${key}`);
    expect((await post(generate('seed: 5', 2), `Bearer ${key}`)).errors).toBeUndefined();
  });

  test('on seconds of audio a day, canceled ones left out', async () => {
    const key = await createApiKey(server.databaseUrl, { audioSecondsPerDay: 5 });
    const { data } = await post(generate('', 4), `Bearer ${key}`);
    const over = await refused(key, '', 2);
    expect(over).toMatchObject({
      code: 'AUDIO_BUDGET_SPENT',
      message: expect.stringMatching(/5 s of audio a day; 4 s are spent and 2 s more/),
    });
    expect(over.extensions!.retryAfterSeconds).toBeGreaterThan(86_000);
    expect(over.extensions!.retryAfterSeconds).toBeLessThanOrEqual(86_400);
    const never = await refused(key, '', 6);
    expect(never).toMatchObject({ code: 'AUDIO_BUDGET_SPENT', message: expect.stringMatching(/Ask for less/) });
    await post(`mutation { cancelGeneration(id: "${data!.requestGeneration!.id}") { id } }`, `Bearer ${key}`);
    expect((await post(generate('', 5), `Bearer ${key}`)).errors).toBeUndefined();
  });
});

describe('a server that is not open to all', () => {
  let closed: TestServer;
  beforeAll(async () => {
    closed = await startTestServer({ READ_ACCESS: 'key' });
  });
  afterAll(() => closed?.close());

  test('answers nothing without a key, and what it is asked with one', async () => {
    for (const query of [READ, '{ __schema { queryType { name } } }']) {
      expect(codeOf(await post(query, undefined, closed.url))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
      expect((await post(query, `Bearer ${closed.apiKey}`, closed.url)).errors).toBeUndefined();
    }
  });

  test.each(['websocket', 'events'] as const)('the same over %s', async (transport) => {
    const follow = 'subscription { generationUpdated(id: "g_x") { id } }';
    await expect(subscribe(closed.url, transport, follow).done).rejects.toThrow(/UNAUTHENTICATED|401/);
    await expect(subscribe(closed.url, transport, follow, { apiKey: 'nonsense' }).done).rejects.toThrow(
      /UNAUTHENTICATED|401/,
    );
    await expect(subscribe(closed.url, transport, follow, { apiKey: closed.apiKey }).done).rejects.toThrow(
      /UNKNOWN_GENERATION/,
    );
  });
});

test('READ_ACCESS takes two values', async () => {
  const database = await createTestDatabase();
  const { code, stderr } = await runCommand(['serve'], { DATABASE_URL: database.url, READ_ACCESS: 'maybe' });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/READ_ACCESS must be open or key/) });
  await database.drop();
});

test('the file of the local key is its owner’s alone', async () => {
  const db = await openDatabase(server.databaseUrl, pino({ level: 'silent' }));
  try {
    const keys = new ApiKeys(db);
    const key = await ensureLocalKey(keys, server.dataDir);
    expect(await ensureLocalKey(keys, server.dataDir)).toBe(key);
    expect((await stat(join(server.dataDir, 'api-key'))).mode & 0o777).toBe(0o600);
    expect((await post(generate('seed: 77'), `Bearer ${key}`)).errors).toBeUndefined();
    // Revoked or lost, another is made.
    await keys.revoke('local');
    const next = await ensureLocalKey(keys, server.dataDir);
    expect(next).not.toBe(key);
    expect((await post(generate('seed: 78'), `Bearer ${next}`)).errors).toBeUndefined();
  } finally {
    await db.close();
  }
});
