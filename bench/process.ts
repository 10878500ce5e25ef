import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs the built program as its users do: as processes. */
const BIN = join(__dirname, '..', 'bin', 'conceptcaps.js');

export interface Measured {
  readonly seconds: number;
  /** Largest resident size of the process, without the PostgreSQL it talks to. */
  readonly peakMegabytes: number;
}

export async function measureCommand(args: readonly string[], environment: Record<string, string>): Promise<Measured> {
  const started = performance.now();
  const child = start(args, environment);
  let peakKilobytes = 0;
  const sample = setInterval(() => (peakKilobytes = Math.max(peakKilobytes, highWaterMark(child.pid!))), 20);
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(sample);
  if (code !== 0) throw new Error(`conceptcaps ${args.join(' ')} failed:\n${errors}`);
  return { seconds: (performance.now() - started) / 1000, peakMegabytes: peakKilobytes / 1024 };
}

export interface RunningServer {
  readonly url: string;
  /** From the start of the process to its first answered query. */
  readonly secondsToFirstAnswer: number;
  readonly pid: number;
  /** Of the embedded server's own user. */
  readonly localKey: string;
  stop(): Promise<void>;
}

export async function startServer(environment: Record<string, string>): Promise<RunningServer> {
  const started = performance.now();
  const child = start(['serve'], { PORT: '0', LOG_LEVEL: 'warn', ...environment });
  let output = '';
  let errors = '';
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const found = /GraphQL\s+(http\S+)\/graphql/.exec(output)?.[1];
      // The last line is of the key.
      if (found && /API key .*\n/.test(output)) resolve(found);
    });
    child.on('close', (code) => reject(new Error(`the server stopped with ${code}:\n${errors}`)));
  });
  await query(url, '{ dataset { sampleCount } }');
  return {
    url,
    secondsToFirstAnswer: (performance.now() - started) / 1000,
    pid: child.pid!,
    localKey: /API key +(\S+)/.exec(output)![1]!,
    stop: () => stop(child),
  };
}

export function mutate<T>({ url, localKey }: RunningServer, text: string, variables?: object): Promise<T> {
  return query(url, text, variables, { authorization: `Bearer ${localKey}` });
}

export async function query<T>(url: string, text: string, variables?: object, headers?: object): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: text, variables }),
  });
  const answer = (await response.json()) as { data: T; errors?: unknown };
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

function start(args: readonly string[], environment: Record<string, string>): ChildProcess {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [BIN, ...args], {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function stop(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.on('close', resolve));
  child.kill('SIGTERM');
  await closed;
}

/** In kilobytes; 0 where the process is gone or the system does not tell. */
function highWaterMark(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
