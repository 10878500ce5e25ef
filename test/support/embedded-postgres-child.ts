import { pino } from 'pino';
import { openEmbeddedPostgres } from '../../src/platform/embedded-postgres';

/**
 * A process that holds the embedded PostgreSQL of a data directory: `node embedded-postgres-child.js DATA_DIR ROLE STATE_ROOT`.
 * Says one line of JSON once it has it or has failed, one when it is lost; lets go on SIGTERM.
 */
export type ChildReport =
  | { readonly event: 'ready'; readonly url: string; readonly durationMs: number }
  | { readonly event: 'failed'; readonly code: string | null; readonly message: string }
  | { readonly event: 'lost' };

const say = (report: ChildReport) => process.stdout.write(`${JSON.stringify(report)}\n`);

async function main(dataDir: string, role: string, stateRoot: string): Promise<void> {
  const begun = performance.now();
  const postgres = await openEmbeddedPostgres({
    dataDir,
    role: role === 'server' ? 'server' : 'client',
    stateRoot,
    log: pino(pino.destination(2)),
    onLost: () => say({ event: 'lost' }),
  });
  process.once('SIGTERM', () => void postgres.release());
  say({ event: 'ready', url: postgres.url, durationMs: performance.now() - begun });
}

main(process.argv[2]!, process.argv[3]!, process.argv[4]!).catch((error: Error & { code?: string }) => {
  say({ event: 'failed', code: error.code ?? null, message: error.message });
  process.exitCode = 1;
});
