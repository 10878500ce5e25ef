/**
 * Small means that the test services share: running a program, looking for one, the cache directory, a lock.
 * Only for preparing real servers; nothing here is for the tests' own subjects.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Why a service cannot be had here, and what would help. Written for the person who runs the tests. */
export interface Unavailable {
  readonly unavailable: string;
}

export function isUnavailable(value: object): value is Unavailable {
  return 'unavailable' in value;
}

/** One line for the person who waits. It goes to stderr, past jest's reporters. */
export function say(line: string): void {
  process.stderr.write(`test services: ${line}\n`);
}

/** Where prepared servers are kept between runs. Made when missing; safe to delete at any time. */
export async function cacheDirectory(): Promise<string> {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  const directory = path.join(base, 'conceptcaps-test', `${process.platform}-${process.arch}`);
  await mkdir(directory, { recursive: true });
  return directory;
}

/**
 * Runs `work` with a directory for its leftovers and removes that afterwards. It lies in the cache directory: a build
 * needs gigabytes that a small /tmp may not have, and a rename into the cache is atomic only on the same file system.
 */
export async function withWorkDirectory<T>(name: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(await cacheDirectory(), `.work-${name}-`));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first executable file of this name on PATH, or null. */
export function findOnPath(name: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(directory)) continue;
    const file = path.join(directory, name);
    if (isExecutableFile(file)) return file;
  }
  return null;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Says every 20 s that this still goes on. */
  readonly progress?: string;
}

/** How much of a program's output an error message repeats. */
const OUTPUT_TAIL_CHARS = 1_500;
/** How much of it is kept at all. */
const OUTPUT_LIMIT_CHARS = 4_000_000;

/** Runs a program to its end and gives its stdout. Throws, with the end of its output, when it fails or takes too long. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let everything = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_LIMIT_CHARS);
    everything = (everything + text).slice(-OUTPUT_LIMIT_CHARS);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    everything = (everything + text).slice(-OUTPUT_LIMIT_CHARS);
  });

  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const progress = options.progress;
  const ticker = progress == null ? undefined : setInterval(() => say(`${progress} (${seconds()} s)`), 20_000);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs);

  const what = `${path.basename(command)} ${args.slice(0, 3).join(' ')}`;
  try {
    const end = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    if (timedOut) throw new Error(`"${what}" did not finish within ${options.timeoutMs / 1000} s`);
    if (end.code !== 0) {
      const tail = everything.trim().slice(-OUTPUT_TAIL_CHARS);
      throw new Error(`"${what}" ended with ${end.code ?? end.signal ?? 'no status'}: ${tail}`);
    }
    return stdout;
  } finally {
    clearInterval(ticker);
    clearTimeout(timer);
  }
}

/** Whether a program starts here at all, and what it says. A binary for another machine or without its libraries does not. */
export async function versionOf(binary: string, env?: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    return await run(binary, ['--version'], { timeoutMs: 120_000, ...(env && { env }) });
  } catch {
    return null;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Lets one process at a time do `work` under this name, so that two test runs started together build a server once.
 * A lock left by a dead process is taken over. Two takers in the same instant may both go in: that costs time only,
 * because what `work` makes is put in place by a rename.
 */
export async function withLock<T>(name: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const file = path.join(await cacheDirectory(), `.lock-${name}`);
  const deadline = Date.now() + timeoutMs;
  let told = false;
  while (!(await takeLock(file))) {
    if (Date.now() > deadline) {
      throw new Error(`another process holds ${file} for longer than ${timeoutMs / 1000} s; delete it if none runs`);
    }
    if (!told) say(`waiting for another process that prepares ${name}`);
    told = true;
    await delay(250);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function takeLock(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(file, 'utf8').catch(() => ''));
  // An empty file is a lock whose holder has not yet written its number.
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
