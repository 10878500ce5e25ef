import { Field, ID, InterfaceType } from 'type-graphql';

/** Ids name their type, so that `node` knows where to look: `s_...`, `attribute:piano`, `concept:piano`. */
export const ATTRIBUTE_ID_PREFIX = 'attribute:';
export const CONCEPT_ID_PREFIX = 'concept:';

/** Name of the GraphQL type that an id belongs to. */
export function nodeType({ id }: Node): string {
  if (id.startsWith(ATTRIBUTE_ID_PREFIX)) return 'Attribute';
  return id.startsWith(CONCEPT_ID_PREFIX) ? 'Concept' : 'Sample';
}

@InterfaceType({
  description: 'Anything with an id of its own, as in the Relay specification. `node(id)` finds it again.',
  resolveType: nodeType,
})
export abstract class Node {
  @Field(() => ID, { description: 'Unique over all types and the same on every server with the same data.' })
  id!: string;
}
