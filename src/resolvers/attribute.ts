import { Arg, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { CONCEPTS } from '../concepts/concepts';
import type { Category } from '../concepts/taxonomy';
import { attributesOf, type AttributeStatistics, type CompanionOrder } from '../dataset/attribute-statistics';
import { attributeOf } from '../dataset/sample-catalog';
import { UserError } from '../platform/errors';
import { Attribute, CategoryEnum, CompanionOrderEnum, CooccurringAttribute } from '../schema/attribute';
import { Concept } from '../schema/concept';
import { ATTRIBUTE_OBJECTS, CONCEPT_OBJECTS } from './objects';

const MAX_COMPANIONS = 199;

@Resolver(() => Attribute)
export class AttributeResolver {
  constructor(private readonly statistics: AttributeStatistics) {}

  @Query(() => [Attribute], {
    description: 'The taxonomy: 200 attributes in four categories.',
    complexity: ({ childComplexity }) => ATTRIBUTE_OBJECTS.length * childComplexity,
  })
  attributes(
    @Arg('category', () => CategoryEnum, { nullable: true, description: 'Only this category.' })
    category: Category | null,
  ): Attribute[] {
    return attributesOf(category ?? null).map(({ index }) => ATTRIBUTE_OBJECTS[index]!);
  }

  @Query(() => Attribute, { description: 'One attribute. An unknown name is an error that suggests the nearest.' })
  attribute(@Arg('name', () => String, { description: 'Its name, in any case.' }) name: string): Attribute {
    return ATTRIBUTE_OBJECTS[attributeOf(name, 'name')]!;
  }

  @FieldResolver(() => Int, { description: 'Samples that carry it.' })
  sampleCount(@Root() { index }: Attribute): number {
    return this.statistics.count(index);
  }

  @FieldResolver(() => [Concept], {
    description: 'Concepts that it belongs to; at least one.',
    complexity: ({ childComplexity }) => 5 * childComplexity,
  })
  concepts(@Root() { index }: Attribute): Concept[] {
    return CONCEPTS.filter(({ attributes }) => attributes.includes(index)).map(({ index: i }) => CONCEPT_OBJECTS[i]!);
  }

  @FieldResolver(() => [CooccurringAttribute], {
    description: 'The attributes that occur with it most strongly.',
    complexity: ({ args, childComplexity }) =>
      1 + childComplexity * Math.max(0, Number((args as { first?: number }).first ?? 10)),
  })
  cooccurring(
    @Root() { index }: Attribute,
    @Arg('first', () => Int, { defaultValue: 10, description: `This many, at most ${MAX_COMPANIONS}.` }) first: number,
    @Arg('orderBy', () => CompanionOrderEnum, { defaultValue: 'count', description: 'What "strongest" means.' })
    orderBy: CompanionOrder,
    @Arg('minimumCount', () => Int, {
      defaultValue: 5,
      description: 'Leave out pairs with fewer samples in common: the PMI of rare pairs says little.',
    })
    minimumCount: number,
  ): CooccurringAttribute[] {
    if (first < 0 || first > MAX_COMPANIONS) {
      throw new UserError('BAD_USER_INPUT', `first must be from 0 to ${MAX_COMPANIONS} (it is ${first}).`, {
        field: 'first',
      });
    }
    return this.statistics
      .companions(index, orderBy, minimumCount, first)
      .map(({ attribute, count, pmi }) => ({ attribute: ATTRIBUTE_OBJECTS[attribute]!, count, pmi }));
  }
}
