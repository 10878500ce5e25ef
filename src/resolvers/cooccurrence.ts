import { Arg, Query, Resolver } from 'type-graphql';
import { pointwiseMutualInformation } from '../concepts/cooccurrence';
import { CATEGORIES, type Category } from '../concepts/taxonomy';
import { attributesOf, type AttributeStatistics } from '../dataset/attribute-statistics';
import type { SampleCatalog } from '../dataset/sample-catalog';
import { CategoryEnum } from '../schema/attribute';
import { CooccurrenceMatrix, CooccurrenceUnit, MATRIX_COMPLEXITY } from '../schema/cooccurrence';
import { SampleFilter } from '../schema/sample-filter';

@Resolver(() => CooccurrenceMatrix)
export class CooccurrenceResolver {
  constructor(
    private readonly catalog: SampleCatalog,
    private readonly statistics: AttributeStatistics,
  ) {}

  @Query(() => CooccurrenceMatrix, {
    description: 'How often attributes, or categories, occur together among the samples that match a filter.',
    complexity: ({ args, childComplexity }) => {
      const cells = cellsOf(args);
      return 50 + Math.ceil((cells / CELLS_PER_UNIT) * (1 + childComplexity / MATRIX_COMPLEXITY));
    },
  })
  async cooccurrence(
    @Arg('of', () => CooccurrenceUnit, { defaultValue: CooccurrenceUnit.ATTRIBUTE, description: 'What to count.' })
    unit: CooccurrenceUnit,
    @Arg('rows', () => CategoryEnum, { nullable: true, description: 'Only attributes of this category as rows.' })
    rows: Category | null,
    @Arg('columns', () => CategoryEnum, { nullable: true, description: 'Only attributes of this category as columns.' })
    columns: Category | null,
    @Arg('filter', () => SampleFilter, { nullable: true, description: 'Which samples; all of them when left out.' })
    filter: SampleFilter | null,
  ): Promise<CooccurrenceMatrix> {
    const matches = await this.catalog.match(filter);
    const isByCategory = unit === CooccurrenceUnit.CATEGORY;
    const table = isByCategory
      ? this.statistics.categoryPairs(matches)
      : this.statistics.attributePairs(matches, rows ?? null, columns ?? null);
    const names = (category: Category | null) =>
      isByCategory ? CATEGORIES.map((name) => name.toUpperCase()) : attributesOf(category).map(({ name }) => name);
    return {
      sampleCount: table.total,
      rows: names(rows ?? null),
      columns: names(columns ?? null),
      rowCounts: table.rowCounts,
      columnCounts: table.columnCounts,
      counts: table.counts,
      pmi: table.counts.map((line, i) =>
        line.map((both, j) =>
          pointwiseMutualInformation(both, table.rowCounts[i]!, table.columnCounts[j]!, table.total),
        ),
      ),
    };
  }
}

/** Cells that cost as much as a field, to count and again each time that the table is asked for. */
const CELLS_PER_UNIT = 10;

function cellsOf(args: { of?: CooccurrenceUnit; rows?: Category | null; columns?: Category | null }): number {
  if (args.of === CooccurrenceUnit.CATEGORY) return CATEGORIES.length ** 2;
  return attributesOf(args.rows ?? null).length * attributesOf(args.columns ?? null).length;
}
