import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { AudioStore } from '../audio/audio-store';
import { EngineError, EngineRefusal, type AudioEngine, type EngineName } from '../inference/stages';
import { isDatabaseAway, type Database } from '../platform/database';
import { UserError } from '../platform/errors';
import { LeaseLost, MAX_ATTEMPTS, type Claim, type GenerationItems, type ItemFailure, type ItemStage } from './items';
import { makeSample, type MadeSample, type PipelineStage } from './pipeline';
import { Previews } from './previews';
import type { JobQueue, QueueConsumer } from './queue';
import { recipeIdOf } from './recipe';
import { checkStages, engineOf, type Stages } from './stages';
import { GENERATION_CHANNEL } from './updates';

/**
 * Makes items: takes their ids from the queue, claims the row, runs the pipeline, stores the audio and settles the row.
 * Any number of workers on any machines; what one of them loses, another makes.
 */
export interface WorkerOptions {
  readonly db: Database;
  readonly store: AudioStore;
  readonly items: GenerationItems;
  readonly stages: Stages;
  readonly log: Logger;
}

/** Leases are renewed, progress is told, and canceled items are noticed at the latest, this often. */
const BEAT_MS = 1_000;
/** What is running when a worker is to stop may take this long; then it is put back for others. */
const DRAIN_MS = 20_000;
const STORAGE_RETRY_SECONDS = 5;
/** Settling is tried for as long as the database is away, within reason: the lease has long run out then. */
const SETTLE_LIMIT_MS = 120_000;
const SETTLE_RETRY_MS = 500;

interface Running {
  readonly claim: Claim;
  readonly abort: AbortController;
  stage: ItemStage;
  progress: number;
}

interface ServedEngine {
  readonly engine: EngineName;
  readonly version: string;
  /** Items made at once. */
  readonly slots: number;
}

/** The worker is to stop. */
class Draining extends Error {
  override readonly name = 'Draining';
}

/** The audio store did not take the bytes. */
class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
}

/** Share of an item's work that is done when a stage begins, and when it ends. */
const STAGE_SHARES: Readonly<Record<ItemStage, readonly [number, number]>> = {
  ATTRIBUTES: [0, 0.05],
  CAPTION: [0.05, 0.1],
  AUDIO: [0.1, 0.95],
  STORE: [0.95, 1],
};

export class GenerationWorker {
  readonly id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  private readonly running = new Map<string, Running>();
  private readonly consumers: QueueConsumer[] = [];
  private beat: NodeJS.Timeout | null = null;
  private beating: Promise<void> = Promise.resolve();
  private listener: { close(): Promise<void> } | null = null;
  private served: { readonly engines: readonly ServedEngine[]; readonly concurrency: number } | null = null;

  constructor(private readonly options: WorkerOptions) {}

  /**
   * Begins to take items from the queue: of each engine up to `concurrency` at once, or as many as the engine itself makes
   * side by side.
   * @throws UserError MODEL_UNAVAILABLE where a stage lacks what it needs
   */
  async start(queue: JobQueue, engines: readonly EngineName[], concurrency: number): Promise<void> {
    const served = await this.watch(engines, concurrency);
    for (const { engine, slots } of served) {
      this.consumers.push(queue.consume(engine, slots, (item) => this.make(item)));
    }
  }

  /** Takes no more items, lets running ones finish within 20 s, puts back the rest. */
  async stop(): Promise<void> {
    const drain = setTimeout(() => this.abortAll(new Draining('the worker is stopping')), DRAIN_MS);
    await Promise.all(this.consumers.splice(0).map((consumer) => consumer.close()));
    clearTimeout(drain);
    await this.unwatch();
  }

