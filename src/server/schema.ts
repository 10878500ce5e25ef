import 'reflect-metadata';
import type { GraphQLInterfaceType, GraphQLSchema } from 'graphql';
import { buildSchemaSync, type ClassType } from 'type-graphql';
import type { AudioStore } from '../audio/audio-store';
import type { AttributeStatistics } from '../dataset/attribute-statistics';
import type { ConceptSetUrls } from '../dataset/concept-set-url';
import type { ConceptSets } from '../dataset/concept-sets';
import type { DatasetFactsReader } from '../dataset/dataset-facts';
import type { LiveIndex } from '../dataset/live-index';
import type { SampleCatalog } from '../dataset/sample-catalog';
import type { SampleRepository } from '../dataset/sample-repository';
import { AttributeResolver } from '../resolvers/attribute';
import { ConceptResolver } from '../resolvers/concept';
import { BalanceResolver, ConceptSetResolver } from '../resolvers/concept-set';
import { CooccurrenceResolver } from '../resolvers/cooccurrence';
import { DatasetResolver } from '../resolvers/dataset';
import { NodeResolver } from '../resolvers/node';
import { AudioResolver, SampleConnectionResolver, SampleResolver } from '../resolvers/sample';
import { Attribute } from '../schema/attribute';
import { Concept } from '../schema/concept';
import { nodeType } from '../schema/node';
import { Sample } from '../schema/sample';

/** What the resolvers call. */
export interface Services {
  readonly samples: SampleRepository;
  readonly live: LiveIndex;
  readonly catalog: SampleCatalog;
  readonly facts: DatasetFactsReader;
  readonly statistics: AttributeStatistics;
  readonly sets: ConceptSets;
  readonly setUrls: ConceptSetUrls;
  readonly store: AudioStore;
  /** When a URL of audio, or of a set, made now expires. */
  readonly urlExpiry: () => Date;
}

/**
 * The GraphQL schema over the given services. Printing it needs none of them: pass null.
 */
export function buildGraphQLSchema(services: Services | null): GraphQLSchema {
  const resolvers = [
    AttributeResolver,
    AudioResolver,
    BalanceResolver,
    ConceptResolver,
    ConceptSetResolver,
    CooccurrenceResolver,
    DatasetResolver,
    NodeResolver,
    SampleConnectionResolver,
    SampleResolver,
  ] as const;
  const instances = new Map<unknown, object>(services ? instantiate(services) : []);
  const schema = buildSchemaSync({
    resolvers: [...resolvers] as unknown as [ClassType, ...ClassType[]],
    orphanedTypes: [Attribute, Concept, Sample],
    container: { get: (resolver: unknown) => instances.get(resolver) },
    // Inputs are checked where they are understood, with errors that name the field.
    validate: false,
  });
  // type-graphql wraps it in a promise, which compiled queries do not wait for.
  (schema.getType('Node') as GraphQLInterfaceType).resolveType = nodeType;
  return schema;
}

function instantiate({ samples, live, catalog, facts, statistics, sets, setUrls, store, urlExpiry }: Services) {
  return [
    new AttributeResolver(statistics),
    new AudioResolver(store),
    new BalanceResolver(),
    new ConceptResolver(live),
    new ConceptSetResolver(sets, setUrls, urlExpiry),
    new CooccurrenceResolver(catalog, statistics),
    new DatasetResolver(facts),
    new NodeResolver(samples, urlExpiry),
    new SampleConnectionResolver(catalog, urlExpiry),
    new SampleResolver(samples, urlExpiry),
  ].map((resolver) => [resolver.constructor, resolver] as const);
}
