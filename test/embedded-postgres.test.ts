import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { pino } from 'pino';
import { openEmbeddedPostgres } from '../src/platform/embedded-postgres';
import { waysOut } from '../src/platform/embedded-postgres/os-user';
import { buildChildApp, Child } from './support/embedded-postgres-app';

/**
 * Real PostgreSQL servers, real processes, real signals. As root the servers run as another user, and the tests that
 * concern that run too; run by an ordinary user those are skipped.
 */
const isRoot = process.getuid?.() === 0;
const testAsRoot = isRoot ? test : test.skip;
const log = pino({ level: 'silent' });

let base: string;
let script: string;
let children: Child[] = [];
let stateRoot: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'conceptcaps-postgres-'));
  await chmod(base, 0o755);
  stateRoot = join(base, 'state');
  script = await buildChildApp(join(base, 'app'));
});

afterEach(async () => {
  for (const child of children) {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    await child.exited;
  }
  children = [];
  // Killed processes leave their server behind: the next one would take it over.
  for (const pid of await serversUnder(base)) process.kill(pid, 'SIGQUIT');
  await until(async () => (await serversUnder(base)).length === 0);
});

afterAll(() => rm(base, { recursive: true, force: true }));

let dataDirs = 0;
const newDataDir = () => join(base, `data-${++dataDirs}`);

function start(dataDir: string, role: 'server' | 'client', options: { script?: string; user?: typeof nobody } = {}) {
  const child = Child.start(options.script ?? script, { dataDir, role, stateRoot, user: options.user });
  children.push(child);
  return child;
}

const nobody = { uid: 65534, gid: 65534 };

