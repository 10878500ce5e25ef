import { Arg, ID, Query, Resolver } from 'type-graphql';
import { findConcept } from '../concepts/concepts';
import { findAttribute } from '../concepts/taxonomy';
import { isSampleId } from '../dataset/sample-identity';
import type { SampleRepository } from '../dataset/sample-repository';
import { UserError } from '../platform/errors';
import { ATTRIBUTE_ID_PREFIX, CONCEPT_ID_PREFIX, Node } from '../schema/node';
import { ATTRIBUTE_OBJECTS, CONCEPT_OBJECTS, toSample } from './objects';

const MAX_IDS = 200;

@Resolver(() => Node)
export class NodeResolver {
  constructor(
    private readonly samples: SampleRepository,
    private readonly expiry: () => Date,
  ) {}

  @Query(() => Node, { nullable: true, description: 'Anything by its id (Relay); null where there is none.' })
  async node(@Arg('id', () => ID, { description: 'As in `Node.id`.' }) id: string): Promise<Node | null> {
    return (await this.find([id]))[0] ?? null;
  }

  @Query(() => [Node], {
    nullable: 'items',
    description: 'Several by their ids, in the order asked for; null where there is none.',
    complexity: ({ args, childComplexity }) => 1 + childComplexity * (args as { ids: string[] }).ids.length,
  })
  nodes(
    @Arg('ids', () => [ID], { description: `As in \`Node.id\`; at most ${MAX_IDS}.` }) ids: string[],
  ): Promise<(Node | null)[]> {
    if (ids.length > MAX_IDS) {
      throw new UserError('BAD_USER_INPUT', `ids has ${ids.length} ids; at most ${MAX_IDS} at once.`, { field: 'ids' });
    }
    return this.find(ids);
  }

  private async find(ids: readonly string[]): Promise<(Node | null)[]> {
    const sampleIds = ids.filter(isSampleId);
    const stored = sampleIds.length > 0 ? await this.samples.listByIds(sampleIds) : [];
    const bySampleId = new Map(stored.map((sample, i) => [sampleIds[i], sample]));
    const expiresAt = this.expiry();
    return ids.map((id) => {
      if (id.startsWith(ATTRIBUTE_ID_PREFIX)) {
        const attribute = findAttribute(id.slice(ATTRIBUTE_ID_PREFIX.length));
        return attribute && ATTRIBUTE_OBJECTS[attribute.index]!;
      }
      if (id.startsWith(CONCEPT_ID_PREFIX)) {
        const concept = findConcept(id.slice(CONCEPT_ID_PREFIX.length));
        return concept && CONCEPT_OBJECTS[concept.index]!;
      }
      const sample = bySampleId.get(id);
      return sample ? toSample(sample, expiresAt) : null;
    });
  }
}
