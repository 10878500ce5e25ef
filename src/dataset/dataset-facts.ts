import type { LiveIndex } from './live-index';
import type { SampleRepository, StoredSource } from './sample-repository';

/**
 * Counts over the whole data set and its sources. The index knows all of them but the distinct source ids, which
 * PostgreSQL counts once a data version.
 */
export interface DatasetFacts {
  readonly version: number;
  readonly sampleCount: number;
  readonly audioCount: number;
  readonly distinctSourceIdCount: number;
  readonly sources: readonly SourceWithCounts[];
  readonly splits: readonly { readonly name: string; readonly sampleCount: number }[];
}

export interface SourceWithCounts extends StoredSource {
  readonly sampleCount: number;
  readonly distinctSourceIdCount: number;
}

export class DatasetFactsReader {
  private cached: { readonly version: number; readonly facts: Promise<DatasetFacts> } | null = null;

  constructor(
    private readonly samples: SampleRepository,
    private readonly live: LiveIndex,
  ) {}

  get(): Promise<DatasetFacts> {
    const { version } = this.live.current;
    if (this.cached?.version !== version) {
      const facts = this.read();
      this.cached = { version, facts };
      // A failed read is not an answer to keep.
      facts.catch(() => (this.cached = null));
    }
    return this.cached.facts;
  }

  private async read(): Promise<DatasetFacts> {
    const [sources, sourceIds] = await Promise.all([this.samples.listSources(), this.samples.countSourceIds()]);
    const index = this.live.current;
    const live = index.live();
    return {
      version: index.version,
      sampleCount: live.count(),
      audioCount: index.now().withAudio.countIntersection(live),
      distinctSourceIdCount: [...sourceIds.values()].reduce((sum, count) => sum + count, 0),
      sources: sources.map((source) => ({
        ...source,
        sampleCount: index.sources.get(source.id)?.countIntersection(live) ?? 0,
        distinctSourceIdCount: sourceIds.get(source.id) ?? 0,
      })),
      splits: [...index.splits]
        .map(([name, rows]) => ({ name, sampleCount: rows.countIntersection(live) }))
        .filter(({ sampleCount }) => sampleCount > 0)
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }
}
