import { createHash } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Client as S3Client } from 'minio';
import { Client } from 'pg';
import { Random } from '../../src/concepts/random';
import { startCommand } from './cli';
import { startRestartablePostgres, type RestartablePostgres } from './restartable-postgres';
import { childrenOf, signal } from './mid-clip';
import { until } from './seed';
import { createApiKey } from './server';
import { startMinio, startRedis } from './services';

/**
 * Generation under faults: real servers and workers as processes of their own, a real PostgreSQL, queue and store, and
 * something that kills, empties, restarts and blocks them at random moments. At the end everything has to be right.
 */
export interface ChaosOptions {
  readonly items: number;
  readonly seed: number;
  readonly queue: 'postgresql' | 'redis';
  readonly store: 'disk' | 's3';
  readonly log: (line: string) => void;
}

export interface ChaosReport {
  readonly items: number;
  readonly samples: number;
  /** Items by state. */
  readonly states: Readonly<Record<string, number>>;
  /** How often each thing was done to the system. */
  readonly faults: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Whatever is not as it should be, in words. */
  readonly problems: readonly string[];
}

const ITEMS_PER_REQUEST = 8;
const SERVERS = 2;
const WORKERS = 2;
/** Every item has to be settled this long after the last fault. */
const SETTLE_LIMIT_MS = 180_000;
const TIDY_LIMIT_MS = 180_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const started = Date.now();
  const { log } = options;
  const random = new Random(options.seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-chaos-'));
  const postgres = await startRestartablePostgres();
  const closers: (() => Promise<unknown>)[] = [
    () => rm(dataDir, { recursive: true, force: true }),
    () => postgres.remove(),
  ];
  try {
    const store = options.store === 's3' ? await s3Store(closers) : await diskStore(dataDir);
    const redis = options.queue === 'redis' ? await startRedis() : null;
    if (redis) closers.push(() => redis.stop());
    const environment = {
      DATABASE_URL: postgres.url,
      DATA_DIR: dataDir,
      PORT: '0',
      LOAD_STARTER: 'true',
      LOG_LEVEL: 'info',
      WORKER_CONCURRENCY: '1',
      ...store.environment,
      ...(redis && { REDIS_URL: redis.url }),
    };
    const servers = Array.from({ length: SERVERS }, () => new Respawned(['serve'], environment));
    const workers = Array.from({ length: WORKERS }, () => new Respawned(['worker'], environment));
    closers.push(() => Promise.all([...servers, ...workers].map((one) => one.stop())));
    await until(() => servers.every(({ url }) => url !== null), 180_000);
    const apiKey = await createApiKey(postgres.url, { pendingItems: 1_000_000, audioSecondsPerDay: 100_000_000 });
    log(`${SERVERS} servers and ${WORKERS} workers are up`);

    const faults: Record<string, number> = {};
    const requests = askForAll({ ...options, random: new Random(options.seed + 1), servers, apiKey });
    let isOver = false;
    const settled = requests.then(async () => {
      await until(async () => (await pendingItems(postgres.url)) === 0, 20 * 60_000);
      isOver = true;
    });
    const mayhem: Record<string, () => Promise<void>> = {
      'worker killed': () => pick(workers, random).kill(),
      'server killed': () => pick(servers, random).kill(),
      'rendering process killed': () => killRenderer([...workers, ...servers]),
      'queue emptied': () => (redis ? emptyRedis(redis.url) : emptyPostgresQueue(postgres.url)),
      'PostgreSQL restarted': () => restart(postgres, 200 + random.below(1_500)),
      'store refused writes': () => store.refuse(500 + random.below(2_000)),
    };
    const names = Object.keys(mayhem);
    // Each at least once, in an order of the seed's, then at random.
    const due = names.map((name) => ({ name, place: random.below(1_000) })).sort((a, b) => a.place - b.place);
    let settledItems = 0;
    let inARow = 0;
    while (!isOver) {
      await Promise.race([delay(500 + random.below(1_500)), settled]);
      if (isOver) break;
      const now = await countItems(postgres.url, 'SETTLED').catch(() => settledItems);
      if (now > settledItems) [settledItems, inARow] = [now, 0];
      // However slow the machine is, something gets done before there are more: else nothing ever would.
      if (inARow++ >= names.length) continue;
      const name = due.shift()?.name ?? pick(names, random);
      faults[name] = (faults[name] ?? 0) + 1;
      log(name);
      await mayhem[name]!();
    }
    await settled;
    log('every item is settled; looking at what is there');
    await until(async () => (await pendingItems(postgres.url)) === 0, SETTLE_LIMIT_MS);
    const problems = await untilTidy(postgres.url, store);
    return { ...(await summary(postgres.url)), faults, problems, seconds: Math.round((Date.now() - started) / 1000) };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** A process that is started again whenever it ends. */
class Respawned {
  /** Where it listens, if it is a server that is up. */
  url: string | null = null;
  private child: ChildProcess | null = null;
  private isStopped = false;
  private ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly args: readonly string[],
    private readonly environment: Record<string, string>,
  ) {
    this.spawn();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.child?.kill('SIGTERM');
    await this.ended;
  }

  private spawn(): void {
    const child = startCommand(this.args, this.environment);
    this.child = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000);
      this.url ??= /GraphQL +(\S+)\/graphql/.exec(output)?.[1] ?? null;
    });
    child.stderr.resume();
    this.ended = new Promise((resolve) =>
      child.once('close', () => {
        this.url = null;
        if (!this.isStopped) setTimeout(() => !this.isStopped && this.spawn(), 200);
        resolve();
      }),
    );
  }
}

