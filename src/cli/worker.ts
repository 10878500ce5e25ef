import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { ENGINE_NAMES, type EngineName } from '../inference/stages';
import { readConfig } from '../platform/config';
import { UserError } from '../platform/errors';
import { createLogger } from '../platform/logging';
import { fail } from './failure';
import { engineName, within } from './options';

const SHUTDOWN_LIMIT_MS = 30_000;

interface WorkerArguments {
  readonly engines?: readonly EngineName[];
  readonly concurrency?: number;
}

export function workerCommand(): Command {
  return new Command('worker')
    .description('Make samples that are asked for, beside the server: any number of workers, on any machines.')
    .option('--engines <names>', `engines to serve, of: ${ENGINE_NAMES.join(', ').toLowerCase()}`, engineNames)
    .option('--concurrency <n>', 'samples made at once of each engine (default: WORKER_CONCURRENCY)', within(1, 256))
    .addHelpText(
      'after',
      `
Without --engines a worker serves all that this machine can: those for a GPU only where there is one, MusicGen only where
its model was pulled (see "conceptcaps models pull --help"). MusicGen makes as many clips side by side as its memory holds.
A worker needs the same DATABASE_URL, REDIS_URL and S3_ENDPOINT as the server; unset, it joins the server's DATA_DIR on this
machine. SIGTERM or Ctrl-C lets running samples finish for 20 s and puts the others back in line.

Examples:
  npx conceptcaps worker
  npx conceptcaps worker --engines soundfont --concurrency 8
  npx conceptcaps worker --engines musicgen`,
    )
    .action(runWorker);
}

async function runWorker(args: WorkerArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel);
  const concurrency = args.concurrency ?? config.workerConcurrency;
  if (concurrency === 0) {
    throw new UserError('INVALID_CONFIG', 'WORKER_CONCURRENCY is 0, so this worker would make nothing; set it higher');
  }
  const { openConceptSets } = await import('../server/concept-sets.js');
  const { enginesFor, openGeneration } = await import('../server/generation.js');
  const opened = await openConceptSets(config, log);
  const generation = await openGeneration({ config, log, ...opened }).catch(async (error: unknown) => {
    await opened.close();
    throw error;
  });
  const engines = args.engines ?? enginesFor(hasGpu() ? 'GPU' : 'CPU', generation.stages);
  try {
    await generation.worker.start(generation.queue, engines, concurrency);
  } catch (error) {
    await generation.close();
    await opened.close();
    throw error;
  }
  generation.reconciler.start();

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
    const close = async () => {
      await generation.worker.stop();
      await generation.close();
      await opened.close();
    };
    close().then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Whoever reads this may well stop it at once.
  log.info({ worker: generation.worker.id, engines, concurrency, queue: generation.queue.backend }, 'ready for work');
}

/** Whether the NVIDIA driver shows a device. */
function hasGpu(): boolean {
  return existsSync('/dev/nvidia0');
}

function engineNames(text: string): EngineName[] {
  return [...new Set(text.split(',').map(engineName))];
}
