import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCommand, runCommand } from './support/cli';
import { createTestDatabase } from './support/database';
import { childrenOf, halt, letGoOfAll } from './support/mid-clip';
import { publishedFolder, silentWav, until } from './support/seed';
import { describeWithService, startMinio, startRedis } from './support/services';

/** A server as its users start it: a process. */
interface ServerProcess {
  readonly url: string;
  /** The API key that it printed; none with a database of one's own. */
  readonly apiKey: string | undefined;
  readonly pid: number;
  readonly stderr: () => string;
  /** Resolves with the exit code. */
  readonly gone: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

async function startServer(environment: Record<string, string>): Promise<ServerProcess> {
  const child = startCommand(['serve'], { PORT: '0', ...environment });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const gone = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const found = /GraphQL\s+(http\S+)\/graphql/.exec(stdout)?.[1];
      if (found && stdout.endsWith('\n')) resolve(found);
    });
    void gone.then((code) => reject(new Error(`the server stopped with ${code}:\n${stderr}`)));
  });
  const apiKey = /API key\s+(\S+)/.exec(stdout)?.[1];
  return { url, apiKey, pid: child.pid!, stderr: () => stderr, gone, kill: (signal) => child.kill(signal) };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as untyped as on the wire
async function ask(url: string, query: string, apiKey?: string): Promise<any> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const FACTS = '{ dataset { sampleCount audioCount sources { name origin } } }';
const STARTER = { sampleCount: 40, audioCount: 12, sources: [{ name: 'starter', origin: 'STARTER' }] };

describe('the embedded start', () => {
  let dataDir: string;
  let running: ServerProcess[];
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-start-'));
    running = [];
  });
  afterEach(async () => {
    letGoOfAll();
    for (const server of running) {
      server.kill('SIGTERM');
      await server.gone;
    }
    await rm(dataDir, { recursive: true, force: true });
  });

  test('prints a key that takes changes, and goes on after SIGKILL with what was asked for', async () => {
    const first = await startServer({ DATA_DIR: dataDir, LOG_LEVEL: 'error', WORKER_CONCURRENCY: '1' });
    running.push(first);
    const { requestGeneration } = await ask(
      first.url,
      'mutation { requestGeneration(input: { attributes: ["piano"], count: 8, durationSeconds: 20 }) { id } }',
      first.apiKey,
    );
    const read = async (url: string) =>
      (await ask(url, `{ generation(id: "${requestGeneration.id}") { state counts { running succeeded } } }`))
        .generation;
    // What it is in the midst of it never finishes, so that there is something left when it is killed.
    let renderers: number[] = [];
    await until(() => (renderers = childrenOf(first.pid, 'render-child')).length > 0);
    const letGo = halt(renderers);
    await until(async () => (await read(first.url)).counts.running === 1);
    first.kill('SIGKILL');
    await first.gone;
    letGo();
    const second = await startServer({ DATA_DIR: dataDir, LOG_LEVEL: 'error', WORKER_CONCURRENCY: '2' });
    running.push(second);
    expect(second.apiKey).toBe(first.apiKey);
    await until(async () => (await read(second.url)).state === 'SUCCEEDED', 180_000);
    expect((await read(second.url)).counts).toEqual({ running: 0, succeeded: 8 });
  });
  const start = async (environment: Record<string, string> = {}) => {
    const server = await startServer({ DATA_DIR: dataDir, ...environment });
    running.push(server);
    return server;
  };
  const postgresRuns = () => existsSync(join(dataDir, 'postgres', 'postmaster.pid'));

  test('a new data directory has the starter set, keeps its data over a restart, and stops cleanly on SIGTERM', async () => {
    const first = await start();
    expect((await ask(first.url, FACTS)).dataset).toEqual(STARTER);
    expect(await (await fetch(`${first.url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${first.url}/readyz`)).json()).toEqual({
      status: 'ok',
      database: 'ok',
      storage: 'ok',
      queue: 'ok',
    });
    expect((await fetch(`${first.url}/graphiql`)).status).toBe(200);

    first.kill('SIGTERM');
    expect(await first.gone).toBe(0);
    expect(postgresRuns()).toBe(false);

    const folder = await publishedFolder({ 'default/train': [{ id: 'x', attributes: ['piano'], caption: 'Piano.' }] });
    const imported = await runCommand(['import', folder.path], { DATA_DIR: dataDir });
    await folder.remove();
    expect(imported.stdout).toContain('1 samples added');
    expect(postgresRuns()).toBe(false);

    const second = await start();
    expect((await ask(second.url, FACTS)).dataset).toMatchObject({ sampleCount: 1 });
  });

  test('it survives SIGKILL, and a command joins the running server', async () => {
    const first = await start();
    const before = await ask(first.url, '{ samples { edges { node { id audio { url } } } } }');
    expect(before).toBeDefined();
    first.kill('SIGKILL');
    await first.gone;

    const second = await start();
    expect((await ask(second.url, FACTS)).dataset).toEqual(STARTER);
    const folder = await publishedFolder({
      'audio/train': [{ id: 'x', attributes: ['piano'], caption: 'Piano.', audio: silentWav() }],
    });
    const imported = await runCommand(['import', folder.path], { DATA_DIR: dataDir });
    await folder.remove();
    expect(imported.code).toBe(0);
    await until(async () => (await ask(second.url, FACTS)).dataset.sampleCount === 1);
    expect(postgresRuns()).toBe(true);
  });

  test('a second server on the same data directory is refused with the directory and the way out', async () => {
    const first = await start();
    const second = await runCommand(['serve'], { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(dataDir);
    expect(second.stderr).toContain('DATA_DIR');
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect((await ask(first.url, FACTS)).dataset).toEqual(STARTER);
  });

  test('a port that is taken stops the start with a line that names it', async () => {
    const first = await start();
    const other = await mkdtemp(join(tmpdir(), 'conceptcaps-start-'));
    const port = new URL(first.url).port;
    const second = await runCommand(['serve'], { DATA_DIR: other, PORT: port });
    await rm(other, { recursive: true, force: true });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`PORT`);
    expect(second.stderr).toContain(port);
  });

  test('doctor tells what there is', async () => {
    const { code, stdout } = await runCommand(['doctor'], { DATA_DIR: dataDir });
    expect(code).toBe(0);
    expect(stdout).toMatch(/database\s+PostgreSQL \d+\.\d+, embedded in /);
    expect(stdout).toMatch(/inference\s+onnxruntime-node, .*cpu/);
    expect(stdout).toMatch(/queue\s+postgresql/);
  });
});

