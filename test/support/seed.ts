import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writePublishedParquet, type LayoutRow } from '../../scripts/published-parquet';
import { runCommand, type CommandResult } from './cli';
import type { TestServer } from './server';

/** A folder in the published layout with one file, removed by `remove`. */
export async function publishedFolder(
  files: Record<string, readonly LayoutRow[]>,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'conceptcaps-source-'));
  for (const [name, rows] of Object.entries(files)) {
    const [config, split] = name.split('/');
    await mkdir(join(path, config!), { recursive: true });
    writePublishedParquet(join(path, config!, `${split}-00000-of-00001.parquet`), rows);
  }
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Imports rows with the command, and waits until the running server shows them. */
export async function seed(server: TestServer, files: Record<string, readonly LayoutRow[]>): Promise<CommandResult> {
  const folder = await publishedFolder(files);
  try {
    return await importInto(server, [folder.path]);
  } finally {
    await folder.remove();
  }
}

/** Runs `conceptcaps import` on the server's database, and waits until the server follows. */
export async function importInto(server: TestServer, args: readonly string[]): Promise<CommandResult> {
  const result = await runCommand(['import', ...args], server.environment);
  if (result.code !== 0) throw new Error(`import failed with ${result.code}:\n${result.stderr}`);
  await server.followsDatabase();
  return result;
}

/** Waits for a condition, asking again until it holds or the time is up. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition did not hold within ${timeoutMs} ms`);
    await delay(20);
  }
}

/** A WAV file of 16-bit silence. */
export function silentWav({ seconds = 1, sampleRateHz = 8_000, channels = 1 } = {}): Uint8Array {
  const bytes = Math.round(seconds * sampleRateHz) * channels * 2;
  const wav = Buffer.alloc(44 + bytes);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + bytes, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * channels * 2, 28);
  wav.writeUInt16LE(channels * 2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(bytes, 40);
  return new Uint8Array(wav);
}
