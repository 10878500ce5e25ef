import { DuckDBInstance } from '@duckdb/node-api';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import pino from 'pino';
import { ConceptIndex } from '../src/concepts/concept-index';
import { CONCEPTS, findConcept } from '../src/concepts/concepts';
import { diagnose } from '../src/concepts/sets/diagnostics';
import { STRATEGIES, type ConceptSetRequest, type Strategy } from '../src/concepts/sets/request';
import { selectConceptSet } from '../src/concepts/sets/select';
import { openEmbeddedPostgres } from '../src/platform/embedded-postgres';
import { syntheticRows } from './synthetic-index';
import { percentile, printTable } from './table';

/**
 * `conceptSet` in the process, selection and diagnostics, for every strategy; beside it the plain RANDOM selection,
 * 50 + 50 rows by a seeded hash without regard to sources, as SQL in DuckDB over Parquet and in PostgreSQL.
 */
const SIZES = [21_000, 210_000, 2_100_000];
const TARGETS = ['piano', 'guitar', 'male vocals', 'slow', 'rock', 'ballad'].map((name) => findConcept(name)!.index);
const BOUNDS: Readonly<Record<number, Partial<Record<Strategy, number>>>> = {
  21_000: { CLEAN: 2, MATCHED: 20, BALANCED: 20 },
  2_100_000: { CLEAN: 50, MATCHED: 500, BALANCED: 500 },
};
const BYTES_PER_SAMPLE = 100;

export async function benchSets(): Promise<void> {
  const timings: string[][] = [];
  const sizes: string[][] = [];
  for (const size of SIZES) {
    const folder = await mkdtemp(join(tmpdir(), 'conceptcaps-bench-'));
    // The database server reads the rows as another user.
    await chmod(folder, 0o755);
    try {
      const csv = join(folder, 'rows.csv');
      const started = performance.now();
      const index = await indexAndWrite(csv, size);
      const seconds = (performance.now() - started) / 1000;
      const bytes = index.byteLength / index.size;
      sizes.push([String(size), bytes.toFixed(1), String(BYTES_PER_SAMPLE), seconds.toFixed(1)]);

      const repetitions = size > 1_000_000 ? 5 : 20;
      const measure = async (
        name: string,
        bound: number | undefined,
        run: (target: number, seed: number) => unknown,
      ) => {
        const times: number[] = [];
        for (let seed = -3; seed < repetitions; seed++) {
          for (const target of TARGETS) {
            const before = performance.now();
            await run(target, seed);
            // The first ones warm caches and compilers.
            if (seed >= 0) times.push(performance.now() - before);
          }
        }
        const figures = [percentile(times, 0.5), percentile(times, 0.99)].map((ms) => ms.toFixed(2));
        timings.push([name, String(size), ...figures, String(bound ?? '')]);
      };

      for (const strategy of STRATEGIES) {
        await measure(`conceptSet ${strategy}`, BOUNDS[size]?.[strategy], (target, seed) => {
          const view = index.now();
          const asked = request(target, strategy, seed);
          return diagnose(view, asked, selectConceptSet(view, asked));
        });
      }
      await withDuckDB(folder, csv, (select) => measure('RANDOM in DuckDB over Parquet', undefined, select));
      await withPostgres(folder, csv, (select) => measure('RANDOM as SQL in PostgreSQL', undefined, select));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  printTable(
    'conceptSet, 50 + 50, selection and diagnostics in the process, ms',
    ['what', 'samples', 'p50', 'p99', 'target'],
    timings,
  );
  printTable('Index', ['samples', 'bytes a sample', 'bound', 'seconds to make rows and index'], sizes);
}

function request(concept: number, strategy: Strategy, seed: number): ConceptSetRequest {
  return {
    target: { kind: 'concept', concept },
    against: null,
    scope: { kind: 'and', conditions: [] },
    positives: 50,
    negatives: 50,
    randomSets: 0,
    randomSetSize: 50,
    strategy,
    seed,
    captionConfirms: true,
  };
}

/** The index over synthetic rows, which are written to a file for the peers on the way. */
async function indexAndWrite(file: string, count: number): Promise<ConceptIndex> {
  const index = new ConceptIndex(CONCEPTS.length);
  const stream = createWriteStream(file);
  for (const row of syntheticRows(count, 1)) {
    index.append(row);
    index.version = row.addedVersion;
    const line = `${row.seq},${row.key},"{${row.carries.join(',')}}"\n`;
    if (!stream.write(line)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'close');
  return index;
}

type Select = (target: number, seed: number) => Promise<unknown>;

async function withDuckDB(folder: string, csv: string, run: (select: Select) => Promise<void>): Promise<void> {
  const parquet = join(folder, 'rows.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `COPY (SELECT seq, key, CAST(translate(carries, '{}', '[]') AS SMALLINT[]) AS carries
             FROM read_csv('${csv}', header = false, columns = {seq: 'INTEGER', key: 'INTEGER', carries: 'VARCHAR'}))
       TO '${parquet}' (FORMAT parquet)`,
    );
    await run(async (target, seed) => {
      for (const condition of ['', 'NOT']) {
        await connection.runAndReadAll(
          `SELECT seq FROM '${parquet}' WHERE ${condition} list_contains(carries, ${target}::SMALLINT)
           ORDER BY hash(key, ${seed}) LIMIT 50`,
        );
      }
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function withPostgres(folder: string, csv: string, run: (select: Select) => Promise<void>): Promise<void> {
  const log = pino({ level: 'silent' });
  const postgres = await openEmbeddedPostgres({ dataDir: join(folder, 'data'), role: 'server', log });
  const client = new Client(postgres.url);
  try {
    await client.connect();
    await client.query('CREATE TABLE row (seq integer PRIMARY KEY, key integer NOT NULL, carries smallint[] NOT NULL)');
    await client.query(`COPY row FROM '${csv}' (FORMAT csv)`);
    await client.query('CREATE INDEX ON row USING gin (carries)');
    await client.query('ANALYZE row');
    await run(async (target, seed) => {
      for (const condition of ['', 'NOT']) {
        await client.query({
          name: `select ${condition}`,
          text: `SELECT seq FROM row WHERE ${condition} carries @> ARRAY[$1]::smallint[]
                 ORDER BY hashint4extended(key, $2) LIMIT 50`,
          values: [target, seed],
        });
      }
    });
  } finally {
    await client.end();
    await postgres.release();
  }
}
