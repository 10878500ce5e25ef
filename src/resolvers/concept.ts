import { Arg, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { CONCEPTS } from '../concepts/concepts';
import { siblingsOf } from '../concepts/siblings';
import type { LiveIndex } from '../dataset/live-index';
import { conceptOf } from '../dataset/sample-catalog';
import { Attribute } from '../schema/attribute';
import { Concept } from '../schema/concept';
import { ATTRIBUTE_OBJECTS, CONCEPT_OBJECTS } from './objects';

@Resolver(() => Concept)
export class ConceptResolver {
  constructor(private readonly live: LiveIndex) {}

  @Query(() => [Concept], {
    description: 'The curated list of concepts.',
    complexity: ({ childComplexity }) => CONCEPT_OBJECTS.length * childComplexity,
  })
  concepts(): readonly Concept[] {
    return CONCEPT_OBJECTS;
  }

  @Query(() => Concept, { description: 'One concept. An unknown name is an error that suggests the nearest.' })
  concept(@Arg('name', () => String, { description: 'Its name, in any case.' }) name: string): Concept {
    return CONCEPT_OBJECTS[conceptOf(name, 'name')]!;
  }

  @FieldResolver(() => [Attribute], {
    description: 'Attributes by which a sample carries it: synonyms, variants, and those of narrower concepts.',
    complexity: ({ childComplexity }) => 5 * childComplexity,
  })
  attributes(@Root() { index }: Concept): Attribute[] {
    return CONCEPTS[index]!.attributes.map((attribute) => ATTRIBUTE_OBJECTS[attribute]!);
  }

  @FieldResolver(() => [Concept], {
    description: 'Narrower concepts: whoever carries one carries this too.',
    complexity: ({ childComplexity }) => 5 * childComplexity,
  })
  includes(@Root() { index }: Concept): Concept[] {
    return CONCEPTS[index]!.includes.map((narrower) => CONCEPT_OBJECTS[narrower]!);
  }

  @FieldResolver(() => [Concept], {
    description: 'Concepts that cannot be true of the same music.',
    complexity: ({ childComplexity }) => 5 * childComplexity,
  })
  contradicts(@Root() { index }: Concept): Concept[] {
    return CONCEPTS[index]!.contradicts.map((other) => CONCEPT_OBJECTS[other]!);
  }

  @FieldResolver(() => [Concept], {
    description:
      'Nearest siblings: what is most easily taken for it. Negatives of the strategy HARD carry one of them.',
    complexity: ({ childComplexity }) => 5 * childComplexity,
  })
  siblings(@Root() { index }: Concept): Concept[] {
    return siblingsOf(index).map((sibling) => CONCEPT_OBJECTS[sibling]!);
  }

  @FieldResolver(() => Int, { description: 'Samples that carry it, by attribute.' })
  sampleCount(@Root() { index }: Concept): number {
    const data = this.live.current;
    return data.carries[index]!.countIntersection(data.live());
  }

  @FieldResolver(() => Int, { description: 'Samples whose caption mentions it.' })
  mentionCount(@Root() { index }: Concept): number {
    const data = this.live.current;
    return data.mentions[index]!.countIntersection(data.live());
  }
}
