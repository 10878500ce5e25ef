import { Field, ID, InputType, Int, ArgsType } from 'type-graphql';
import type { Category } from '../concepts/taxonomy';
import type { SampleFilterSpec } from '../dataset/sample-catalog';
import { CategoryEnum } from './attribute';
import { OriginEnum } from './dataset';

@InputType({ description: 'Attributes that must, may or must not be carried. Names in any case.' })
export class AttributeSets {
  @Field(() => [String], { nullable: true, description: 'Every one of these.' })
  all?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'At least one of these. An empty list matches nothing.' })
  any?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'None of these.' })
  none?: string[] | null;
}

@InputType({ description: 'Concepts that must, may or must not be there. Names from the curated list, in any case.' })
export class ConceptSets {
  @Field(() => [String], { nullable: true, description: 'Every one of these.' })
  all?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'At least one of these. An empty list matches nothing.' })
  any?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'None of these.' })
  none?: string[] | null;
}

@InputType({ description: 'Categories of which at least one attribute must, may or must not be carried.' })
export class CategorySets {
  @Field(() => [CategoryEnum], { nullable: true, description: 'Every one of these.' })
  all?: Category[];

  @Field(() => [CategoryEnum], { nullable: true, description: 'At least one of these.' })
  any?: Category[] | null;

  @Field(() => [CategoryEnum], { nullable: true, description: 'None of these.' })
  none?: Category[];
}

@InputType({ description: 'Which samples. All conditions given hold at once; an empty filter matches every sample.' })
export class SampleFilter implements SampleFilterSpec {
  @Field(() => AttributeSets, { nullable: true, description: 'By attribute.' })
  attributes?: AttributeSets | null;

  @Field(() => CategorySets, { nullable: true, description: 'By category.' })
  categories?: CategorySets | null;

  @Field(() => ConceptSets, {
    nullable: true,
    description: 'By concept, carried by attribute or mentioned by caption.',
  })
  concepts?: ConceptSets | null;

  @Field(() => ConceptSets, { nullable: true, description: 'By concept, carried by attribute only.' })
  carries?: ConceptSets | null;

  @Field(() => ConceptSets, { nullable: true, description: 'By concept, mentioned by caption only.' })
  mentions?: ConceptSets | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Words in the caption, by English full-text search: `melancholic piano` (both), `"slow tempo"` (a phrase), `flute or violin`, `-drums` (without). Word endings do not matter.',
  })
  text?: string | null;

  @Field(() => [ID], { nullable: true, description: 'Ids that the source gave, one of these.' })
  sourceIds?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Splits, one of these: "train", "validation", "test".' })
  splits?: string[] | null;

  @Field(() => [OriginEnum], { nullable: true, description: 'Origins, one of these.' })
  origins?: OriginEnum[] | null;

  @Field(() => [String], { nullable: true, description: 'Names of sources, one of these.' })
  sources?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: 'Whether the sample has audio.' })
  hasAudio?: boolean | null;

  @Field(() => [SampleFilter], { nullable: true, description: 'All of these hold.' })
  and?: SampleFilter[] | null;

  @Field(() => [SampleFilter], {
    nullable: true,
    description: 'At least one of these holds. An empty list matches nothing.',
  })
  or?: SampleFilter[] | null;

  @Field(() => SampleFilter, { nullable: true, description: 'This does not hold.' })
  not?: SampleFilter | null;
}

@ArgsType()
export class PageArguments {
  @Field(() => Int, {
    nullable: true,
    description: 'This many from the front (after `after`), at most 200. 20 when neither `first` nor `last` is given.',
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null;

  @Field(() => Int, { nullable: true, description: 'This many from the back (before `before`), at most 200.' })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null;
}
