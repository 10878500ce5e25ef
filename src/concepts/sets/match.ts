import { ATTRIBUTES } from '../taxonomy';
import { varianceWeights } from './balance';
import { Random } from '../random';
import { attributesAt, type Pool } from './pool';

/**
 * Pairs each positive with a negative of its own, so that the other attributes agree as far as the data allow.
 *
 * The distance of a pair is the number of attributes that only one of the two carries. Nearest pairs are joined first;
 * then partners are exchanged among each positive's nearest candidates as long as that lowers the distances and the
 * imbalance of the two sides together: of two partners that are as near, one errs to the side that the others do not.
 */
const NEAREST = 96;
const STEPS_PER_PAIR = 400;
const MAX_STEPS = 200_000;
/** How much a unit of squared standardised difference weighs against one attribute of distance. */
const IMBALANCE_WEIGHT = 6;

/** Positions in the pools. */
export interface PairedPositions {
  readonly positive: number;
  readonly negative: number;
}

/**
 * @param chosen positions of the positives
 * @param negatives candidates, no two with one source id and none with one of the positives'
 */
export function matchPairs(
  positives: Pool,
  chosen: readonly number[],
  negatives: Pool,
  seed: number,
): PairedPositions[] {
  const nearest = chosen.map((positive) => nearestOf(positives, positive, negatives));
  const partners = joinNearest(positives, chosen, negatives, nearest);
  improve(positives, chosen, negatives, nearest, partners, seed);
  return chosen.flatMap((positive, i) => (partners[i]! < 0 ? [] : [{ positive, negative: partners[i]! }]));
}

interface Candidates {
  readonly positions: Int32Array;
  readonly distances: Int32Array;
}

/** The nearest candidates, ascending by distance, then by their place in the pool. */
function nearestOf(positives: Pool, positive: number, negatives: Pool, limit = NEAREST): Candidates {
  const carries = new Uint8Array(ATTRIBUTES.length);
  const own = attributesAt(positives, positive);
  for (const attribute of own) carries[attribute] = 1;
  const { offsets, attributes } = negatives;
  const count = negatives.rows.length;
  const distances = new Uint16Array(count);
  const histogram = new Int32Array(2 * ATTRIBUTES.length + 1);
  for (let i = 0; i < count; i++) {
    const start = offsets[i]!;
    const end = offsets[i + 1]!;
    let shared = 0;
    for (let k = start; k < end; k++) shared += carries[attributes[k]!]!;
    const distance = own.length + end - start - 2 * shared;
    distances[i] = distance;
    histogram[distance]!++;
  }
  // A counting sort of those that are near enough.
  const kept = Math.min(limit, count);
  const starts = new Int32Array(histogram.length + 1);
  for (let d = 0; d < histogram.length; d++) starts[d + 1] = starts[d]! + histogram[d]!;
  const positions = new Int32Array(kept);
  for (let i = 0; i < count; i++) {
    const place = starts[distances[i]!]!++;
    if (place < kept) positions[place] = i;
  }
  return { positions, distances: Int32Array.from(positions, (position) => distances[position]!) };
}

/** Joins the nearest pairs first; -1 where nobody is left. The pool holds no source id twice. */
function joinNearest(
  positives: Pool,
  chosen: readonly number[],
  negatives: Pool,
  nearest: readonly Candidates[],
): Int32Array {
  const partners = new Int32Array(chosen.length).fill(-1);
  const isTaken = new Uint8Array(negatives.rows.length);
  const join = (i: number, candidate: number) => {
    if (partners[i]! >= 0 || isTaken[candidate] === 1) return;
    isTaken[candidate] = 1;
    partners[i] = candidate;
  };
  // By distance, then rank, then positive: one number each, as sorting numbers is many times faster.
  const order = new Float64Array(nearest.reduce((sum, { positions }) => sum + positions.length, 0));
  let at = 0;
  for (const [i, { distances }] of nearest.entries()) {
    for (let rank = 0; rank < distances.length; rank++) {
      order[at++] = (distances[rank]! * NEAREST + rank) * nearest.length + i;
    }
  }
  for (const code of order.sort()) {
    const i = code % nearest.length;
    join(i, nearest[i]!.positions[Math.floor(code / nearest.length) % NEAREST]!);
  }
  // All of its nearest went to others: the nearest of those that are left.
  for (const [i, positive] of chosen.entries()) {
    if (partners[i]! >= 0) continue;
    for (const candidate of nearestOf(positives, positive, negatives, negatives.rows.length).positions)
      join(i, candidate);
  }
  return partners;
}

