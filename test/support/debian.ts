/**
 * Programs from Debian's (or Ubuntu's) own packages, unpacked into a directory of ours: works for any user, changes
 * nothing on the system, and starts no service.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  cacheDirectory,
  findOnPath,
  isExecutableFile,
  messageOf,
  run,
  say,
  type Unavailable,
  versionOf,
  withLock,
  withWorkDirectory,
} from './tools';

const APT_TIMEOUT_MS = 5 * 60_000;

/** A program and the LD_LIBRARY_PATH that it runs with. */
export interface InstalledProgram {
  readonly binary: string;
  readonly libraryPath: string;
}

/** The program of that name on PATH, else the one of the distribution's package, which is fetched once. */
export async function findOrUnpackProgram(
  program: string,
  packageName: string,
): Promise<InstalledProgram | Unavailable> {
  const installed = findOnPath(program);
  if (installed != null && (await versionOf(installed)) != null) return { binary: installed, libraryPath: '' };
  const directory = path.join(await cacheDirectory(), `${packageName}-debian`);
  const find = () => findUnpacked(path.join(directory, 'usr', 'bin', program), directory);
  return (
    (await find()) ??
    (await withLock(packageName, 15 * 60_000, async () => (await find()) ?? unpackInto(directory, packageName, find)))
  );
}

async function findUnpacked(binary: string, directory: string): Promise<InstalledProgram | null> {
  if (!isExecutableFile(binary)) return null;
  const libraryPath = await unpackedLibraryPath(directory);
  const version = await versionOf(binary, { ...process.env, LD_LIBRARY_PATH: libraryPath });
  return version == null ? null : { binary, libraryPath };
}

async function unpackInto(
  directory: string,
  packageName: string,
  find: () => Promise<InstalledProgram | null>,
): Promise<InstalledProgram | Unavailable> {
  if (!hasDebianPackages()) return { unavailable: 'it is not on PATH' };
  try {
    say(`fetching the distribution's ${packageName}`);
    await withWorkDirectory(packageName, async (work) => {
      const root = path.join(work, 'root');
      await unpackDebianPackage(packageName, root);
      await rm(directory, { recursive: true, force: true });
      await rename(root, directory);
    });
    return (await find()) ?? { unavailable: `the distribution's ${packageName} was fetched and does not run` };
  } catch (error) {
    return { unavailable: `the distribution's ${packageName} could not be fetched: ${messageOf(error)}` };
  }
}

export function hasDebianPackages(): boolean {
  return process.platform === 'linux' && findOnPath('apt-get') != null && findOnPath('dpkg') != null;
}

/**
 * Unpacks a package, and those of its dependencies that are not installed, into `directory`. Throws when apt cannot
 * find or fetch them.
 */
export async function unpackDebianPackage(name: string, directory: string): Promise<void> {
  await withWorkDirectory('apt', async (work) => {
    const lists = path.join(work, 'lists');
    const archives = path.join(work, 'cache');
    const downloads = path.join(work, 'downloads');
    for (const made of [path.join(lists, 'partial'), path.join(archives, 'archives', 'partial'), downloads]) {
      await mkdir(made, { recursive: true });
    }
    // Package lists of our own: an ordinary user may not refresh the system's, and a fresh container has none.
    const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${archives}`];
    // As root apt drops to a user who cannot enter root's home.
    if (process.getuid?.() === 0) options.push('-o', 'APT::Sandbox::User=root');
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args: string[]) =>
      run('apt-get', [...args, ...options], { timeoutMs: APT_TIMEOUT_MS, env, cwd: downloads });

    // One source of several may be down; whether that matters shows when the package is looked for.
    const refreshed = await apt('update').then(
      () => null,
      (error: unknown) => error,
    );
    const plan = await apt('install', '--simulate', '--no-install-recommends', name).catch((error: unknown) => {
      throw refreshed instanceof Error ? refreshed : error;
    });
    const missing = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
    await apt('download', ...(missing.length > 0 ? missing : [name]));
    for (const archive of await readdir(downloads)) {
      await run('dpkg', ['-x', archive, directory], { timeoutMs: APT_TIMEOUT_MS, cwd: downloads });
    }
  });
}

/** The LD_LIBRARY_PATH for programs unpacked into `directory`. */
async function unpackedLibraryPath(directory: string): Promise<string> {
  const found: string[] = [];
  for (const parent of ['usr/lib', 'lib']) {
    const folder = path.join(directory, parent);
    const entries = await readdir(folder).catch(() => []);
    found.push(...entries.filter((entry) => entry.includes('-linux-')).map((entry) => path.join(folder, entry)));
  }
  return found.join(path.delimiter);
}