interface Asking extends ChaosOptions {
  readonly random: Random;
  readonly servers: readonly Respawned[];
  readonly apiKey: string;
}

/** Sends requests until each has got through; some ask for the same, some are canceled on the way. */
async function askForAll({ items, random, servers, apiKey, log }: Asking): Promise<void> {
  const send = async (query: string, variables: object): Promise<{ id: string }> => {
    for (;;) {
      const url = pick(servers, random).url;
      try {
        if (url === null) throw new Error('the server is down');
        const response = await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
          body: JSON.stringify({ query, variables }),
          signal: AbortSignal.timeout(15_000),
        });
        const { data } = (await response.json()) as { data?: { answer?: { id: string } | null } | null };
        if (data?.answer) return data.answer;
        throw new Error('the server could not');
      } catch {
        await delay(100);
      }
    }
  };
  const attributes = ['piano', 'violin', 'drums', 'techno', 'sad', 'happy', 'flute', 'strings'];
  for (let asked = 0, n = 0; asked < items; n++) {
    const count = Math.min(ITEMS_PER_REQUEST, items - asked);
    asked += count;
    const input = {
      attributes: [pick(attributes, random)],
      // Of few: the same recipes are asked for again and again.
      seed: random.below(3) * ITEMS_PER_REQUEST,
      count,
      complete: random.below(2) === 0,
      fresh: random.below(4) > 0,
      durationSeconds: 1 + random.below(5),
      idempotencyKey: `request ${n}`,
    };
    const { id } = await send(
      'mutation ($input: GenerationInput!) { answer: requestGeneration(input: $input) { id } }',
      {
        input,
      },
    );
    if (random.below(8) === 0) {
      await delay(random.below(1_000));
      await send('mutation ($id: ID!) { answer: cancelGeneration(id: $id) { id } }', { id });
      log('request canceled');
    }
    await delay(random.below(400));
  }
}

interface Store {
  readonly environment: Record<string, string>;
  refuse(milliseconds: number): Promise<void>;
  /** SHA-256 by name, and by content, of everything in it. */
  contents(): Promise<{ readonly named: string; readonly actual: string }[]>;
}

