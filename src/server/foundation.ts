import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AudioStore } from '../audio/audio-store';
import { DiskAudioStore } from '../audio/disk-audio-store';
import { deriveConcepts } from '../dataset/derive-concepts';
import type { Config } from '../platform/config';
import { migrate, openDatabase, type Database } from '../platform/database';
import { openEmbeddedPostgres } from '../platform/embedded-postgres';

/**
 * What the server and the commands stand on: the database (embedded or external) with its schema up to date, and the
 * audio store. The one place where the adapters are chosen.
 */
export interface Foundation {
  readonly db: Database;
  readonly store: AudioStore;
  /** Signs URLs of the disk store. */
  readonly signingKey: Uint8Array;
  close(): Promise<void>;
}

export interface FoundationOptions {
  readonly config: Config;
  readonly log: Logger;
  /** A data directory takes one server; commands may join it. */
  readonly role: 'server' | 'client';
  /** Base of audio URLs on local disk, asked for when a URL is made. */
  readonly publicUrl: () => string;
  readonly onStatement?: (text: string) => void;
  /** Called when the embedded PostgreSQL is lost. */
  readonly onDatabaseLost?: () => void;
}

/** @throws UserError DATABASE_UNAVAILABLE, DATA_DIR_IN_USE */
export async function openFoundation(options: FoundationOptions): Promise<Foundation> {
  const { config, log } = options;
  const embedded =
    config.databaseUrl === null
      ? await openEmbeddedPostgres({ dataDir: config.dataDir, role: options.role, log, onLost: options.onDatabaseLost })
      : null;
  try {
    const db = await openDatabase(config.databaseUrl ?? embedded!.url, log, { onStatement: options.onStatement });
    try {
      await migrate(db.url, log);
      await deriveConcepts(db, log);
      const signingKey = await loadSigningKey(db);
      const store = config.s3
        ? new (await import('../audio/s3-audio-store.js')).S3AudioStore(config.s3)
        : new DiskAudioStore({ directory: audioDirectory(config), signingKey, publicUrl: options.publicUrl });
      await store.check();
      return {
        db,
        store,
        signingKey,
        async close() {
          await db.close();
          await embedded?.release();
        },
      };
    } catch (error) {
      await db.close();
      throw error;
    }
  } catch (error) {
    await embedded?.release();
    throw error;
  }
}

export function audioDirectory(config: Config): string {
  return join(config.dataDir, 'audio');
}

/** Kept in the database, so that all replicas sign alike and URLs outlive a restart. */
async function loadSigningKey(db: Database): Promise<Uint8Array> {
  await db.query('INSERT INTO signing_key (key) VALUES ($1) ON CONFLICT DO NOTHING', [randomBytes(32)]);
  const { rows } = await db.query<{ key: Buffer }>('SELECT key FROM signing_key');
  return rows[0]!.key;
}
