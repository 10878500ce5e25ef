import type { IndexView } from '../concept-index';
import { ATTRIBUTES } from '../taxonomy';
import {
  carriedRows,
  conceptsOf,
  contradictedRows,
  opposedAttributes,
  ownAttributes,
  taggedRows,
  targetBounds,
} from './bounds';
import { drawUnrelated, streamSeed } from './draw';
import { naiveSides } from './eligible';
import type { ConceptSetRequest, ExclusionReason, Side } from './request';

/**
 * What a set is worth, beside the set that today's practice would have given for the same request.
 */
export interface Diagnostics {
  readonly contamination: Contamination;
  readonly balance: Balance;
}

export interface Contamination {
  /** Share of the positives that carry or mention what contradicts the concept. */
  readonly positives: number;
  /** Share of the negatives that carry or mention the concept. */
  readonly negatives: number;
  readonly naivePositives: number;
  readonly naiveNegatives: number;
  readonly details: readonly ContaminationDetail[];
}

/** Shares of a side to which a reason applies; several can apply to one row. */
export interface ContaminationDetail {
  readonly side: Side;
  readonly reason: ExclusionReason;
  readonly share: number;
  readonly naiveShare: number;
}

export interface Balance {
  /** Mean of |SMD| over the attributes that count, 0 where none does. */
  readonly meanAbsSmd: number;
  readonly maxAbsSmd: number;
  readonly naiveMeanAbsSmd: number;
  readonly naiveMaxAbsSmd: number;
  /** Every other attribute that either side carries, worst first. */
  readonly attributes: readonly AttributeBalance[];
}

export interface AttributeBalance {
  readonly attribute: number;
  /** Shares of the sides that carry it. */
  readonly positives: number;
  readonly negatives: number;
  readonly smd: number;
  readonly naiveSmd: number;
  /** It belongs to a concept that contradicts the target: part of the difference asked for, in no mean or maximum. */
  readonly isOpposed: boolean;
  /** At least 5 % of the two sides carry it, and it is not opposed: it is in mean and maximum. */
  readonly counts: boolean;
}

export interface RowSides {
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
}

/** Attributes carried by less than this share of the two sides are in no mean: their differences are those of chance. */
export const COUNTED_SHARE = 0.05;

export function diagnose(view: IndexView, request: ConceptSetRequest, sides: RowSides): Diagnostics {
  const naive = naiveSet(view, request);
  return {
    contamination: contaminationOf(view, request, sides, naive),
    balance: balanceOf(view, request, sides, naive),
  };
}

/** The set of the same sizes and seed from the tag alone: rows that have it against rows that have it not. */
export function naiveSet(view: IndexView, request: ConceptSetRequest): RowSides {
  const { positives, negatives } = naiveSides(view, request);
  const draw = (rows: typeof positives, count: number, stream: 'positives' | 'negatives') =>
    drawUnrelated(view.index, rows, count, streamSeed(request.seed, stream), new Set());
  return {
    positives: draw(positives, request.positives, 'positives'),
    negatives: draw(negatives, request.negatives, 'negatives'),
  };
}

function contaminationOf(
  view: IndexView,
  { target }: ConceptSetRequest,
  sides: RowSides,
  naive: RowSides,
): Contamination {
  const tagged = taggedRows(view, target);
  const carried = carriedRows(view, target);
  const { possible, certain } = targetBounds(view, target, true);
  const contradicted = contradictedRows(view, conceptsOf(target));
  const share = (rows: readonly number[], holds: (row: number) => boolean) =>
    rows.length === 0 ? 0 : rows.filter(holds).length / rows.length;

  const tests: readonly [Side, ExclusionReason, (row: number) => boolean][] = [
    ['POSITIVE', 'CONTRADICTED', (row) => contradicted.has(row)],
    ['POSITIVE', 'CAPTION_SILENT', (row) => !certain.has(row) && !contradicted.has(row)],
    ['NEGATIVE', 'TAGGED', (row) => tagged.has(row)],
    ['NEGATIVE', 'SYNONYM', (row) => !tagged.has(row) && hasSynonym(row)],
    [
      'NEGATIVE',
      target.kind === 'filter' ? 'MAY_MATCH' : 'MENTIONED',
      (row) => possible.has(row) && !tagged.has(row) && !hasSynonym(row),
    ],
  ];
  const synonyms = conceptsOf(target).length === 1 ? view.index.carries[conceptsOf(target)[0]!]! : carried;
  function hasSynonym(row: number): boolean {
    return synonyms.has(row);
  }
  return {
    positives: share(sides.positives, (row) => contradicted.has(row)),
    negatives: share(sides.negatives, (row) => possible.has(row)),
    naivePositives: share(naive.positives, (row) => contradicted.has(row)),
    naiveNegatives: share(naive.negatives, (row) => possible.has(row)),
    details: tests.map(([side, reason, holds]) => ({
      side,
      reason,
      share: share(side === 'POSITIVE' ? sides.positives : sides.negatives, holds),
      naiveShare: share(side === 'POSITIVE' ? naive.positives : naive.negatives, holds),
    })),
  };
}