  /**
   * Renews leases and listens for cancellations from here on.
   * @param engines whose items are to be made
   * @param concurrency samples at once of an engine that has no number of its own; null: it does not serve a queue
   * @throws UserError MODEL_UNAVAILABLE where a stage lacks what it needs
   */
  async watch(engines: readonly EngineName[], concurrency: number | null = null): Promise<readonly ServedEngine[]> {
    const { db, log, stages } = this.options;
    await checkStages(stages, engines).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      throw new UserError('MODEL_UNAVAILABLE', error.message, {}, { cause: error });
    });
    // How many clips an engine makes at once it knows once it has been looked at.
    const served = engines.map((name): ServedEngine => {
      const { engine, version, concurrency: own } = engineOf(stages, name);
      return { engine, version, slots: own ?? concurrency ?? 1 };
    });
    if (concurrency !== null) this.served = { engines: served, concurrency };
    this.listener = await db.listen(GENERATION_CHANNEL, () => void this.dropCanceled());
    const next = () => {
      this.beat = setTimeout(() => {
        this.beating = this.renew()
          .catch((err: unknown) => log.warn({ err }, 'could not renew the leases of running items'))
          .finally(() => this.beat && next());
      }, BEAT_MS);
    };
    await this.announce();
    next();
    return served;
  }

  async unwatch(): Promise<void> {
    if (this.beat) clearTimeout(this.beat);
    this.beat = null;
    await this.beating;
    await this.listener?.close();
    const { db, log } = this.options;
    await db
      .query('DELETE FROM generation_worker WHERE id = $1', [this.id])
      .catch((err: unknown) => log.debug({ err }, 'the worker could not sign off'));
  }

  /** Makes an item where it is to be made; never rejects. */
  async make(item: number): Promise<void> {
    const { items, log } = this.options;
    let claim: Claim | null;
    try {
      claim = await items.claim(item, this.id);
    } catch (err) {
      // The reconciler brings it again.
      log.warn({ err, item }, 'an item could not be claimed');
      return;
    }
    if (!claim) return;
    const running: Running = { claim, abort: new AbortController(), stage: 'ATTRIBUTES', progress: 0 };
    this.running.set(claim.lease, running);
    try {
      await this.makeClaimed(running);
    } catch (error) {
      await this.settleFailure(claim, error);
    } finally {
      this.running.delete(claim.lease);
    }
  }

  /** Stops whatever is running, for the given reason. */
  abortAll(reason: Error): void {
    for (const { abort } of this.running.values()) abort.abort(reason);
  }

  private async makeClaimed(running: Running): Promise<void> {
    const { store, items, stages, log } = this.options;
    const { claim, abort } = running;
    const engine: AudioEngine = engineOf(stages, claim.engine);
    const recipe = recipeIdOf(claim, stages, engine);
    if (await this.whileAway(abort.signal, () => items.succeedWithExisting(claim, recipe))) return;

    const started = performance.now();
    const { sample, wav, audio } = await this.render(running, engine);
    showProgress(running, 'STORE', 0);
    for (;;) {
      await this.whileAway(abort.signal, () => items.announceUpload(claim, audio.sha256));
      // Not before: where the bytes of the round before came after they had been cleared away, this finds them again.
      abort.signal.throwIfAborted();
      try {
        await store.put(audio.sha256, wav, audio.mediaType);
      } catch (cause) {
        throw new StorageFailure('the audio could not be stored', { cause });
      }
      if (await this.whileAway(abort.signal, () => items.succeed(claim, sample, audio.sha256))) break;
    }
    const ms = Math.round(performance.now() - started);
    log.debug({ request: claim.request, item: claim.item, sample: sample.id, ms }, 'made a sample');
  }

  /** With previews on the way, where they are wanted; none comes after. */
  private async render(running: Running, engine: AudioEngine): Promise<MadeSample> {
    const { claim, abort } = running;
    const previews = claim.previews ? new Previews(claim, this.options) : null;
    try {
      return await makeSample(claim, this.options.stages, engine, {
        signal: abort.signal,
        onProgress: (stage: PipelineStage, share) => showProgress(running, stage, share),
        onPreview: previews ? (wav) => previews.offer(wav) : undefined,
      });
    } finally {
      await previews?.close();
    }
  }

  /** Runs a write again while the database is away: what was made is not thrown away for that. */
  private async whileAway<T>(signal: AbortSignal, write: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + SETTLE_LIMIT_MS;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!isDatabaseAway(error) || Date.now() > deadline) throw error;
        this.options.log.warn({ err: error }, 'an item could not be settled yet');
        await new Promise((resolve) => setTimeout(resolve, SETTLE_RETRY_MS));
        signal.throwIfAborted();
      }
    }
  }

  private async settleFailure(claim: Claim, error: unknown): Promise<void> {
    const { items, log } = this.options;
    // Another's by now, or canceled: nothing of it is this worker's to settle.
    if (error instanceof LeaseLost) return;
    const context = { err: error, request: claim.request, item: claim.item };
    try {
      if (error instanceof Draining) {
        await items.putBack(claim, null, 0);
      } else if (error instanceof StorageFailure || isDatabaseAway(error)) {
        log.warn(context, 'an item could not be stored; it is tried again');
        await items.putBack(claim, STORAGE_AWAY, STORAGE_RETRY_SECONDS);
      } else {
        log.error(context, 'an item could not be made');
        const isWorthIt = claim.attempts < MAX_ATTEMPTS && !(error instanceof EngineRefusal);
        const retry = isWorthIt ? { afterSeconds: 2 ** (claim.attempts - 1) } : null;
        await items.fail(claim, describeFailure(error), retry);
      }
    } catch (err) {
      // Its lease runs out, and the reconciler puts it back.
      log.warn({ ...context, err }, 'an item could not be put back');
    }
  }

  private async renew(): Promise<void> {
    await this.announce();
    const held = [...this.running.values()];
    if (held.length === 0) return;
    this.dropOthers(held, await this.options.items.renew(held));
  }

  private async dropCanceled(): Promise<void> {
    const held = [...this.running.values()];
    if (held.length === 0) return;
    try {
      this.dropOthers(held, await this.options.items.stillHeld(held.map(({ claim }) => claim)));
    } catch {
      // The next beat sees it.
    }
  }

  private dropOthers(held: readonly Running[], leases: ReadonlySet<string>): void {
    for (const { claim, abort } of held) {
      if (!leases.has(claim.lease)) abort.abort(new LeaseLost(`item ${claim.item} is no longer held`));
    }
  }

  /** Tells that it is there, and what it serves. */
  private async announce(): Promise<void> {
    if (!this.served) return;
    const { engines, concurrency } = this.served;
    await this.options.db.query(
      `INSERT INTO generation_worker (id, host, pid, engines, versions, slots, concurrency)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT ON CONSTRAINT generation_worker_pkey DO UPDATE SET seen_at = now()`,
      [
        this.id,
        hostname(),
        process.pid,
        engines.map(({ engine }) => engine),
        engines.map(({ version }) => version),
        engines.map(({ slots }) => slots),
        concurrency,
      ],
    );
  }
}

function showProgress(running: Running, stage: ItemStage, share: number): void {
  const [from, to] = STAGE_SHARES[stage];
  running.stage = stage;
  running.progress = from + (to - from) * Math.min(1, Math.max(0, share));
}

const STORAGE_AWAY: ItemFailure = {
  code: 'STORAGE_UNAVAILABLE',
  message: 'What was made could not be stored; it is tried again until it can.',
};

/** An engine's message is for the user, any other error is ours. */
function describeFailure(error: unknown): ItemFailure {
  if (error instanceof EngineRefusal) return { code: 'ENGINE_REFUSED', message: error.message };
  return error instanceof EngineError
    ? { code: 'ENGINE_FAILED', message: error.message }
    : { code: 'INTERNAL_SERVER_ERROR', message: "Something went wrong; the worker's log says what." };
}
