import { cooccurrence, pointwiseMutualInformation, type Cooccurrence } from '../concepts/cooccurrence';
import { categoryRows } from '../concepts/sample-filter';
import { ATTRIBUTES, CATEGORIES, type Category } from '../concepts/taxonomy';
import type { LiveIndex } from './live-index';
import type { SampleMatches } from './sample-catalog';

/**
 * How often attributes, and categories, occur and occur together. The table of all attribute pairs over all samples
 * is counted once a data version.
 */
export interface Companion {
  /** Taxonomy index. */
  readonly attribute: number;
  readonly count: number;
  /** Pointwise mutual information in bits. */
  readonly pmi: number;
}

export type CompanionOrder = 'count' | 'pmi';

export class AttributeStatistics {
  private cached: { readonly version: number; readonly pairs: Cooccurrence } | null = null;

  constructor(private readonly live: LiveIndex) {}

  /** Samples that carry the attribute. */
  count(attribute: number): number {
    return this.allPairs().rowCounts[attribute]!;
  }

  /** The attributes that occur with this one, strongest first; rarer pairs than `minimumCount` are left out. */
  companions(attribute: number, order: CompanionOrder, minimumCount: number, limit: number): Companion[] {
    const { counts, rowCounts, total } = this.allPairs();
    return counts[attribute]!.map((count, other) => ({
      attribute: other,
      count,
      pmi: pointwiseMutualInformation(count, rowCounts[attribute]!, rowCounts[other]!, total) ?? 0,
    }))
      .filter((pair) => pair.attribute !== attribute && pair.count >= Math.max(1, minimumCount))
      .sort((a, b) => b[order] - a[order] || b.count - a.count || a.attribute - b.attribute)
      .slice(0, limit);
  }

  /** Attribute pairs among the matching samples; a category narrows a side of the table to its attributes. */
  attributePairs(matches: SampleMatches, rows: Category | null, columns: Category | null): Cooccurrence {
    const { attributes } = this.live.current;
    const ofCategory = (category: Category | null) => attributesOf(category).map(({ index }) => attributes[index]!);
    return cooccurrence(ofCategory(rows), ofCategory(columns), matches.rows);
  }

  /** Category pairs among the matching samples: a sample counts for a category when it carries any attribute of it. */
  categoryPairs(matches: SampleMatches): Cooccurrence {
    const sets = CATEGORIES.map((category) => categoryRows(this.live.current, category));
    return cooccurrence(sets, sets, matches.rows);
  }

  private allPairs(): Cooccurrence {
    const index = this.live.current;
    if (this.cached?.version !== index.version) {
      const pairs = cooccurrence(index.attributes, index.attributes, index.live());
      this.cached = { version: index.version, pairs };
    }
    return this.cached.pairs;
  }
}

/** The attributes of a category in taxonomy order, or all 200. */
export function attributesOf(category: Category | null) {
  return category === null ? ATTRIBUTES : ATTRIBUTES.filter((attribute) => attribute.category === category);
}
