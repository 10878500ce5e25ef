import { isDatabaseAway, type Database } from '../platform/database';
import type { GenerationRepository, StoredGeneration } from './generation-repository';
import { unknownGeneration } from './requests';

/** Channel on which PostgreSQL announces the id of each request that changed: see the triggers of generation_item. */
export const GENERATION_CHANNEL = 'generation_updated';

/** A client that follows a request is told of no more changes than this: one in so many milliseconds. */
const MIN_INTERVAL_MS = 100;
const AWAY_RETRY_MS = 1_000;

/** Tells when requests change, whichever process changed them. */
export class GenerationUpdates {
  private readonly followers = new Map<string, Set<() => void>>();
  private listener: { close(): Promise<void> } | null = null;
  private isClosed = false;

  private constructor(private readonly generations: GenerationRepository) {}

  static async open(db: Database, generations: GenerationRepository): Promise<GenerationUpdates> {
    const updates = new GenerationUpdates(generations);
    updates.listener = await db.listen(GENERATION_CHANNEL, (id) => updates.wake(id));
    return updates;
  }

  /** Ends all that follow. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.wake(null);
    await this.listener?.close();
  }

  /**
   * The request as it is now, and then whenever it may have changed; changes that come fast are taken together. Ends
   * after it is final. `return` ends it at once, also while it waits, as the `return` of a generator function does not.
   * @throws UserError UNKNOWN_GENERATION
   */
  async follow(id: string): Promise<AsyncIterableIterator<StoredGeneration, void, void>> {
    let isDue = true;
    let isOver = false;
    let wakeUp: () => void = () => undefined;
    let last = 0;
    const notify = () => {
      isDue = true;
      wakeUp();
    };
    const end = () => {
      isOver = true;
      this.remove(id, notify);
      wakeUp();
    };
    const isEnded = () => isOver || this.isClosed;
    const done: IteratorReturnResult<void> = { done: true, value: undefined };
    if (!(await this.generations.byId(id))) throw unknownGeneration(id);
    this.add(id, notify);
    const next = async (): Promise<IteratorResult<StoredGeneration, void>> => {
      while (!isDue && !isEnded()) await new Promise<void>((resolve) => (wakeUp = resolve));
      const early = last + MIN_INTERVAL_MS - Date.now();
      if (early > 0 && !isEnded()) await new Promise((resolve) => setTimeout(resolve, early));
      if (isEnded()) {
        end();
        return done;
      }
      isDue = false;
      last = Date.now();
      try {
        const value = await this.generations.byId(id);
        if (!value) throw unknownGeneration(id);
        if (value.finishedAt !== null) end();
        return { done: false, value };
      } catch (error) {
        if (!isDatabaseAway(error)) {
          end();
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, AWAY_RETRY_MS));
        isDue = true;
        return next();
      }
    };
    const updates: AsyncIterableIterator<StoredGeneration, void, void> = {
      next,
      return: () => {
        end();
        return Promise.resolve(done);
      },
      [Symbol.asyncIterator]: () => updates,
    };
    return updates;
  }

  private add(id: string, notify: () => void): void {
    const followers = this.followers.get(id) ?? new Set();
    this.followers.set(id, followers.add(notify));
  }

  private remove(id: string, notify: () => void): void {
    const followers = this.followers.get(id);
    followers?.delete(notify);
    if (followers?.size === 0) this.followers.delete(id);
  }

  /** @param id null: any of them may have changed */
  private wake(id: string | null): void {
    const sets = id === null ? [...this.followers.values()] : [this.followers.get(id) ?? []];
    for (const set of sets) for (const notify of set) notify();
  }
}
