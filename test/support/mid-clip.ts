import { readdirSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { openDatabase } from '../../src/platform/database';
import { until } from './seed';
import type { TestServer } from './server';

/**
 * Clips that are held in their midst, so that what a test does to them hits them there however slow or fast it and the
 * machine are: the processes that make them are halted until the test lets them go on.
 */
export interface HeldClips {
  /** Of the request. */
  readonly id: string;
  /** Of the processes. */
  readonly pids: readonly number[];
  readonly letGo: () => void;
}

export interface Holding {
  /** Requests clips; called again, for other ones, where the ones before were over too soon. */
  readonly request: (attempt: number) => Promise<string>;
  /** How many of them are made at once. */
  readonly running: number;
  /** How many of them have to be in line behind those, at least. */
  readonly queued?: number;
  /** What share of them has to be made, at least. */
  readonly from?: number;
  /** Ids of the processes that make them. */
  readonly makers: () => readonly number[];
}

interface Item {
  readonly state: string;
  readonly stage: string | null;
  readonly progress: number;
  readonly leased_until: Date | null;
}

const ATTEMPTS = 10;
const LIMIT_MS = 300_000;
/** A worker tells how far it is each second. What it tells the second time it has looked up after the halt. */
const BEATS = 2;
/** What an item shows when its audio is begun, and when that is done. */
const [BEGUN, DONE] = [0.1, 0.95];
const MARGIN = 0.001;

const isRunning = ({ state }: Item) => state === 'RUNNING';
const isQueued = ({ state }: Item) => state === 'QUEUED';
const isOver = (items: readonly Item[]) => !items.some((item) => isRunning(item) || isQueued(item));

/** @throws Error where they are over too soon again and again */
export async function holdInMidClip(server: TestServer, holding: Holding): Promise<HeldClips> {
  const { request, running, queued = 0, from = 0, makers } = holding;
  const db = await openDatabase(server.databaseUrl, pino({ level: 'silent' }), { maxConnections: 1 });
  const read = async (id: string): Promise<Item[]> => {
    const { rows } = await db.query<Item>(
      `SELECT i.state, i.stage, i.progress, i.leased_until FROM generation_item i
       JOIN generation_request r ON r.seq = i.request WHERE r.id = $1 ORDER BY i.position`,
      [id],
    );
    return rows;
  };
  const isInside = ({ stage, progress }: Item) =>
    stage === 'AUDIO' && progress > BEGUN + from * (DONE - BEGUN) + MARGIN && progress < DONE - MARGIN;
  const isMidClip = (items: readonly Item[]) => {
    const held = items.filter(isRunning);
    return held.length === running && held.every(isInside) && items.filter(isQueued).length >= queued;
  };
  const beat = async (id: string) => {
    const before = (await read(id)).map((item) => item.leased_until?.getTime());
    const isTold = (item: Item, i: number) => !isRunning(item) || item.leased_until?.getTime() !== before[i];
    await until(async () => (await read(id)).every(isTold), LIMIT_MS);
  };
  let id = '';
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      id = await request(attempt);
      for (;;) {
        let items: Item[] = [];
        await until(async () => isMidClip((items = await read(id))) || isOver(items), LIMIT_MS);
        if (isOver(items)) break;
        const pids = makers();
        const letGo = halt(pids);
        for (let n = 0; n < BEATS; n++) await beat(id);
        if (isMidClip(await read(id))) return { id, pids, letGo };
        letGo();
      }
    }
    throw new Error(`the clips were over too soon, ${ATTEMPTS} times`);
  } catch (error) {
    // They are in nobody else's way.
    await server.execute(`mutation { cancelGeneration(id: "${id}") { id } }`);
    throw error;
  } finally {
    await db.close();
  }
}

const halted = new Set<number>();

/** Halts processes; lets them go on when what is returned is called. */
export function halt(pids: readonly number[]): () => void {
  for (const pid of pids) {
    signal(pid, 'SIGSTOP');
    halted.add(pid);
  }
  return () => {
    for (const pid of pids) {
      signal(pid, 'SIGCONT');
      halted.delete(pid);
    }
  };
}

/** For `afterEach`: no process is left halted. */
export function letGoOfAll(): void {
  for (const pid of halted) signal(pid, 'SIGCONT');
  halted.clear();
}

/** Ids of the processes of that name that a process has started; read from Linux's own files, since `ps` need not be there. */
export function childrenOf(parent: number, name: string): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    try {
      // After the name, which may hold anything: the state, then the parent.
      const [, itsParent] = /^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
      return Number(itsParent) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** One that has ended meanwhile needs none. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** When the one item of a request was begun the last time, by the clock of the database. */
export async function begunAt(server: TestServer, id: string): Promise<Date> {
  const db = await openDatabase(server.databaseUrl, pino({ level: 'silent' }), { maxConnections: 1 });
  try {
    const { rows } = await db.query<{ started_at: Date }>(
      `SELECT i.started_at FROM generation_item i JOIN generation_request r ON r.seq = i.request WHERE r.id = $1`,
      [id],
    );
    return rows[0]!.started_at;
  } finally {
    await db.close();
  }
}
