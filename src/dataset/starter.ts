import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AudioStore } from '../audio/audio-store';
import type { Database } from '../platform/database';
import { importFiles } from './import';
import { findLocalFiles } from './local-source';
import { STARTER_NAME } from './source-names';

const STARTER = join(__dirname, '..', '..', 'starter');

/**
 * Loads the starter set shipped with the project, as long as nothing else was ever imported. Loading it again changes
 * nothing, so a start that was interrupted is made good by the next.
 */
export async function loadStarter(db: Database, store: AudioStore, log: Logger): Promise<void> {
  const { rows } = await db.query<{ others: boolean }>(
    `SELECT EXISTS (SELECT FROM source WHERE origin <> 'STARTER') AS others`,
  );
  if (rows[0]!.others) return;
  const { files } = await findLocalFiles(STARTER);
  const summary = await importFiles({
    db,
    store,
    log,
    // Text first: the audio configuration then attaches to samples that are there.
    files: files.sort((a, b) => Number(a.config === 'audio') - Number(b.config === 'audio')),
    source: {
      name: STARTER_NAME,
      origin: 'STARTER',
      license: 'Apache-2.0',
      citation:
        'Starter set of this project: captions written by hand, synthesised tones for sound. For trying out the API, not for probing models.',
      url: null,
      revision: null,
    },
    strict: true,
  });
  if (summary.added > 0) log.info({ samples: summary.added }, 'loaded the starter set');
}
