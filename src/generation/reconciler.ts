import type { Logger } from 'pino';
import type { AudioStore } from '../audio/audio-store';
import { ENGINE_NAMES } from '../inference/stages';
import type { Database } from '../platform/database';
import { MAX_ATTEMPTS } from './items';
import type { JobQueue } from './queue';
import type { EnqueuedItem } from './requests';

/**
 * Puts right what is left over: items of dead workers, items that are not in the queue, bytes that no row names, and
 * workers that are gone. Every step can be broken off and run again, by several processes at once.
 */
export interface ReconcilerOptions {
  readonly db: Database;
  readonly store: AudioStore;
  readonly queue: JobQueue;
  readonly log: Logger;
}

const INTERVAL_MS = 2_000;
/** Items put into the queue in one go. */
const BATCH = 1_000;
/** An item that was put into the queue may take this long to show there. */
const ENQUEUE_GRACE_SECONDS = 5;
const WORKER_GONE_SECONDS = 30;

export class Reconciler {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> = Promise.resolve();
  private isOpen = true;

  constructor(private readonly options: ReconcilerOptions) {}

  start(): void {
    const next = () => {
      this.timer = setTimeout(() => {
        this.round = this.reconcile().finally(() => this.isOpen && next());
      }, INTERVAL_MS);
    };
    next();
  }

  async close(): Promise<void> {
    this.isOpen = false;
    if (this.timer) clearTimeout(this.timer);
    await this.round;
  }

  /** Goes through all of it once. What cannot be put right now is left to the next time: never rejects. */
  async reconcile(): Promise<void> {
    const steps = [
      () => this.takeBackExpired(),
      () => this.findMissingFromQueue(),
      () => this.enqueueDue(),
      () => this.clearUploads(),
      () => this.options.store.sweep(),
      () => this.forgetWorkers(),
    ];
    for (const step of steps) {
      await step().catch((err: unknown) =>
        this.options.log.warn({ err }, 'generation could not be put right; trying again'),
      );
    }
  }

  /** Puts items into the queue; what does not get there is put there by a later round. */
  async enqueue(items: readonly EnqueuedItem[]): Promise<void> {
    for (const engine of ENGINE_NAMES) {
      const own = items.filter((item) => item.engine === engine);
      for (let i = 0; i < own.length; i += BATCH) await this.options.queue.add(engine, own.slice(i, i + BATCH));
    }
  }

  private async takeBackExpired(): Promise<void> {
    const { rows } = await this.options.db.query<{ id: number; state: string }>(
      `UPDATE generation_item SET state = CASE WHEN attempts >= $1 THEN 'FAILED' ELSE 'QUEUED' END, stage = NULL,
         progress = 0, lease = NULL, leased_until = NULL, enqueued_at = NULL, not_before = now(),
         error_code = CASE WHEN attempts >= $1 THEN 'WORKER_LOST' END,
         error_message = CASE WHEN attempts >= $1 THEN 'Every worker that made it died, ' || attempts || ' of them.' END,
         finished_at = CASE WHEN attempts >= $1 THEN now() END
       WHERE id IN (
         SELECT id FROM generation_item WHERE state = 'RUNNING' AND leased_until < now() ORDER BY id
         FOR UPDATE SKIP LOCKED
       ) RETURNING id, state`,
      [MAX_ATTEMPTS],
    );
    if (rows.length > 0) this.options.log.warn({ items: rows.length }, 'took back items of workers that fell silent');
  }

  /** Where the queue holds fewer items than wait, it has lost some: all are put there again. */
  private async findMissingFromQueue(): Promise<void> {
    for (const engine of ENGINE_NAMES) {
      const counted = await this.options.db.query<{ waiting: number }>(
        `SELECT count(*) AS waiting FROM generation_item
         WHERE engine = $1 AND state = 'QUEUED' AND enqueued_at < now() - make_interval(secs => $2)`,
        [engine, ENQUEUE_GRACE_SECONDS],
      );
      const { waiting } = counted.rows[0]!;
      if (waiting === 0 || (await this.options.queue.countWaiting(engine)) >= waiting) continue;
      await this.options.db.query(
        `UPDATE generation_item SET enqueued_at = NULL
         WHERE engine = $1 AND state = 'QUEUED' AND enqueued_at < now() - make_interval(secs => $2)`,
        [engine, ENQUEUE_GRACE_SECONDS],
      );
      this.options.log.warn({ engine, waiting }, 'the queue has lost items; they are put there again');
    }
  }

  private async enqueueDue(): Promise<void> {
    for (;;) {
      const { rows } = await this.options.db.query<EnqueuedItem>(
        `SELECT id AS item, engine, rank FROM generation_item
         WHERE state = 'QUEUED' AND enqueued_at IS NULL AND not_before <= now() ORDER BY rank, id LIMIT $1`,
        [BATCH],
      );
      if (rows.length === 0) return;
      await this.enqueue(rows);
      await this.options.db.query(
        `UPDATE generation_item SET enqueued_at = now() WHERE id = ANY ($1::bigint[]) AND state = 'QUEUED'`,
        [rows.map(({ item }) => item)],
      );
      if (rows.length < BATCH) return;
    }
  }

  /** Bytes whose worker is gone before the row that names them was written. */
  private async clearUploads(): Promise<void> {
    const { db, store, log } = this.options;
    for (;;) {
      const cleared = await db.transaction(async (tx) => {
        // The lock keeps a worker that is about to store the same bytes waiting until these are gone.
        const { rows } = await tx.query<{ sha256: string; is_named: boolean }>(
          `SELECT encode(u.sha256, 'hex') AS sha256,
             EXISTS (SELECT FROM audio a WHERE a.sha256 = u.sha256) AS is_named
           FROM audio_upload u
           WHERE NOT EXISTS (
             SELECT FROM generation_item i WHERE i.id = u.item AND i.lease = u.lease AND i.leased_until > now()
           ) LIMIT 1 FOR UPDATE OF u SKIP LOCKED`,
        );
        const upload = rows[0];
        if (!upload) return false;
        if (!upload.is_named) await store.delete(upload.sha256);
        await tx.query('DELETE FROM audio_upload WHERE sha256 = $1', [Buffer.from(upload.sha256, 'hex')]);
        if (!upload.is_named) log.info({ sha256: upload.sha256 }, 'cleared audio that no sample has');
        return true;
      });
      if (!cleared) return;
    }
  }

  private async forgetWorkers(): Promise<void> {
    await this.options.db.query('DELETE FROM generation_worker WHERE seen_at < now() - make_interval(secs => $1)', [
      WORKER_GONE_SECONDS,
    ]);
  }
}
