import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum CooccurrenceUnit {
  ATTRIBUTE = 'ATTRIBUTE',
  CATEGORY = 'CATEGORY',
}
registerEnumType(CooccurrenceUnit, {
  name: 'CooccurrenceUnit',
  description: 'What the rows and columns of a co-occurrence matrix are.',
  valuesConfig: {
    ATTRIBUTE: { description: 'Attributes, all 200 or those of one category.' },
    CATEGORY: { description: 'The four categories: a sample counts for one when it carries any attribute of it.' },
  },
});

/** A table against a list of its names or counts: the longest side, of 200. */
export const MATRIX_COMPLEXITY = 200;

@ObjectType({ description: 'How often things occur together, as a table.', simpleResolvers: true })
export class CooccurrenceMatrix {
  @Field(() => Int, { description: 'Samples counted.' })
  sampleCount!: number;

  @Field(() => [String], { description: 'Names of the rows: attributes, or categories.' })
  rows!: readonly string[];

  @Field(() => [String], { description: 'Names of the columns.' })
  columns!: readonly string[];

  @Field(() => [Int], { description: 'Samples in each row.' })
  rowCounts!: readonly number[];

  @Field(() => [Int], { description: 'Samples in each column.' })
  columnCounts!: readonly number[];

  @Field(() => [[Int]], {
    description: 'counts[i][j]: samples in row i and in column j.',
    complexity: MATRIX_COMPLEXITY,
  })
  counts!: readonly (readonly number[])[];

  @Field(() => [[Float]], {
    nullable: 'itemsAndList',
    description: 'pmi[i][j]: pointwise mutual information in bits; null where row and column never occur together.',
    complexity: MATRIX_COMPLEXITY,
  })
  pmi!: (number | null)[][];
}
