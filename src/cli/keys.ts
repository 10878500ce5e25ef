import { Command } from 'commander';
import type { ApiKeys, ApiLimits } from '../platform/api-keys';
import { DEFAULT_LIMITS } from '../platform/api-keys';
import { readConfig } from '../platform/config';
import { createLogger } from '../platform/logging';
import { within } from './options';

const MAX_ITEMS = 100_000;

interface LimitOptions {
  readonly requestsPerMinute: number;
  readonly itemsPerRequest: number;
  readonly pendingItems: number;
  readonly audioSecondsPerDay: number;
}

export function keysCommand(): Command {
  return new Command('keys')
    .description('API keys: who may freeze sets and ask for samples. Reading takes none, unless READ_ACCESS=key.')
    .addCommand(
      new Command('create')
        .description('Make a key and print it, once: only a digest of it is kept.')
        .argument('<name>', 'whom or what it is for')
        .option('--requests-per-minute <n>', 'changes a minute', within(1, 100_000), DEFAULT_LIMITS.requestsPerMinute)
        .option(
          '--items-per-request <n>',
          'samples in one request',
          within(1, MAX_ITEMS),
          DEFAULT_LIMITS.itemsPerRequest,
        )
        .option(
          '--pending-items <n>',
          'samples that wait at a time',
          within(1, 10_000_000),
          DEFAULT_LIMITS.pendingItems,
        )
        .option(
          '--audio-seconds-per-day <n>',
          'seconds of audio in 24 hours',
          within(1, 100_000_000),
          DEFAULT_LIMITS.audioSecondsPerDay,
        )
        .action((name: string, limits: LimitOptions) => withKeys((keys) => create(keys, name, limits))),
    )
    .addCommand(
      new Command('list')
        .description('All keys, as tab-separated lines. Never their text.')
        .action(() => withKeys(list)),
    )
    .addCommand(
      new Command('revoke')
        .description('Take a key out of use, at once. What was asked for with it goes on.')
        .argument('<id or name>', 'as "keys list" shows it')
        .action((idOrName: string) =>
          withKeys(async (keys) => {
            const { id, name } = await keys.revoke(idOrName);
            process.stdout.write(`revoked ${id} (${name})\n`);
          }),
        ),
    )
    .addHelpText(
      'after',
      `
Send a key as the header "Authorization: Bearer KEY". The embedded server makes a key of its own, prints it at the
start and keeps it in DATA_DIR/api-key.

Examples:
  npx conceptcaps keys create alice
  npx conceptcaps keys create nightly-job --items-per-request 10000 --pending-items 50000
  npx conceptcaps keys revoke alice`,
    );
}

async function create(keys: ApiKeys, name: string, limits: ApiLimits): Promise<void> {
  const { text } = await keys.create(name, limits);
  process.stdout.write(`${text}\n`);
  process.stderr.write('Keep it: it cannot be shown again.\n');
}

async function list(keys: ApiKeys): Promise<void> {
  const columns = [
    'id',
    'name',
    'created',
    'last used',
    'revoked',
    'requests/min',
    'items/request',
    'pending',
    'audio s/day',
  ];
  const rows = (await keys.list()).map(({ id, name, createdAt, lastUsedAt, revokedAt, limits }) => [
    id,
    name,
    createdAt.toISOString(),
    lastUsedAt?.toISOString() ?? 'never',
    revokedAt?.toISOString() ?? '-',
    limits.requestsPerMinute,
    limits.itemsPerRequest,
    limits.pendingItems,
    limits.audioSecondsPerDay,
  ]);
  for (const row of [columns, ...rows]) process.stdout.write(`${row.join('\t')}\n`);
}

async function withKeys(work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  const { ApiKeys } = await import('../platform/api-keys.js');
  const { openFoundation } = await import('../server/foundation.js');
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
  try {
    await work(new ApiKeys(foundation.db));
  } finally {
    await foundation.close();
  }
}