async function query<R extends object>(url: string, text: string): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Ids of the PostgreSQL servers whose data is below `directory`. */
async function serversUnder(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).map(Number).filter((pid) => pid > 0);
  return pids.filter((pid) => {
    try {
      const [program, flag, place] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return program!.endsWith('/bin/postgres') && flag === '-D' && place!.startsWith(`${directory}/`);
    } catch {
      return false;
    }
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** Ended, also where nobody has taken notice of it yet (a zombie). */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('one process', () => {
  test('data outlive a restart, also below a path longer than a socket path may be', async () => {
    const dataDir = join(newDataDir(), 'a-directory-with-a-rather-long-name'.repeat(4));
    const first = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    const pid = await postmasterPid(dataDir);
    await query(first.url, 'CREATE TABLE note AS SELECT 42 AS value');
    await first.release();
    await first.release();
    expect(isGone(pid)).toBe(true);
    await expect(query(first.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);

    const second = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await query(second.url, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
    await second.release();
  });

  test('only this machine gets in, and only with the password, which nobody else can read', async () => {
    const dataDir = newDataDir();
    const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    const withoutPassword = new URL(postgres.url);
    withoutPassword.password = 'wrong';
    await expect(query(withoutPassword.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    expect(await query(postgres.url, `SELECT current_setting('listen_addresses') AS a`)).toEqual([{ a: '127.0.0.1' }]);
    expect((await stat(join(dataDir, 'postgres', 'conceptcaps.password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, 'postgres.log'))).mode & 0o777).toBe(0o600);
    await postgres.release();
  });

  test('a PostgreSQL that is killed from outside is reported once, and the next start recovers', async () => {
    const dataDir = newDataDir();
    const child = start(dataDir, 'server');
    const { url } = await child.report('ready');
    await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    await child.report('lost');
    await child.terminate();
    expect(child.reports.map(({ event }) => event)).toEqual(['ready', 'lost']);

    const again = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await query(again.url, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
    await again.release();
  });
});

describe('a process that is killed', () => {
  test('leaves its PostgreSQL running, and the next server takes it over with all that was committed', async () => {
    const dataDir = newDataDir();
    const child = start(dataDir, 'server');
    const { url } = await child.report('ready');
    await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
    const pid = await postmasterPid(dataDir);
    // As Ctrl-C in a terminal does, this reaches the whole process group.
    await child.killGroup();

    const next = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await postmasterPid(dataDir)).toBe(pid);
    expect(await query(next.url, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
    await next.release();
    expect(isGone(pid)).toBe(true);
  });

  test('together with PostgreSQL, as in a power cut, loses nothing that was committed', async () => {
    const dataDir = newDataDir();
    const child = start(dataDir, 'server');
    const { url } = await child.report('ready');
    await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
    await child.killGroup();
    process.kill(await postmasterPid(dataDir), 'SIGKILL');

    const next = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await query(next.url, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
    await next.release();
  });

  test('may leave a pid file whose number another program has by now', async () => {
    const dataDir = newDataDir();
    const child = start(dataDir, 'server');
    await child.report('ready');
    await child.killGroup();
    const pid = await postmasterPid(dataDir);
    process.kill(pid, 'SIGKILL');
    await until(() => Promise.resolve(isGone(pid)));
    const file = join(dataDir, 'postgres', 'postmaster.pid');
    const lines = (await readFile(file, 'utf8')).split('\n');
    // PostgreSQL itself does not start while any process of its own user has the number.
    const otherDataDir = newDataDir();
    const stranger = start(otherDataDir, 'client');
    await stranger.report('ready');
    const strangersPostgres = await postmasterPid(otherDataDir);
    await writeFile(file, [strangersPostgres, ...lines.slice(1)].join('\n'));

    const next = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await postmasterPid(dataDir)).not.toBe(strangersPostgres);
    await next.release();
    expect(isGone(strangersPostgres)).toBe(false);
    await stranger.terminate();
  });

  test('in the middle of initdb leaves nothing in the way', async () => {
    let dataDir: string;
    // Where this comes too late, and initdb is done, another is begun.
    for (let attempt = 0; ; attempt++) {
      dataDir = newDataDir();
      const child = start(dataDir, 'server');
      const names = () => readdir(dataDir).catch((): string[] => []);
      await until(async () => (await names()).some((name) => /^postgres(\.new-|$)/.test(name)));
      await child.killGroup();
      if (!(await names()).includes('postgres')) break;
      expect(attempt).toBeLessThan(20);
    }

    const next = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log']);
    await next.release();
  });
});

describe('several processes', () => {
  test('a second server is refused and told who runs', async () => {
    const dataDir = newDataDir();
    const child = start(dataDir, 'server');
    const { url } = await child.report('ready');
    const refusal = openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    await expect(refusal).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE', details: { field: 'DATA_DIR' } });
    await expect(refusal).rejects.toThrow(`(process ${child.pid})`);
    await expect(refusal).rejects.toThrow(dataDir);
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await child.terminate();
  });

  test('the last one out stops PostgreSQL, whether server or command', async () => {
    const dataDir = newDataDir();
    const server = start(dataDir, 'server');
    await server.report('ready');
    const pid = await postmasterPid(dataDir);
    const command = start(dataDir, 'client');
    const { url } = await command.report('ready');
    await server.terminate();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    const nextServer = start(dataDir, 'server');
    await nextServer.report('ready');
    await command.terminate();
    expect(isGone(pid)).toBe(false);
    await nextServer.terminate();
    expect(isGone(pid)).toBe(true);
  });

  test('two that start at once in an empty directory share one PostgreSQL', async () => {
    const dataDir = newDataDir();
    const pair = [start(dataDir, 'client'), start(dataDir, 'client')];
    const [one, other] = await Promise.all(pair.map((child) => child.report('ready')));
    expect(one!.url).toBe(other!.url);
    expect(await serversUnder(base)).toHaveLength(1);
    await Promise.all(pair.map((child) => child.terminate()));
    expect(await serversUnder(base)).toEqual([]);
  });

  test('of two servers that start at once exactly one is refused', async () => {
    const dataDir = newDataDir();
    const pair = [start(dataDir, 'server'), start(dataDir, 'server')];
    await until(() => Promise.resolve(pair.every(({ reports }) => reports.length > 0)));
    const winner = pair.find((child) => child.reports[0]!.event === 'ready')!;
    const loser = pair.find((child) => child !== winner)!;
    expect(await loser.report('failed')).toMatchObject({ code: 'DATA_DIR_IN_USE' });
    await winner.report('ready');
    await winner.terminate();
  });

  test('one that comes while PostgreSQL is being stopped waits, and starts it anew', async () => {
    const dataDir = newDataDir();
    const killed = start(dataDir, 'client');
    const { url } = await killed.report('ready');
    const pid = await postmasterPid(dataDir);
    await killed.killGroup();
    // In the place of a last one out, which would let go of its lock and of PostgreSQL in one moment.
    const leaving = new Client({ connectionString: new URL('/postgres', url).href });
    await leaving.connect();
    await leaving.query('SELECT pg_advisory_lock(791241, 1)');
    const coming = openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    await until(async () => (await leaving.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 1);
    process.kill(pid, 'SIGTERM');
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    await until(async () => (await readFile(pidFile, 'utf8')).includes('stopping'));
    await leaving.end();

    const postgres = await coming;
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await postmasterPid(dataDir)).not.toBe(pid);
    await postgres.release();
  });

  test('coming and going at the same time, none loses the database under its hands', async () => {
    const dataDir = newDataDir();
    const first = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log });
    await query(first.url, 'CREATE TABLE visit (visitor integer)');
    await first.release();
    const visitor = async (number: number) => {
      for (let round = 0; round < 12; round++) {
        const lost = jest.fn();
        const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log, onLost: lost });
        await query(postgres.url, `INSERT INTO visit VALUES (${number})`);
        expect(lost).not.toHaveBeenCalled();
        await postgres.release();
      }
    };
    // All of them have left before anything is judged: a visitor that goes on would start PostgreSQL again.
    const visits = await Promise.allSettled([1, 2, 3].map(visitor));
    expect(visits.filter(({ status }) => status === 'rejected')).toEqual([]);
    const last = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log });
    expect(await query(last.url, 'SELECT count(*)::integer AS visits FROM visit')).toEqual([{ visits: 36 }]);
    await last.release();
    expect(await serversUnder(base)).toEqual([]);
  });
});

describe('what cannot be used is refused with a way out', () => {
  test('a cluster of another major version', async () => {
    const dataDir = newDataDir();
    const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log });
    await postgres.release();
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '14\n');
    const refusal = openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log });
    await expect(refusal).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    await expect(refusal).rejects.toThrow(/made by PostgreSQL 14; this release brings PostgreSQL 18.*DATA_DIR/);
  });

  test('a directory that holds something else', async () => {
    const dataDir = newDataDir();
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await writeFile(join(dataDir, 'postgres', 'notes.txt'), 'mine');
    await expect(openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('is not a PostgreSQL database directory') as string,
    });
  });

  test('a link to a cluster that is not there any more', async () => {
    const dataDir = newDataDir();
    await mkdir(dataDir);
    await symlink(join(dataDir, 'elsewhere'), join(dataDir, 'postgres'));
    await expect(openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('links to a directory that is not there') as string,
    });
  });

  test('a server that does not start: with its own last words', async () => {
    const dataDir = newDataDir();
    const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log });
    await postgres.release();
    await rm(join(dataDir, 'postgres', 'global', 'pg_control'));
    await expect(openEmbeddedPostgres({ dataDir, stateRoot, role: 'client', log })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('pg_control') as string,
    });
  });
});