describeWithService('on real PostgreSQL, Redis and MinIO', 'minio', () => {
  describeWithService('the same command', 'redis', () => {
    test('serves, imports and streams from the object store', async () => {
      const [database, minio, redis] = await Promise.all([createTestDatabase(), startMinio(), startRedis()]);
      const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-start-'));
      const environment = {
        DATA_DIR: dataDir,
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        S3_ENDPOINT: minio.endpoint,
        S3_REGION: minio.region,
        S3_ACCESS_KEY: minio.accessKey,
        S3_SECRET_KEY: minio.secretKey,
      };
      const server = await startServer(environment);
      try {
        expect((await ask(server.url, FACTS)).dataset).toEqual(STARTER);
        expect((await (await fetch(`${server.url}/readyz`)).json()) as object).toMatchObject({ status: 'ok' });
        const wav = silentWav({ seconds: 2 });
        const folder = await publishedFolder({
          'audio/train': [{ id: 'x', attributes: ['piano'], caption: 'Piano.', audio: wav }],
        });
        expect((await runCommand(['import', folder.path], environment)).code).toBe(0);
        await folder.remove();
        await until(async () => (await ask(server.url, FACTS)).dataset.sampleCount === 1);
        const { samples } = await ask(server.url, '{ samples { edges { node { audio { url } } } } }');
        const { url } = samples.edges[0].node.audio as { url: string };
        expect(url.startsWith(minio.endpoint)).toBe(true);
        const part = await fetch(url, { headers: { range: 'bytes=0-3' } });
        expect(part.status).toBe(206);
        expect(await part.text()).toBe('RIFF');
        // Nothing of it is on local disk, and no secret is in the log.
        expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
        expect(server.stderr()).not.toContain(minio.secretKey);
      } finally {
        server.kill('SIGTERM');
        expect(await server.gone).toBe(0);
        await Promise.all([minio.stop(), redis.stop(), database.drop()]);
        await rm(dataDir, { recursive: true, force: true });
      }
    });
  });
});

test('a directory called .env is no file of settings', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conceptcaps-start-'));
  await mkdir(join(folder, '.env'));
  const { code, stdout } = await runCommand(['--help'], {}, folder);
  await rm(folder, { recursive: true, force: true });
  expect(stdout).toContain('Usage: conceptcaps');
  expect(code).toBe(0);
});

test('a data directory that cannot be made is named', async () => {
  const { code, stderr } = await runCommand(['doctor'], { DATA_DIR: '/proc/x/y' });
  expect(code).toBe(1);
  expect(stderr).toContain('The data directory /proc/x/y cannot be made: ENOENT');
});

describe('services that are not there', () => {
  test.each([
    [{ DATABASE_URL: 'postgres://u:hush@127.0.0.1:9/x' }, 'DATABASE_URL'],
    [{ REDIS_URL: 'redis://:hush@127.0.0.1:9' }, 'REDIS_URL'],
    [{ S3_ENDPOINT: 'http://127.0.0.1:9', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'hush-hush' }, 'S3_ENDPOINT'],
  ])('%j: one line that names the variable and not the secret', async (environment, variable) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-start-'));
    const { code, stderr } = await runCommand(['serve'], {
      DATA_DIR: dataDir,
      PORT: '0',
      LOG_LEVEL: 'silent',
      ...environment,
    });
    expect(code).toBe(1);
    expect(stderr).toContain(variable);
    expect(stderr).not.toContain('hush');
    await rm(dataDir, { recursive: true, force: true });
  });
});
