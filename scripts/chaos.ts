import { Command, Option } from 'commander';
import { runChaos, type ChaosOptions } from '../test/support/chaos';
import { prepareTestServices } from '../test/support/services';

/** Generation under faults, as `test/chaos.test.ts` does it, for longer and with every combination of parts. */
interface Arguments {
  readonly items: string;
  readonly seed: string;
  readonly queue: ChaosOptions['queue'] | 'both';
  readonly store: ChaosOptions['store'] | 'both';
}

async function main(args: Arguments): Promise<void> {
  await prepareTestServices();
  const queues = args.queue === 'both' ? (['postgresql', 'redis'] as const) : [args.queue];
  const stores = args.store === 'both' ? (['disk', 's3'] as const) : [args.store];
  let failures = 0;
  const lines: string[] = [];
  for (const queue of queues) {
    for (const store of stores) {
      process.stdout.write(`\nqueue in ${queue}, audio in ${store}\n`);
      const started = Date.now();
      const log = (line: string) =>
        process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
      const report = await runChaos({ items: Number(args.items), seed: Number(args.seed), queue, store, log });
      const { items, samples, states, faults, seconds, problems } = report;
      failures += problems.length;
      const text = (record: Readonly<Record<string, number>>) =>
        Object.entries(record)
          .map(([name, count]) => `${count} ${name}`)
          .join(', ');
      lines.push(
        `| ${queue} | ${store} | ${items} | ${text(states)} | ${samples} | ${text(faults)} | ${seconds} | ${problems.join('; ') || 'none'} |`,
      );
    }
  }
  process.stdout.write(
    `\n| queue | store | items | settled | samples | faults | seconds | problems |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

new Command('npm run chaos --')
  .description(
    'Kill, empty, restart and block everything while samples are made, and see that all is right at the end.',
  )
  .option('--items <n>', 'samples to ask for', '240')
  .option('--seed <n>', 'what is done when, as far as that is in our hands', '1')
  .addOption(new Option('--queue <where>', 'job queue').choices(['postgresql', 'redis', 'both']).default('both'))
  .addOption(new Option('--store <where>', 'audio store').choices(['disk', 's3', 'both']).default('disk'))
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  });