async function diskStore(dataDir: string): Promise<Store> {
  const audio = join(dataDir, 'audio');
  const real = join(dataDir, 'audio-real');
  const next = join(dataDir, 'audio-next');
  await mkdir(real);
  // A link, so that there is no moment without anything in its place: a worker would make a directory there.
  await symlink(real, audio);
  return {
    environment: {},
    async refuse(milliseconds) {
      // A file: not even root can write into that.
      await writeFile(next, '');
      await rename(next, audio);
      await delay(milliseconds);
      await symlink(real, next);
      await rename(next, audio);
    },
    async contents() {
      const entries = await readdir(real, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return Promise.all(
        files.map(async ({ name, parentPath }) => ({
          named: name.replace(/\.wav$/, ''),
          actual: sha256(await readFile(join(parentPath, name))),
        })),
      );
    },
  };
}

async function s3Store(closers: (() => Promise<unknown>)[]): Promise<Store> {
  const minio = await startMinio();
  closers.push(() => minio.stop());
  const { port, region, accessKey, secretKey } = minio;
  let isRefusing = false;
  const open = new Set<Socket>();
  const proxy = createServer((socket) => {
    if (isRefusing) return socket.destroy();
    const upstream = connect(port, '127.0.0.1');
    for (const end of [socket, upstream]) {
      open.add(end);
      end.on('error', () => undefined).once('close', () => open.delete(end));
    }
    socket.pipe(upstream).pipe(socket);
    return undefined;
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => proxy.close(resolve)));
  const bucket = 'chaos';
  const { port: proxyPort } = proxy.address() as AddressInfo;
  const client = new S3Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region });
  return {
    environment: {
      S3_ENDPOINT: `http://127.0.0.1:${proxyPort}`,
      S3_REGION: region,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY: accessKey,
      S3_SECRET_KEY: secretKey,
    },
    async refuse(milliseconds) {
      isRefusing = true;
      for (const socket of open) socket.destroy();
      await delay(milliseconds);
      isRefusing = false;
    },
    async contents() {
      const found: { named: string; actual: string }[] = [];
      for await (const { name } of client.listObjectsV2(bucket, '', true) as AsyncIterable<{ name: string }>) {
        const chunks: Buffer[] = [];
        for await (const chunk of await client.getObject(bucket, name)) chunks.push(chunk as Buffer);
        found.push({ named: name.replace(/^audio\/|\.wav$/g, ''), actual: sha256(Buffer.concat(chunks)) });
      }
      return found;
    },
  };
}

/** Native code that crashes: only the clip that it makes is lost. */
function killRenderer(parents: readonly Respawned[]): Promise<void> {
  const pids = parents.flatMap(({ pid }) => pid ?? []);
  const [renderer] = pids.flatMap((pid) => childrenOf(pid, 'render-child'));
  if (renderer !== undefined) signal(renderer, 'SIGKILL');
  return Promise.resolve();
}

async function restart(postgres: RestartablePostgres, downMs: number): Promise<void> {
  await postgres.stop();
  await delay(downMs);
  await postgres.start();
}

async function emptyRedis(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall();
  await redis.quit();
}

async function emptyPostgresQueue(url: string): Promise<void> {
  // Whoever uses the queue at that moment may be in the way (a deadlock), or it may be too busy to answer.
  const empty = () => query(url, 'TRUNCATE bullmq.job CASCADE');
  await until(() =>
    empty().then(
      () => true,
      () => false,
    ),
  );
}

async function pendingItems(url: string): Promise<number> {
  // While PostgreSQL is restarted nobody knows.
  return countItems(url, 'PENDING').catch(() => Number.POSITIVE_INFINITY);
}

async function countItems(url: string, which: 'PENDING' | 'SETTLED'): Promise<number> {
  const [row] = await query<{ n: string }>(
    url,
    `SELECT count(*) AS n FROM generation_item
     WHERE (state IN ('QUEUED', 'RUNNING')) = ${which === 'PENDING'}`,
  );
  return Number(row!.n);
}

/** What was left half-done is cleared away by and by; what is wrong then stays wrong. */
async function untilTidy(url: string, store: Store): Promise<string[]> {
  let problems: string[] = [];
  const look = () => findProblems(url, store).catch((error: unknown) => [`nobody could look: ${String(error)}`]);
  await until(async () => (problems = await look()).length === 0, TIDY_LIMIT_MS).catch(() => undefined);
  return problems;
}

