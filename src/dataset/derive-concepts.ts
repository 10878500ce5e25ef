import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { carriedConcepts, conceptListFingerprintInput, mentionedConcepts } from '../concepts/concepts';
import type { Database } from '../platform/database';
import { DATA_VERSION_CHANNEL } from './sample-writer';

/**
 * `carries` and `mentions` are stored with every sample. When the concept list or the lexicon has changed since, they
 * are derived anew for all samples, in one transaction and with one new data version.
 */
const ROWS_PER_UPDATE = 2_000;

export async function deriveConcepts(db: Database, log: Logger): Promise<void> {
  const fingerprint = createHash('sha256').update(conceptListFingerprintInput()).digest('hex');
  const isCurrent = `SELECT concept_list_sha256 = $1 AS current FROM data_state`;
  const before = await db.query<{ current: boolean | null }>(isCurrent, [fingerprint]);
  if (before.rows[0]!.current) return;

  await db.transaction(async (tx) => {
    // Another process may have done it while this one waited for the lock.
    const state = await tx.query<{ version: number; next_seq: number; current: boolean | null }>(
      'SELECT version, next_seq, concept_list_sha256 = $1 AS current FROM data_state FOR UPDATE',
      [fingerprint],
    );
    const { version, next_seq: size, current } = state.rows[0]!;
    if (current) return;
    if (size > 0)
      log.info({ samples: size }, 'the concept list has changed: deriving the concepts of all samples anew');
    for (let from = 0; from < size; from += ROWS_PER_UPDATE) {
      const { rows } = await tx.query<{ seq: number; caption: string; attributes: number[] }>(
        'SELECT seq, caption, attributes FROM sample WHERE seq >= $1 AND seq < $2',
        [from, from + ROWS_PER_UPDATE],
      );
      await tx.query(
        `UPDATE sample SET carries = new.carries::smallint[], mentions = new.mentions::smallint[]
         FROM unnest($1::int[], $2::text[], $3::text[]) AS new (seq, carries, mentions) WHERE sample.seq = new.seq`,
        [
          rows.map((row) => row.seq),
          rows.map((row) => `{${carriedConcepts(row.attributes).join(',')}}`),
          rows.map((row) => `{${mentionedConcepts(row.caption).join(',')}}`),
        ],
      );
    }
    const next = size > 0 ? version + 1 : version;
    await tx.query('UPDATE data_state SET concept_list_sha256 = $1, version = $2, derived_version = $2', [
      fingerprint,
      next,
    ]);
    if (size > 0) await tx.query(`SELECT pg_notify('${DATA_VERSION_CHANNEL}', $1)`, [String(next)]);
  });
}
