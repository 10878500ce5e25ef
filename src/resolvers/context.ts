import DataLoader from 'dataloader';
import type { Logger } from 'pino';
import type { Provenance } from '../dataset/provenance';
import type { SampleRepository, StoredSource } from '../dataset/sample-repository';
import type { SourceRow } from '../schema/sample';

/** What one request shares: its log and its batches. */
export interface RequestContext {
  readonly requestId: string;
  readonly log: Logger;
  /** Sources by number. */
  readonly sources: DataLoader<number, StoredSource>;
  /** Source rows by sample row number. */
  readonly sourceRows: DataLoader<number, SourceRow[]>;
  /** Provenance by sample row number; null for samples that were not generated. */
  readonly provenance: DataLoader<number, Provenance | null>;
}

export function createRequestContext(samples: SampleRepository, requestId: string, log: Logger): RequestContext {
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
  return { requestId, log, sources, sourceRows, provenance };
}
