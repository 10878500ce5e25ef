import type { Logger } from 'pino';
import { ConceptIndex, type IndexRow } from '../concepts/concept-index';
import { CONCEPTS } from '../concepts/concepts';
import type { Database } from '../platform/database';
import type { SampleRepository } from './sample-repository';
import { DATA_VERSION_CHANNEL } from './sample-writer';

/**
 * Keeps this process's ConceptIndex in step with PostgreSQL: built at the start, then carried forward as other
 * processes announce new data versions.
 */
const ROWS_PER_READ = 20_000;
/** A notification can be lost with its connection: this bounds how long that can go unseen. */
const POLL_MS = 10_000;

export class LiveIndex {
  private index = new ConceptIndex(CONCEPTS.length);
  private running: Promise<void> | null = null;
  private isStale = false;
  private stop: () => Promise<void> = () => Promise.resolve();

  private constructor(
    private readonly samples: SampleRepository,
    private readonly log: Logger,
  ) {}

  /** Resolves when the index shows the data as of now. */
  static async open(db: Database, samples: SampleRepository, log: Logger): Promise<LiveIndex> {
    const live = new LiveIndex(samples, log);
    const follow = () => void live.refresh().catch((err: unknown) => log.error({ err }, 'the index could not follow'));
    const listener = await db.listen(DATA_VERSION_CHANNEL, follow);
    const poll = setInterval(follow, POLL_MS);
    poll.unref();
    live.stop = async () => {
      clearInterval(poll);
      await listener.close();
      await live.running?.catch(() => undefined);
    };
    await live.refresh();
    return live;
  }

  /** The index now. Hold it no longer than one synchronous step: it moves on with the data. */
  get current(): ConceptIndex {
    return this.index;
  }

  /** Brings the index to the newest data version; calls made meanwhile share one more round. */
  refresh(): Promise<void> {
    if (this.running) {
      this.isStale = true;
      return this.running;
    }
    this.running = this.rounds().finally(() => (this.running = null));
    return this.running;
  }

  close(): Promise<void> {
    return this.stop();
  }

  private async rounds(): Promise<void> {
    do {
      this.isStale = false;
      await this.follow();
    } while (this.isStale);
  }

  private async follow(): Promise<void> {
    const started = performance.now();
    const { version, derivedVersion } = await this.samples.dataState();
    if (version === this.index.version) return;
    // Derived columns of old rows have changed: nothing of the old index can be kept.
    const isRebuild = derivedVersion > this.index.version && this.index.size > 0;
    const index = isRebuild ? new ConceptIndex(CONCEPTS.length) : this.index;

    const changes = await this.samples.listIndexChanges(index.size, index.version, version);
    const pairs = await this.samples.listCounterfactuals(index.version, version);
    // Where readers already use this index, pages are kept until the last is there: they never see half a version.
    const isVisible = index === this.index && index.version > 0;
    const pages: IndexRow[][] = [];
    const readPage = (from: number) => this.samples.listIndexRows(from, ROWS_PER_READ, version);
    let next = readPage(index.size);
    for (let from = index.size, isLast = false; !isLast; from += ROWS_PER_READ) {
      const rows = await next;
      isLast = rows.length < ROWS_PER_READ;
      // PostgreSQL reads a page while this process takes in the one before.
      if (!isLast) next = readPage(from + ROWS_PER_READ);
      if (isVisible) pages.push(rows);
      else rows.forEach((row) => index.append(row));
    }
    for (const change of changes) index.update(change.seq, change);
    for (const rows of pages) for (const row of rows) index.append(row);
    for (const pair of pairs) index.counterfactuals.link(pair.version, pair.sample, pair.of);
    index.version = version;
    this.index = index;
    this.log.debug(
      { version, samples: index.size, bytes: index.byteLength, ms: Math.round(performance.now() - started) },
      'index follows the data',
    );
  }
}
