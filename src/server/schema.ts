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
import type { AttributeSuggestions } from '../generation/attribute-suggestions';
import type { GenerationRepository } from '../generation/generation-repository';
import type { GenerationRequests } from '../generation/requests';
import type { Scores, ScoreUrls } from '../generation/scores';
import type { Stages } from '../generation/stages';
import type { ApiKeys } from '../platform/api-keys';
import { AttributeResolver } from '../resolvers/attribute';
import { AttributeSuggestionResolver } from '../resolvers/attribute-suggestion';
import { ConceptResolver } from '../resolvers/concept';
import { BalanceResolver, ConceptSetResolver } from '../resolvers/concept-set';
import { CooccurrenceResolver } from '../resolvers/cooccurrence';
import { DatasetResolver } from '../resolvers/dataset';
import { Access } from '../resolvers/access';
import { GenerationConnectionResolver, GenerationItemResolver, GenerationResolver } from '../resolvers/generation';
import { NodeResolver } from '../resolvers/node';
import {
  AudioResolver,
  CounterfactualResolver,
  SampleConnectionResolver,
  SampleResolver,
  ScoreResolver,
} from '../resolvers/sample';
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
  readonly requests: GenerationRequests;
  readonly generations: GenerationRepository;
  readonly stages: Stages;
  readonly suggestions: AttributeSuggestions;
  readonly scores: Scores;
  readonly scoreUrls: ScoreUrls;
  readonly keys: ApiKeys;
  /** When a URL of audio, or of a set, made now expires. */
  readonly urlExpiry: () => Date;
}

/**
 * The GraphQL schema over the given services. Printing it needs none of them: pass null.
 */
export function buildGraphQLSchema(services: Services | null): GraphQLSchema {
  const resolvers = [
    AttributeResolver,
    AttributeSuggestionResolver,
    AudioResolver,
    BalanceResolver,
    ConceptResolver,
    ConceptSetResolver,
    CooccurrenceResolver,
    CounterfactualResolver,
    DatasetResolver,
    GenerationConnectionResolver,
    GenerationItemResolver,
    GenerationResolver,
    NodeResolver,
    SampleConnectionResolver,
    SampleResolver,
    ScoreResolver,
  ] as const;
  const instances = new Map<unknown, object>(services ? instantiate(services) : []);
  const schema = buildSchemaSync({
    resolvers: [...resolvers] as unknown as [ClassType, ...ClassType[]],
    orphanedTypes: [Attribute, Concept, Sample],
    container: { get: (resolver: unknown) => instances.get(resolver) },
    // Asked for even though every subscription brings its own iterator.
    pubSub: { publish: unused, subscribe: unused },
    // Inputs are checked where they are understood, with errors that name the field.
    validate: false,
  });
  // type-graphql wraps it in a promise, which compiled queries do not wait for.
  (schema.getType('Node') as GraphQLInterfaceType).resolveType = nodeType;
  return schema;
}

function unused(): never {
  throw new Error('no subscription goes through topics');
}

function instantiate(services: Services) {
  const { samples, live, catalog, facts, statistics, sets, setUrls, store, generations, urlExpiry } = services;
  const access = new Access(services.keys);
  return [
    new AttributeResolver(statistics),
    new AttributeSuggestionResolver(services.suggestions, urlExpiry),
    new AudioResolver(store),
    new BalanceResolver(),
    new ConceptResolver(live),
    new ConceptSetResolver(sets, setUrls, urlExpiry, access),
    new CooccurrenceResolver(catalog, statistics),
    new CounterfactualResolver(urlExpiry),
    new DatasetResolver(facts),
    new GenerationConnectionResolver(generations),
    new GenerationItemResolver(store, urlExpiry),
    new GenerationResolver(services, access, urlExpiry),
    new NodeResolver(samples, urlExpiry),
    new SampleConnectionResolver(catalog, urlExpiry),
    new SampleResolver(samples, urlExpiry),
    new ScoreResolver(services.scores, services.scoreUrls, urlExpiry),
  ].map((resolver) => [resolver.constructor, resolver] as const);
}
