import autocannon from 'autocannon';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCommand, query, startServer } from './process';
import { startMercuriusPeer } from './mercurius-peer';
import { benchRows } from './rows';
import { percentile, printTable } from './table';

/**
 * Import, start, the main queries and the throughput of a page, at two sizes; targets stand beside the figures.
 */
const SIZES = [21_000, 210_000];
const REPETITIONS = 200;

const PAGE_FIELDS = `edges { node { id sourceId caption attributes { name category } audio { url bytes } } }`;
const FACETS = `totalCount pageInfo { endCursor hasNextPage } facets { attribute { name category } count }`;

const QUERIES: readonly { name: string; text: string; bound?: Record<number, number> }[] = [
  {
    name: 'page of 20 with facets, attributes filter',
    text: `{ samples(filter: { attributes: { all: ["piano"], none: ["no voices"] } }, first: 20) { ${FACETS} ${PAGE_FIELDS} } }`,
    bound: { 21_000: 15, 210_000: 60 },
  },
  {
    name: 'page of 20 with facets, attributes and text',
    text: `{ samples(filter: { attributes: { any: ["piano", "strings"] }, text: "harmonies" }, first: 20) { ${FACETS} ${PAGE_FIELDS} } }`,
    bound: { 21_000: 15, 210_000: 60 },
  },
  {
    name: 'page of 20 with facets, concepts and boolean',
    text: `{ samples(filter: { or: [{ carries: { all: ["piano"] } }, { mentions: { all: ["guitar"] } }], not: { concepts: { any: ["no vocals"] } } }, first: 20) { ${FACETS} ${PAGE_FIELDS} } }`,
    bound: { 21_000: 15, 210_000: 60 },
  },
  { name: 'page of 20, no filter', text: `{ samples(first: 20) { ${PAGE_FIELDS} } }` },
  { name: 'last page of 100', text: `{ samples(last: 100) { totalCount ${PAGE_FIELDS} } }` },
  {
    name: 'taxonomy with counts and companions',
    text: '{ attributes { name sampleCount cooccurring { attribute { name } count pmi } } }',
  },
  {
    name: 'attribute x attribute matrix, filtered',
    text: '{ cooccurrence(filter: { attributes: { any: ["rock", "pop"] } }) { counts } }',
  },
  { name: 'concepts with counts', text: '{ concepts { name sampleCount mentionCount attributes { name } } }' },
];

export async function benchServe(): Promise<void> {
  const imports: string[][] = [];
  const starts: string[][] = [];
  const timings: string[][] = [];
  const throughput: string[][] = [];
  for (const size of SIZES) {
    const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-bench-'));
    const environment = { DATA_DIR: dataDir, LOAD_STARTER: 'false' };
    try {
      // A fresh directory: the import below then measures rows, not initdb.
      const fresh = await startServer({ ...environment, LOAD_STARTER: 'true' });
      await fresh.stop();
      starts.push(['new data directory (with the starter set)', fresh.secondsToFirstAnswer.toFixed(2), '15']);

      const imported = await measureCommand(['import', benchRows(size)], environment);
      const again = await measureCommand(['import', benchRows(size)], environment);
      const bound = size === 21_000 ? '10 s, 400 MB' : '';
      imports.push(
        [`${size} rows`, ...figures(imported, size), bound],
        [`${size} rows again`, ...figures(again, size), ''],
      );

      const server = await startServer(environment);
      try {
        starts.push([`existing, ${size} rows`, server.secondsToFirstAnswer.toFixed(2), '5']);
        for (const { name, text, bound: bounds } of QUERIES) {
          const times = await timeQuery(server.url, text);
          const p50 = percentile(times, 0.5);
          timings.push([
            name,
            String(size),
            p50.toFixed(1),
            percentile(times, 0.99).toFixed(1),
            String(bounds?.[size] ?? ''),
          ]);
        }
        throughput.push(...(await comparePages(server.url, dataDir, size)));
      } finally {
        await server.stop();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  printTable('Import (whole process)', ['rows', 'seconds', 'rows/s', 'peak MB', 'target'], imports);
  printTable('Start to first answered query', ['data', 'seconds', 'target'], starts);
  printTable('Queries over HTTP, one at a time, ms', ['query', 'rows', 'p50', 'p99', 'p50 target'], timings);
  printTable(
    'Page of 20 samples, 10 connections for 8 s each, same database',
    ['server', 'rows', 'requests/s', 'p50 ms', 'p99 ms'],
    throughput,
  );
}

function figures({ seconds, peakMegabytes }: { seconds: number; peakMegabytes: number }, rows: number): string[] {
  return [seconds.toFixed(2), String(Math.round(rows / seconds)), peakMegabytes.toFixed(0)];
}

async function timeQuery(url: string, text: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < REPETITIONS + 20; i++) {
    const started = performance.now();
    await query(url, text);
    // The first ones warm caches and compilers.
    if (i >= 20) times.push(performance.now() - started);
  }
  return times;
}

/** The same page from this server and from a Mercurius server with hand-written SQL, in turn. */
async function comparePages(url: string, dataDir: string, size: number): Promise<string[][]> {
  const peer = await startMercuriusPeer(dataDir);
  try {
    const rows: string[][] = [];
    for (const [name, endpoint, text] of [
      ['this server', url, `{ samples(first: 20) { ${PAGE_FIELDS} } }`],
      ['Mercurius + JIT, hand-written SQL', peer.url, `{ samples(first: 20) { ${PAGE_FIELDS} } }`],
    ] as const) {
      await query(endpoint, text);
      const result = await autocannon({
        url: `${endpoint}/graphql`,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: text }),
        connections: 10,
        duration: 8,
      });
      rows.push([
        name,
        String(size),
        result.requests.average.toFixed(0),
        String(result.latency.p50),
        String(result.latency.p99),
      ]);
    }
    return rows;
  } finally {
    await peer.stop();
  }
}
