/** Starts a server for the tests and makes sure that it ends with them, whatever happens to the test process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './ports';

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface SupervisedServer {
  readonly port: number;
  /** Kills the server and removes its data. May be called twice. */
  stop(): Promise<void>;
}

export interface ServerPlan {
  readonly name: string;
  /** Called again with another port when the first was taken meanwhile. `directory` is fresh and goes with the server. */
  command(port: number, directory: string): ServerCommand | Promise<ServerCommand>;
  /** Whether it serves requests now. May throw while it does not. */
  isReady(port: number): Promise<boolean>;
  readonly timeoutMs?: number;
}

/**
 * Runs between us and the server: when our end of its stdin closes, be it by stop(), a crash or SIGKILL, it kills the
 * server and removes the data. Handlers in the test process could not do that: jest's sandbox hides the process's exit,
 * and nothing runs after SIGKILL.
 */
const SUPERVISOR = `
const { spawn } = require('node:child_process');
const { rmSync } = require('node:fs');
const [directory, command, ...args] = process.argv.slice(1);
const server = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
server.on('error', (error) => { console.error(error.message); process.exit(1); });
let asked = false;
server.on('exit', (code) => {
  if (asked) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(asked ? 0 : code || 1);
});
process.stdin.resume().on('close', () => { asked = true; server.kill('SIGKILL'); });
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; our parent's end is what counts.
`;

const ATTEMPTS = 3;

/** Starts a server on a free port of 127.0.0.1 and waits until it is ready. Throws with the end of its log otherwise. */
export async function startSupervised(plan: ServerPlan): Promise<SupervisedServer> {
  let lastError: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await startOnce(plan);
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

async function startOnce(plan: ServerPlan): Promise<SupervisedServer> {
  const home = await mkdtemp(path.join(tmpdir(), `conceptcaps-${plan.name}-`));
  const directory = path.join(home, 'data');
  await mkdir(directory);
  const port = await freePort();
  const { command, args, env } = await plan.command(port, directory);
  const logFile = path.join(home, 'server.log');
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, ['-e', SUPERVISOR, home, command, ...args], {
    // Not our whole environment: a developer's MINIO_* or REDIS_* must not configure the server under test.
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  // A forgotten stop() must not keep the test process from ending; its end then stops the server.
  child.unref();
  (child.stdin as Socket).unref();

  const stop = async () => {
    await stopChild(child);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await waitUntilReady(plan, port, child);
  } catch (error) {
    const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().slice(-1_500);
    await stop();
    throw new Error(`${plan.name} did not start: ${(error as Error).message}; its log ends with: ${tail}`, {
      cause: error,
    });
  }
  return { port, stop };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode != null || child.signalCode != null;
}

async function waitUntilReady(plan: ServerPlan, port: number, child: ChildProcess): Promise<void> {
  const timeoutMs = plan.timeoutMs ?? 120_000;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (hasEnded(child)) throw new Error('it ended at once');
    if (await plan.isReady(port).catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${timeoutMs / 1000} s`);
    await delay(25);
  }
}
