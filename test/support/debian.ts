/**
 * Programs from Debian's (or Ubuntu's) own packages, unpacked into a directory of ours: works for any user, changes
 * nothing on the system, and starts no service.
 */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { findOnPath, run, withWorkDirectory } from './tools';

const APT_TIMEOUT_MS = 5 * 60_000;

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
export async function unpackedLibraryPath(directory: string): Promise<string> {
  const found: string[] = [];
  for (const parent of ['usr/lib', 'lib']) {
    const folder = path.join(directory, parent);
    const entries = await readdir(folder).catch(() => []);
    found.push(...entries.filter((entry) => entry.includes('-linux-')).map((entry) => path.join(folder, entry)));
  }
  return found.join(path.delimiter);
}
