import DataLoader from 'dataloader';
import type { Logger } from 'pino';
import type { Provenance } from '../dataset/provenance';
import type { SampleRepository, StoredSample, StoredSource } from '../dataset/sample-repository';
import type { GenerationProgress, GenerationRepository } from '../generation/generation-repository';
import type { GenerationUpdates } from '../generation/updates';
import type { ApiKey } from '../platform/api-keys';
import type { SourceRow } from '../schema/sample';

/** What one request shares: who sent it, its log and its batches. */
export interface RequestContext {
  readonly requestId: string;
  readonly log: Logger;
  /** Null where no key was sent. */
  readonly caller: ApiKey | null;
  /** Sources by number. */
  readonly sources: DataLoader<number, StoredSource>;
  /** Source rows by sample row number. */
  readonly sourceRows: DataLoader<number, SourceRow[]>;
  /** Provenance by sample row number; null for samples that were not generated. */
  readonly provenance: DataLoader<number, Provenance | null>;
  /** Samples by row number. */
  readonly samples: DataLoader<number, StoredSample>;
  /** Row numbers of counterfactuals and originals, by row number. */
  readonly counterfactuals: DataLoader<number, number[]>;
  /** How far generation requests are, by number. Asked for anew each time: subscriptions keep their context. */
  readonly generationProgress: DataLoader<number, GenerationProgress>;
  /** For subscriptions. */
  readonly updates: GenerationUpdates;
}

export interface ContextSources {
  readonly samples: SampleRepository;
  readonly generations: GenerationRepository;
  readonly updates: GenerationUpdates;
}

export function createRequestContext(
  { samples, generations, updates }: ContextSources,
  { requestId, caller, log }: { requestId: string; caller: ApiKey | null; log: Logger },
): RequestContext {
  const sources = new DataLoader<number, StoredSource>(async (ids) => {
    const byId = new Map((await samples.listSources()).map((source) => [source.id, source]));
    return ids.map((id) => byId.get(id) ?? new Error(`source ${id} is gone`));
  });
  const sourceRows = new DataLoader<number, SourceRow[]>(async (seqs) => {
    const bySeq = await samples.sourceRows(seqs);
    return Promise.all(
      seqs.map((seq) =>
        Promise.all(
          (bySeq.get(seq) ?? []).map(async ({ source, config, split, file, rowNumber }) => ({
            source: (await sources.load(source)).name,
            config,
            split,
            file,
            row: rowNumber,
          })),
        ),
      ),
    );
  });
  const provenance = new DataLoader<number, Provenance | null>(async (seqs) => {
    const bySeq = await samples.provenance(seqs);
    return seqs.map((seq) => bySeq.get(seq) ?? null);
  });
  const bySeq = new DataLoader<number, StoredSample>(async (seqs) => {
    const found = new Map((await samples.listBySeq([...new Set(seqs)])).map((sample) => [sample.seq, sample]));
    return seqs.map((seq) => found.get(seq) ?? new Error(`sample ${seq} is gone`));
  });
  const counterfactuals = new DataLoader<number, number[]>(async (seqs) => {
    const others = await samples.counterfactualsOf(seqs);
    return seqs.map((seq) => others.get(seq)!);
  });
  const generationProgress = new DataLoader<number, GenerationProgress>(
    async (seqs) => {
      const found = await generations.progress([...new Set(seqs)]);
      return seqs.map((seq) => found.get(seq) ?? new Error(`generation request ${seq} is gone`));
    },
    { cache: false },
  );
  return {
    requestId,
    caller,
    log,
    sources,
    sourceRows,
    provenance,
    samples: bySeq,
    counterfactuals,
    generationProgress,
    updates,
  };
}
