import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Category } from '../concepts/taxonomy';
import { Node } from './node';

export const CategoryEnum = {
  TEMPO: 'tempo',
  GENRE: 'genre',
  MOOD: 'mood',
  INSTRUMENT: 'instrument',
} as const satisfies Record<string, Category>;
registerEnumType(CategoryEnum, {
  name: 'Category',
  description:
    'The four categories of the ConceptCaps taxonomy, 50 attributes each. Their filing is kept, oddities included.',
  valuesConfig: {
    TEMPO: {
      description:
        'Speed and rhythm ("slow tempo", "groovy"), and by an oddity of the data some bass and guitar lines.',
    },
    GENRE: { description: 'Style ("rock", "techno").' },
    MOOD: { description: 'Mood ("calming"), and by an oddity of the data "hard rock" and "heavy metal".' },
    INSTRUMENT: { description: 'Instruments and voices, and their absence ("no voices").' },
  },
});

export const CompanionOrderEnum = { COUNT: 'count', PMI: 'pmi' } as const;
registerEnumType(CompanionOrderEnum, {
  name: 'CooccurrenceOrder',
  description: 'What "strongest" means among co-occurring attributes.',
  valuesConfig: {
    COUNT: { description: 'Most samples in common.' },
    PMI: { description: 'Highest pointwise mutual information: together more often than chance.' },
  },
});

@ObjectType({
  implements: Node,
  description: 'One of the 200 tags of the ConceptCaps taxonomy.',
  simpleResolvers: true,
})
export class Attribute extends Node {
  @Field(() => String, { description: 'The tag as in the data, for example "acoustic guitar".' })
  name!: string;

  @Field(() => CategoryEnum, { description: 'Where the taxonomy files it.' })
  category!: Category;

  @Field(() => Int, { description: 'Position in the taxonomy, 0 to 199.' })
  index!: number;
}

@ObjectType({ description: 'Another attribute that occurs in the same samples.', simpleResolvers: true })
export class CooccurringAttribute {
  @Field(() => Attribute, { description: 'The other attribute.' })
  attribute!: Attribute;

  @Field(() => Int, { description: 'Samples that carry both.' })
  count!: number;

  @Field(() => Float, {
    description: 'Pointwise mutual information in bits: log2(p(a,b) / (p(a) p(b))). 0 is chance, 1 twice as often.',
  })
  pmi!: number;
}

@ObjectType({ description: 'An attribute and how many of the samples in question carry it.', simpleResolvers: true })
export class AttributeCount {
  @Field(() => Attribute, { description: 'The attribute.' })
  attribute!: Attribute;

  @Field(() => Int, { description: 'Samples that carry it.' })
  count!: number;
}
