/**
 * Go programs built from their modules. Go itself may be missing or too old: then the distribution's Go, of whatever
 * age, fetches the pinned toolchain, which Go publishes as a module and checks against its checksum database.
 */
import { chmod, copyFile, mkdir, readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasDebianPackages, unpackDebianPackage } from './debian';
import { findOnPath, messageOf, run, say } from './tools';

/** The toolchain to fetch where the installed one is too old for a program. */
const PINNED_GO = 'go1.26.8';

export interface GoProgram {
  /** Import path of the main package. */
  readonly module: string;
  readonly version: string;
  /** The oldest Go that its go.mod accepts: major, minor. */
  readonly oldestGo: readonly [number, number];
  readonly timeoutMs: number;
}

/**
 * Builds a program into `target`. Everything else that Go downloads or compiles goes into `work`, so that a test run
 * leaves no gigabytes in its user's home. Throws with the reason.
 */
export async function buildGoProgram(program: GoProgram, target: string, work: string): Promise<void> {
  const env = goEnvironment(work);
  const go = await findGo(program.oldestGo, work, env);
  const name = path.basename(program.module);
  say(`building ${name} ${program.version} from its source; this takes minutes, once`);
  await run(go, ['install', '-ldflags=-s -w', `${program.module}@${program.version}`], {
    timeoutMs: program.timeoutMs,
    progress: `still building ${name}`,
    env,
    cwd: work,
  });
  await mkdir(path.dirname(target), { recursive: true });
  await rename(path.join(work, 'bin', name), target);
}

function goEnvironment(work: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOPATH: path.join(work, 'gopath'),
    GOMODCACHE: path.join(work, 'gopath', 'pkg', 'mod'),
    GOCACHE: path.join(work, 'gocache'),
    GOBIN: path.join(work, 'bin'),
    // Go writes its module cache read-only; -modcacherw lets us delete it again.
    GOFLAGS: `${process.env.GOFLAGS ?? ''} -modcacherw`.trim(),
    GO111MODULE: 'on',
    GOWORK: 'off',
    GOTOOLCHAIN: 'local',
    // No C compiler needed, and a binary that runs wherever it is copied.
    CGO_ENABLED: '0',
  };
}

async function findGo(oldest: GoProgram['oldestGo'], work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const installed = findOnPath('go');
  if (installed == null && !hasDebianPackages()) {
    throw new Error(`there is no "go" on PATH; install Go ${oldest.join('.')} or newer`);
  }
  const go = installed ?? (await unpackDistributionGo(work));
  return (await isNewEnough(go, oldest, env)) ? go : fetchToolchain(go, env);
}

async function isNewEnough(go: string, oldest: GoProgram['oldestGo'], env: NodeJS.ProcessEnv): Promise<boolean> {
  const version = await run(go, ['env', 'GOVERSION'], { timeoutMs: 30_000, env }).catch(() => '');
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  if (major == null || minor == null) return false;
  return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
}

async function unpackDistributionGo(work: string): Promise<string> {
  say("fetching the distribution's Go");
  const root = path.join(work, 'debian-go');
  await unpackDebianPackage('golang-go', root).catch((error: unknown) => {
    throw new Error(`there is no "go" on PATH, and the distribution's could not be fetched: ${messageOf(error)}`);
  });
  const folder = (await readdir(path.join(root, 'usr', 'lib'))).find((entry) => /^go-\d/.test(entry));
  if (folder == null) throw new Error('the package golang-go holds no usr/lib/go-*');
  return path.join(root, 'usr', 'lib', folder, 'bin', 'go');
}

async function fetchToolchain(go: string, env: NodeJS.ProcessEnv): Promise<string> {
  const architecture = { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch;
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  say(`fetching the Go toolchain ${PINNED_GO}`);
  const answer = await run(
    go,
    ['mod', 'download', '-json', `golang.org/toolchain@v0.0.1-${PINNED_GO}.${system}-${architecture}`],
    { timeoutMs: 10 * 60_000, progress: 'still fetching Go', env },
  );
  const { Dir: directory } = JSON.parse(answer) as { Dir: string };
  await completeToolchain(directory);
  return path.join(directory, 'bin', 'go');
}

/** A module archive has neither file modes nor nested go.mod files; the go command puts both back, and so do we. */
async function completeToolchain(directory: string): Promise<void> {
  for (const folder of ['bin', path.join('pkg', 'tool')]) {
    const entries = await readdir(path.join(directory, folder), { recursive: true });
    for (const entry of entries) {
      const file = path.join(directory, folder, entry);
      if ((await stat(file)).isFile()) await chmod(file, 0o755);
    }
  }
  for (const folder of ['src', path.join('src', 'cmd')]) {
    const hidden = path.join(directory, folder, '_go.mod');
    await copyFile(hidden, path.join(directory, folder, 'go.mod')).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
