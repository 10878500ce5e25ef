import Fastify from 'fastify';
import mercurius from 'mercurius';
import { Pool } from 'pg';
import { pino } from 'pino';
import { ATTRIBUTES } from '../src/concepts/taxonomy';
import { openEmbeddedPostgres } from '../src/platform/embedded-postgres';

/**
 * The peer: the same page of samples served by Mercurius with its JIT and one hand-written statement, nothing else.
 */
const SCHEMA = `
  type Attribute { name: String! category: String! }
  type Audio { url: String! bytes: Int! }
  type Sample { id: ID! sourceId: ID! caption: String! attributes: [Attribute!]! audio: Audio }
  type Edge { node: Sample! }
  type Connection { edges: [Edge!]! }
  type Query { samples(first: Int!): Connection! }`;

interface Row {
  id: string;
  sourceId: string;
  caption: string;
  attributes: number[];
  sha256: string | null;
  size_bytes: number;
}

async function main(dataDir: string): Promise<void> {
  const postgres = await openEmbeddedPostgres({ dataDir, role: 'client', log: pino({ level: 'silent' }) });
  const pool = new Pool({ connectionString: postgres.url, max: 10 });
  const app = Fastify();
  await app.register(mercurius, {
    schema: SCHEMA,
    jit: 1,
    resolvers: {
      Query: {
        samples: async (_: unknown, { first }: { first: number }) => {
          const { rows } = await pool.query<Row>(
            `SELECT s.id, s.source_id AS "sourceId", s.caption, s.attributes, encode(s.audio_sha256, 'hex') AS sha256, a.size_bytes
             FROM sample s LEFT JOIN audio a ON a.sha256 = s.audio_sha256
             WHERE s.retired_version IS NULL ORDER BY s.seq LIMIT $1`,
            [first],
          );
          return {
            edges: rows.map((row) => ({
              node: {
                ...row,
                attributes: row.attributes.map((index) => ATTRIBUTES[index]),
                audio: row.sha256 && { url: `http://localhost/${row.sha256}`, bytes: row.size_bytes },
              },
            })),
          };
        },
      },
    },
  });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  process.stdout.write(`${address}\n`);
  process.on('SIGTERM', () => {
    void app
      .close()
      .then(() => pool.end())
      .then(() => postgres.release())
      .then(() => process.exit(0));
  });
}

void main(process.argv[2]!);