/** Exchanges partners by threshold accepting; `partners` is changed in place. */
function improve(
  positives: Pool,
  chosen: readonly number[],
  negatives: Pool,
  nearest: readonly Candidates[],
  partners: Int32Array,
  seed: number,
): void {
  const paired = chosen.map((_positive, i) => i).filter((i) => partners[i]! >= 0);
  if (paired.length === 0) return;
  const { offsets, attributes } = negatives;
  const frequencies = new Float64Array(ATTRIBUTES.length);
  // How many more positives than partners carry each attribute.
  const difference = new Float64Array(ATTRIBUTES.length);
  const isTaken = new Uint8Array(negatives.rows.length);
  const distances = new Int32Array(chosen.length);
  for (const i of paired) {
    for (const attribute of attributesAt(positives, chosen[i]!)) {
      difference[attribute]!++;
      frequencies[attribute]! += 1 / paired.length;
    }
    for (const attribute of attributesAt(negatives, partners[i]!)) difference[attribute]!--;
    isTaken[partners[i]!] = 1;
    distances[i] = differingAttributes(positives, chosen[i]!, negatives, partners[i]!).length;
  }
  const weights = varianceWeights(frequencies).map((weight) => (IMBALANCE_WEIGHT * weight) / paired.length);

  const random = new Random(seed);
  const steps = Math.min(MAX_STEPS, STEPS_PER_PAIR * paired.length);
  for (let step = 0; step < steps; step++) {
    const i = paired[random.below(paired.length)]!;
    const { positions, distances: ranked } = nearest[i]!;
    const rank = random.below(positions.length);
    const candidate = positions[rank]!;
    if (isTaken[candidate] === 1) continue;
    const leaving = partners[i]!;
    let change = ranked[rank]! - distances[i]!;
    // The partner that leaves adds its attributes to the difference, the one that comes takes its own away.
    for (let k = offsets[leaving]!, end = offsets[leaving + 1]!; k < end; k++) {
      const attribute = attributes[k]!;
      change += weights[attribute]! * (1 + 2 * difference[attribute]!++);
    }
    for (let k = offsets[candidate]!, end = offsets[candidate + 1]!; k < end; k++) {
      const attribute = attributes[k]!;
      change += weights[attribute]! * (1 - 2 * difference[attribute]!--);
    }
    const left = 1 - step / steps;
    if (change > left * left) {
      for (let k = offsets[candidate]!, end = offsets[candidate + 1]!; k < end; k++) difference[attributes[k]!]!++;
      for (let k = offsets[leaving]!, end = offsets[leaving + 1]!; k < end; k++) difference[attributes[k]!]!--;
      continue;
    }
    isTaken[leaving] = 0;
    isTaken[candidate] = 1;
    partners[i] = candidate;
    distances[i] = ranked[rank]!;
  }
}

/** Attributes that only one of the two carries. */
export function differingAttributes(positives: Pool, positive: number, negatives: Pool, negative: number): number[] {
  const first = new Set(attributesAt(positives, positive));
  const second = new Set(attributesAt(negatives, negative));
  return [...[...first].filter((a) => !second.has(a)), ...[...second].filter((a) => !first.has(a))].sort(
    (a, b) => a - b,
  );
}
