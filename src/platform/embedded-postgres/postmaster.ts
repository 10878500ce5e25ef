import { execFile, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import { open, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { identity, type OsUser } from './os-user';

/** The PostgreSQL server process: seen through its pid file, started, stopped. Knows nothing of connections. */
export interface Postmaster {
  readonly pid: number;
  /** Absent in the first moments of a start. */
  readonly port: number | null;
  readonly isReady: boolean;
}

const POLL_MS = 10;
/** A clean stop writes everything out; a stop in haste only costs the next start a recovery. */
const FAST_STOP_MS = 15_000;
const HASTY_STOP_MS = 5_000;
const LOG_LIMIT_BYTES = 10_000_000;

/** For a laptop that does other things as well; there is nobody to replicate to. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // Its path would have a length limit that data directories exceed.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  maintenance_work_mem: '128MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** The running server of the cluster in `directory`, whoever started it. */
export async function findPostmaster(directory: string): Promise<Postmaster | null> {
  const lines = (await readFile(pidFile(directory), 'utf8').catch(() => '')).split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  // PostgreSQL writes the file line by line: pid, directory, start time, port, ... and in line 8 how far it is.
  if (!(pid > 0) || (await belonging(pid, directory)) !== 'ours') return null;
  return { pid, port: Number(lines[3]) || null, isReady: lines[7] === 'ready' };
}

const pidFile = (directory: string) => join(directory, 'postmaster.pid');

/** Whether there is a process of this id, of whichever user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether process `pid` is the server of this cluster. Ids are used again, above all in containers, where the pid
 * file of the last run is likely to name some process of this one; and a pid file may have been copied along with its
 * directory. A zombie is nobody's: where no init reaps, it stays for ever.
 */
async function belonging(pid: number, directory: string): Promise<'ours' | 'none' | 'unknown'> {
  if (!isAlive(pid)) return 'none';
  if (process.platform === 'linux') {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() !== 'postgres') return 'none';
    try {
      return (await readlink(`/proc/${pid}/cwd`)) === directory ? 'ours' : 'none';
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Root without the right to trace may not look; the command line is open to all.
      if (code !== 'EACCES' && code !== 'EPERM') return 'none';
    }
  }
  const command = await commandLine(pid);
  if (command.includes(` -D ${directory} `)) return 'ours';
  return /\bpostgres /.test(command) ? 'unknown' : 'none';
}

async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}

/** A start under way. */
export interface Attempt {
  /** Null while the process runs; `error` where it could not even be started. */
  ended(): { readonly error: Error | null } | null;
  /** The last lines that this start has written. */
  lastWords(): Promise<string>;
}

/**
 * Starts a server and does not wait for it. It lives in a process group of its own: Ctrl-C in a terminal is for us, who
 * stop it when we are done with it; and it outlives us where others use it.
 */
export async function startPostmaster(options: {
  readonly program: string;
  readonly directory: string;
  readonly user: OsUser | null;
  readonly port: number;
  readonly logFile: string;
}): Promise<Attempt> {
  const { program, directory, user, port, logFile } = options;
  await forgetStalePid(directory);
  const logBegin = await rotate(logFile);
  const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const output = openSync(logFile, 'a', 0o600);
  let end: { error: Error | null } | null = null;
  try {
    if (user) fchownSync(output, user.uid, user.gid);
    const child = spawn(program, ['-D', directory, ...settings], {
      ...identity(user),
      cwd: '/',
      // LC_ALL: the messages that we look for are English. Our own variables hold secrets.
      env: { LC_ALL: 'C', PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.unref();
    child.on('error', (error) => (end = { error }));
    child.on('exit', () => (end ??= { error: null }));
  } finally {
    closeSync(output);
  }
  return { ended: () => end, lastWords: () => readTail(logFile, logBegin) };
}

/**
 * PostgreSQL refuses to start while any process has the id that the pid file names. Where we know that it is another
 * program's, the file goes; in doubt it stays.
 */
async function forgetStalePid(directory: string): Promise<void> {
  const pid = Number((await readFile(pidFile(directory), 'utf8').catch(() => '')).split('\n')[0]);
  if (pid > 0 && isAlive(pid) && (await belonging(pid, directory)) === 'none') {
    await rm(pidFile(directory), { force: true });
  }
}

/** Sets a log that has grown large aside. Returns where the next entry begins, in bytes. */
async function rotate(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= LOG_LIMIT_BYTES) return size;
  await rename(logFile, `${logFile}.1`);
  return 0;
}

const TAIL_BYTES = 2_000;

async function readTail(file: string, from: number): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await handle.close();
  }
}

/** Stops the server and waits until its process is gone; false where it would not go. */
export async function stopPostmaster(pid: number, directory: string): Promise<boolean> {
  for (const [signal, limitMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', HASTY_STOP_MS],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    const deadline = Date.now() + limitMs;
    do {
      if ((await belonging(pid, directory)) === 'none') return true;
      await delay(POLL_MS);
    } while (Date.now() < deadline);
  }
  return false;
}
