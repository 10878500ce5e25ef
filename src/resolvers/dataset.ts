import { Query, Resolver } from 'type-graphql';
import type { DatasetFactsReader } from '../dataset/dataset-facts';
import { Dataset, type Source } from '../schema/dataset';

@Resolver(() => Dataset)
export class DatasetResolver {
  constructor(private readonly facts: DatasetFactsReader) {}

  @Query(() => Dataset, { description: 'Version, counts, sources, licenses and citations of the data on this server.' })
  async dataset(): Promise<Dataset> {
    const { sources, ...facts } = await this.facts.get();
    return { ...facts, sources: sources as readonly Source[] };
  }
}
