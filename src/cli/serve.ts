import { Command } from 'commander';
import { readConfig } from '../platform/config';
import { createLogger } from '../platform/logging';
import { fail } from './failure';

const SHUTDOWN_LIMIT_MS = 30_000;

export function serveCommand(): Command {
  return new Command('serve')
    .description('Start the server: GraphQL at /graphql, an explorer at /graphiql, audio at /audio.')
    .addHelpText(
      'after',
      `
HOST and PORT say where to listen. Unset DATABASE_URL, REDIS_URL and S3_ENDPOINT mean an embedded PostgreSQL,
its own job queue and audio on disk, all under DATA_DIR. SIGTERM or Ctrl-C stops the server cleanly.`,
    )
    .action(serve);
}

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  // Loaded when needed: `--help` and the other commands must not wait for the whole server.
  const { startApp } = await import('../server/app.js');
  const log = createLogger(config.logLevel);
  const app = await startApp(config, log, {
    onDatabaseLost: () => {
      log.fatal('the embedded PostgreSQL is gone; stopping, start again to recover');
      process.exit(1);
    },
  });
  const lines = [
    'ConceptCaps is ready.',
    `GraphQL   ${app.url}/graphql`,
    `Explorer  ${app.url}/graphiql`,
    `Data in   ${config.databaseUrl ? 'the database of DATABASE_URL' : config.dataDir}`,
    ...(app.localKey ? [`API key   ${app.localKey}   (for changes: Authorization: Bearer ...)`] : []),
  ];

  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    // A second Ctrl-C means now.
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('could not stop cleanly in time');
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
    app.close().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Whoever reads this may well stop it at once.
  process.stdout.write(`${lines.join('\n  ')}\n`);
}