describe('as root', () => {
  testAsRoot(
    'a private data directory is opened to the group of the user that PostgreSQL runs as, no further',
    async () => {
      const dataDir = newDataDir();
      await mkdir(dataDir, { mode: 0o700 });
      const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
      const cluster = await stat(join(dataDir, 'postgres'));
      expect(cluster.uid).not.toBe(0);
      expect(cluster.mode & 0o777).toBe(0o700);
      expect(await stat(dataDir)).toMatchObject({ uid: 0, gid: cluster.gid, mode: expect.any(Number) as number });
      expect((await stat(dataDir)).mode & 0o777).toBe(0o710);
      await postgres.release();
    },
  );

  testAsRoot(
    'a checkout below a 0700 home works: database and programs go where PostgreSQL can reach them',
    async () => {
      const home = join(base, 'home-of-root');
      await mkdir(home, { mode: 0o700 });
      const checkout = join(home, 'checkout');
      const ownScript = await buildChildApp(checkout, { ownBinaries: true });
      const dataDir = join(checkout, 'data');

      const first = start(dataDir, 'server', { script: ownScript });
      const { url } = await first.report('ready');
      await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
      expect(await readlink(join(dataDir, 'postgres'))).toContain(`${stateRoot}/cluster-`);
      expect(first.log).toContain(`the database lives in ${stateRoot}/cluster-`);
      const placed = (await readdir(stateRoot)).sort();
      expect(placed).toEqual([expect.stringMatching(/^cluster-/), expect.stringMatching(/^postgresql-18/)]);
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      await first.terminate();

      const second = start(dataDir, 'server', { script: ownScript });
      const { url: again } = await second.report('ready');
      expect(await query(again, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
      await second.terminate();
      expect((await readdir(stateRoot)).sort()).toEqual(placed);
      expect(await serversUnder(base)).toEqual([]);
    },
  );

  testAsRoot('a cluster that an ordinary user made runs on as that user', async () => {
    const dataDir = newDataDir();
    await mkdir(dataDir, { mode: 0o700 });
    await chown(dataDir, nobody.uid, nobody.gid);
    const asNobody = start(dataDir, 'server', { user: nobody });
    const { url } = await asNobody.report('ready');
    await query(url, 'CREATE TABLE note AS SELECT 42 AS value');
    await asNobody.terminate();

    const asRoot = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    expect(await query(asRoot.url, 'SELECT value FROM note')).toEqual([{ value: 42 }]);
    await asRoot.release();

    const again = start(dataDir, 'server', { user: nobody });
    await again.report('ready');
    await again.terminate();
    expect(await stat(dataDir)).toMatchObject({ uid: nobody.uid, gid: nobody.gid });
  });

  testAsRoot('an ordinary user is refused what root has made', async () => {
    const dataDir = newDataDir();
    const postgres = await openEmbeddedPostgres({ dataDir, stateRoot, role: 'server', log });
    await postgres.release();
    const child = start(dataDir, 'server', { user: nobody });
    expect(await child.report('failed')).toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('belongs to another user') as string,
    });
  });
});

test.each([
  [0, 'Start as an ordinary user'],
  [1000, 'Give this user write access'],
])('the way out is one that user %i can take', (uid, wayOut) => {
  const getuid = jest.spyOn(process as { getuid: () => number }, 'getuid').mockReturnValue(uid);
  expect(waysOut()).toContain(wayOut);
  getuid.mockRestore();
});
