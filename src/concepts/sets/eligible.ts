import { BitSet } from '../bit-set';
import type { IndexView } from '../concept-index';
import { matchingRows } from '../sample-filter';
import { siblingsOf } from '../siblings';
import {
  carriedRows,
  conceptsOf,
  contradictedRows,
  taggedRows,
  targetBounds,
  unreliableRows,
  type Bounds,
} from './bounds';
import type { ConceptSetRequest, Exclusion, ExclusionReason, Side, SideCounts, Target } from './request';

/** Which rows may stand on which side, and why the others may not. */
export interface Eligible {
  readonly positives: BitSet;
  readonly negatives: BitSet;
  /** Rows for random counterparts: negatives, wherever they may come from. */
  readonly random: BitSet;
  /** Rows that were looked at for each side. */
  readonly considered: SideCounts;
  readonly exclusions: readonly Exclusion[];
}

/**
 * The sides as today's practice takes them: rows with the tag against rows without it. What the diagnostics compare
 * with.
 */
export function naiveSides(
  view: IndexView,
  { target, against, scope }: ConceptSetRequest,
): { positives: BitSet; negatives: BitSet } {
  const inScope = matchingRows(view, scope);
  const tagged = taggedRows(view, target);
  const other = against && taggedRows(view, against);
  const positives = inScope.clone().intersect(tagged);
  const negatives = other ? inScope.clone().intersect(other) : inScope;
  if (other) positives.subtract(other);
  return { positives, negatives: negatives.subtract(tagged) };
}

export function eligibleRows(view: IndexView, request: ConceptSetRequest): Eligible {
  const { target, against, strategy } = request;
  const inScope = matchingRows(view, request.scope);
  const isClean = strategy !== 'RANDOM';
  const carried = carriedRows(view, target);
  const bounds = isClean ? targetBounds(view, target, request.captionConfirms) : literal(carried);
  const other =
    against && (isClean ? targetBounds(view, against, request.captionConfirms) : literal(carriedRows(view, against)));

  const positives = new Sieve('POSITIVE', inScope.clone().intersect(carried));
  if (isClean) positives.drop('CONTRADICTED', contradictedRows(view, conceptsOf(target)));
  if (other) positives.drop('HAS_OTHER', other.possible);
  positives.keep('CAPTION_SILENT', bounds.certain);

  const negatives = new Sieve('NEGATIVE', inScope);
  negatives.drop('TAGGED', target.kind === 'filter' ? carried : taggedRows(view, target));
  negatives.drop('SYNONYM', isClean ? synonymRows(view, target) : carried);
  negatives.drop(target.kind === 'filter' ? 'MAY_MATCH' : 'MENTIONED', bounds.possible);
  if (isClean) negatives.drop('UNRELIABLE', unreliableRows(view, conceptsOf(target)));
  const random = negatives.rows.clone();
  if (other) negatives.keep('NOT_OTHER', other.certain);
  if (strategy === 'HARD') negatives.keep('NOT_SIBLING', siblingRows(view, target));
  if (strategy === 'COUNTERFACTUAL') {
    const { counterfactuals } = view.index;
    positives.keep('NO_COUNTERPART', counterfactuals.pairedRows(view.version, positives.rows, negatives.rows));
    negatives.keep('NO_COUNTERPART', counterfactuals.pairedRows(view.version, negatives.rows, positives.rows));
  }

  return {
    positives: positives.rows,
    negatives: negatives.rows,
    random,
    considered: { positives: positives.considered, negatives: negatives.considered },
    exclusions: [...positives.exclusions, ...negatives.exclusions],
  };
}

function literal(rows: BitSet): Bounds {
  return { certain: rows, possible: rows };
}

/** Rows that carry an attribute of the same meaning. */
function synonymRows(view: IndexView, target: Target): BitSet {
  const concepts = conceptsOf(target);
  // An attribute of several concepts has no synonyms: what is groovy is not therefore a "groovy bass".
  return concepts.length === 1 ? view.index.carries[concepts[0]!]! : new BitSet();
}

/** Rows that carry a nearest sibling of the target's concepts. */
function siblingRows(view: IndexView, target: Target): BitSet {
  const rows = new BitSet();
  for (const concept of conceptsOf(target)) {
    for (const sibling of siblingsOf(concept)) rows.union(view.index.carries[sibling]!);
  }
  return rows;
}

/** Rows that get fewer, with a note of how many fell to which reason. */
class Sieve {
  readonly considered: number;
  readonly exclusions: Exclusion[] = [];

  constructor(
    private readonly side: Side,
    readonly rows: BitSet,
  ) {
    this.considered = rows.count();
  }

  drop(reason: ExclusionReason, unwanted: BitSet): void {
    const count = this.rows.countIntersection(unwanted);
    if (count === 0) return;
    this.rows.subtract(unwanted);
    this.exclusions.push({ side: this.side, reason, count });
  }

  keep(reason: ExclusionReason, wanted: BitSet): void {
    const count = this.rows.count() - this.rows.countIntersection(wanted);
    if (count === 0) return;
    this.rows.intersect(wanted);
    this.exclusions.push({ side: this.side, reason, count });
  }
}
