import type { Logger } from 'pino';
import type { ConceptSets } from '../dataset/concept-sets';
import type { LiveIndex } from '../dataset/live-index';
import type { SampleRepository } from '../dataset/sample-repository';
import { GenerationRepository } from '../generation/generation-repository';
import { GenerationItems } from '../generation/items';
import { openJobQueue, type JobQueue } from '../generation/queue';
import { Reconciler } from '../generation/reconciler';
import { GenerationRequests } from '../generation/requests';
import { createStages, type Stages } from '../generation/stages';
import { GenerationWorker } from '../generation/worker';
import { ModelPool } from '../inference/model-pool';
import type { AudioEngine, EngineName } from '../inference/stages';
import type { Config } from '../platform/config';
import type { Foundation } from './foundation';

/** Generation, put together: for the server, for workers and for the command line. */
export interface Generation {
  readonly queue: JobQueue;
  readonly models: ModelPool;
  readonly stages: Stages;
  readonly requests: GenerationRequests;
  readonly repository: GenerationRepository;
  readonly reconciler: Reconciler;
  readonly items: GenerationItems;
  readonly samples: SampleRepository;
  readonly worker: GenerationWorker;
  /** Stops what was started of it. */
  close(): Promise<void>;
}

/** Engines that a machine with such a device can serve. */
export function enginesFor(device: AudioEngine['device'], { engines }: Stages): EngineName[] {
  return engines.filter((engine) => device === 'GPU' || engine.device === 'CPU').map(({ engine }) => engine);
}

/** @throws UserError QUEUE_UNAVAILABLE, INVALID_CONFIG */
export async function openGeneration(options: {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly live: LiveIndex;
  readonly samples: SampleRepository;
  readonly sets: ConceptSets;
  readonly log: Logger;
}): Promise<Generation> {
  const { config, foundation, live, samples, sets, log } = options;
  const { db, store } = foundation;
  const models = new ModelPool(Math.max(1, config.workerConcurrency));
  const stages = await createStages(models, config, (message) => log.warn(message));
  for (const { engine, reason } of stages.missing) log.debug({ engine, reason }, 'an engine cannot run here');
  const queue = await openJobQueue({ redisUrl: config.redisUrl, databaseUrl: db.url, log });
  const repository = new GenerationRepository(db, live);
  // Whoever makes samples needs them soon; what is wrong with them shows when a worker starts.
  if (config.workerConcurrency > 0) models.load().catch((err: unknown) => log.warn({ err }, 'no models yet'));
  const reconciler = new Reconciler({ db, store, queue, log });
  const items = new GenerationItems(db);
  const enqueuing = new Set<Promise<void>>();
  const requests = new GenerationRequests({
    db,
    sets,
    samples,
    live,
    stages,
    capacity: () => repository.capacity(),
    // Nobody waits for the queue: the rows are there, and what does not get into it now does so later.
    onDue(due) {
      const added = reconciler
        .enqueue(due)
        .catch((err: unknown) => log.warn({ err }, 'items could not be put into the queue yet'))
        .finally(() => enqueuing.delete(added));
      enqueuing.add(added);
    },
  });
  return {
    queue,
    models,
    stages,
    requests,
    repository,
    reconciler,
    items,
    samples,
    worker: new GenerationWorker({ db, store, items, stages, log }),
    async close() {
      await reconciler.close();
      await Promise.all(enqueuing);
      await queue.close();
      await Promise.all([models.close(), ...stages.engines.map((engine) => engine.close())]);
    },
  };
}