function balanceOf(view: IndexView, request: ConceptSetRequest, sides: RowSides, naive: RowSides): Balance {
  const targets = request.against ? [request.target, request.against] : [request.target];
  const own = new Set(targets.flatMap((target) => [...ownAttributes(target)]));
  const opposed = new Set(targets.flatMap((target) => [...opposedAttributes(target)]));
  const ours = carriersOf(view, sides);
  const theirs = carriersOf(view, naive);
  const lines: AttributeBalance[] = [];
  let naiveSum = 0;
  let naiveMax = 0;
  let naiveCount = 0;
  for (const { index: attribute } of ATTRIBUTES) {
    if (own.has(attribute)) continue;
    const here = { positives: ours.positives[attribute]!, negatives: ours.negatives[attribute]! };
    const there = { positives: theirs.positives[attribute]!, negatives: theirs.negatives[attribute]! };
    const isOpposed = opposed.has(attribute);
    const naiveSmd = smdOf(there, naive);
    if (!isOpposed && isFrequent(there, naive)) {
      naiveSum += Math.abs(naiveSmd);
      naiveMax = Math.max(naiveMax, Math.abs(naiveSmd));
      naiveCount++;
    }
    if (here.positives + here.negatives === 0) continue;
    lines.push({
      attribute,
      positives: here.positives / Math.max(1, sides.positives.length),
      negatives: here.negatives / Math.max(1, sides.negatives.length),
      smd: smdOf(here, sides),
      naiveSmd,
      isOpposed,
      counts: !isOpposed && isFrequent(here, sides),
    });
  }
  lines.sort(
    (a, b) => Number(b.counts) - Number(a.counts) || Math.abs(b.smd) - Math.abs(a.smd) || a.attribute - b.attribute,
  );
  const counted = lines.filter(({ counts }) => counts).map(({ smd }) => Math.abs(smd));
  return {
    meanAbsSmd: counted.length === 0 ? 0 : counted.reduce((sum, smd) => sum + smd, 0) / counted.length,
    maxAbsSmd: Math.max(0, ...counted),
    naiveMeanAbsSmd: naiveCount === 0 ? 0 : naiveSum / naiveCount,
    naiveMaxAbsSmd: naiveMax,
    attributes: lines,
  };
}

interface Carriers {
  readonly positives: number;
  readonly negatives: number;
}

/** How many rows of each side carry each attribute. */
function carriersOf({ index }: IndexView, sides: RowSides) {
  const count = (rows: readonly number[]) => {
    const counts = new Int32Array(ATTRIBUTES.length);
    for (const row of rows) for (const attribute of index.lists.of(row)) counts[attribute]!++;
    return counts;
  };
  return { positives: count(sides.positives), negatives: count(sides.negatives) };
}

function isFrequent(carriers: Carriers, sides: RowSides): boolean {
  const rows = sides.positives.length + sides.negatives.length;
  return rows > 0 && carriers.positives + carriers.negatives >= COUNTED_SHARE * rows;
}

/**
 * Standardised mean difference of a yes-or-no attribute: the difference of the shares over the root of the mean of
 * their variances (Austin 2009, "Balance diagnostics for comparing the distribution of baseline covariates"). Where
 * everyone on one side carries it and nobody on the other, half a row is allowed for, so that it stays finite; 0
 * where a side is empty.
 */
function smdOf(carriers: Carriers, sides: RowSides): number {
  const n1 = sides.positives.length;
  const n2 = sides.negatives.length;
  if (n1 === 0 || n2 === 0) return 0;
  const p1 = carriers.positives / n1;
  const p2 = carriers.negatives / n2;
  if (p1 === p2) return 0;
  const variance = (p1 * (1 - p1) + p2 * (1 - p2)) / 2;
  if (variance > 0) return (p1 - p2) / Math.sqrt(variance);
  const q = 1 / (2 * Math.min(n1, n2));
  return (p1 - p2) / Math.sqrt(q * (1 - q));
}