async function findProblems(url: string, store: Store): Promise<string[]> {
  const problems: string[] = [];
  const count = async (what: string, sql: string) => {
    const [row] = await query<{ n: string }>(url, `SELECT count(*) AS n FROM (${sql}) AS found`);
    if (Number(row!.n) > 0) problems.push(`${row!.n} ${what}`);
  };
  await count('items are not settled', `SELECT FROM generation_item WHERE state IN ('QUEUED', 'RUNNING')`);
  await count(
    'items failed for no fault of an engine or worker',
    `SELECT FROM generation_item WHERE state = 'FAILED'
    AND error_code NOT IN ('ENGINE_FAILED', 'WORKER_LOST')`,
  );
  await count(
    'recipes gave several samples',
    `SELECT source_id FROM sample JOIN source ON source.id = sample.source
    WHERE origin = 'GENERATED' GROUP BY source_id HAVING count(*) > 1`,
  );
  await count(
    'recipes stand for several samples among items',
    `SELECT recipe FROM generation_item
    WHERE state = 'SUCCEEDED' GROUP BY recipe HAVING count(DISTINCT sample_seq) > 1`,
  );
  await count(
    'samples that were generated have no audio or no provenance',
    `SELECT FROM sample
    JOIN source ON source.id = sample.source LEFT JOIN provenance ON sample_seq = seq
    WHERE origin = 'GENERATED' AND (audio_sha256 IS NULL OR provenance.content IS NULL)`,
  );
  await count(
    'generated samples belong to no item',
    `SELECT FROM sample JOIN source ON source.id = sample.source
    WHERE origin = 'GENERATED' AND seq NOT IN (SELECT sample_seq FROM generation_item WHERE sample_seq IS NOT NULL)`,
  );
  await count('uploads were never finished', 'SELECT FROM audio_upload');
  await count(
    'requests count their items wrongly',
    `SELECT FROM generation_request r JOIN (
      SELECT request, count(*) FILTER (WHERE state = 'SUCCEEDED') AS succeeded,
        count(*) FILTER (WHERE state = 'FAILED') AS failed, count(*) FILTER (WHERE state = 'CANCELED') AS canceled
      FROM generation_item GROUP BY request) c ON c.request = r.seq
    WHERE (r.succeeded, r.failed, r.canceled, r.queued, r.running) <> (c.succeeded, c.failed, c.canceled, 0, 0)`,
  );
  const rows = await query<{ sha256: string }>(
    url,
    `SELECT encode(audio_sha256, 'hex') AS sha256 FROM sample
    WHERE audio_sha256 IS NOT NULL`,
  );
  const named = new Set(rows.map((row) => row.sha256));
  const stored = await store.contents();
  const orphans = stored.filter((file) => !named.has(file.named)).length;
  const there = new Set(stored.map((file) => file.named));
  const missing = [...named].filter((name) => !there.has(name)).length;
  const broken = stored.filter((file) => file.named !== file.actual).length;
  if (orphans > 0) problems.push(`${orphans} files are of no sample`);
  if (missing > 0) problems.push(`${missing} files of samples are missing`);
  if (broken > 0) problems.push(`${broken} files are not what their name says`);
  return problems;
}

async function summary(url: string): Promise<Pick<ChaosReport, 'items' | 'samples' | 'states'>> {
  const states = await query<{ state: string; n: string }>(
    url,
    'SELECT state, count(*) AS n FROM generation_item GROUP BY state ORDER BY state',
  );
  const [samples] = await query<{ n: string }>(
    url,
    'SELECT count(DISTINCT sample_seq) AS n FROM generation_item WHERE sample_seq IS NOT NULL',
  );
  return {
    items: states.reduce((sum, { n }) => sum + Number(n), 0),
    samples: Number(samples!.n),
    states: Object.fromEntries(states.map(({ state, n }) => [state, Number(n)])),
  };
}

async function query<R>(url: string, sql: string): Promise<R[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows as R[];
  } finally {
    await client.end().catch(() => undefined);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)]!;
}
