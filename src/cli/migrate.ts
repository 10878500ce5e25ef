import { Command } from 'commander';
import { readConfig } from '../platform/config';
import { createLogger } from '../platform/logging';

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database schema up to date. The server does this itself when it starts.')
    .action(async () => {
      const { openFoundation } = await import('../server/foundation.js');
      const config = readConfig(process.env);
      const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
      const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
      await foundation.close();
      process.stdout.write('The schema is up to date.\n');
    });
}
