import { ATTRIBUTES } from '../taxonomy';
import { Random } from './draw';
import type { Pool } from './pool';

/**
 * Chooses both sides together so that every other attribute is as frequent on one as on the other.
 *
 * The cost is the sum over attributes of the squared difference of their frequencies, each in units of its own
 * variance: the squared standardised mean differences but for the choice of denominator, which stays fixed while rows
 * are exchanged. It is brought down by threshold accepting (Dueck & Scheuer 1990): an exchange is taken where it
 * raises the cost by less than a threshold that falls to zero. Half of the exchanges tried bring in one of the
 * candidates that would help most at the time.
 */
const STEPS_PER_MEMBER = 400;
const MAX_STEPS = 300_000;
/** Steps after which the most helpful candidates are looked up anew. */
const STEPS_PER_SHORTLIST = 500;
const SHORTLIST = 60;
/** First threshold, as a share of the cost of the first choice. */
const FIRST_THRESHOLD = 0.002;
/** A rarer attribute is weighed as if it were this frequent: it would rule the others otherwise. */
const FREQUENCY_FLOOR = 0.12;

/** Positions in the pools. */
export interface Sides {
  readonly positives: number[];
  readonly negatives: number[];
}

/** Weights that make differences of frequencies comparable: one over the variance, by attribute index. */
export function attributeWeights(first: Pool, second: Pool): Float64Array {
  const weights = new Float64Array(ATTRIBUTES.length);
  for (const pool of [first, second]) {
    for (const attribute of pool.attributes) weights[attribute]! += 0.5 / pool.rows.length;
  }
  return weights.map((frequency) => {
    const p = Math.max(frequency, FREQUENCY_FLOOR);
    return p < 1 ? 1 / (p * (1 - p)) : 0;
  });
}

/** @param start a first choice without two rows of one source id; its sizes are kept */
export function balanceSides(positives: Pool, negatives: Pool, start: Sides, seed: number): Sides {
  const sides = [
    new MovingSide(positives, start.positives, start.negatives.length),
    new MovingSide(negatives, start.negatives, -start.positives.length),
  ] as const;
  const movable = sides.filter((side) => side.members.length > 0 && side.pool.rows.length > side.members.length);
  const members = start.positives.length + start.negatives.length;
  if (movable.length === 0 || sides.some((side) => side.members.length === 0)) return start;

  const weights = attributeWeights(memberPool(positives, start.positives), negatives);
  // Differences of frequency, times both sizes: whole numbers, so that no rounding adds up.
  const difference = new Float64Array(ATTRIBUTES.length);
  for (const side of sides) for (const member of side.members) side.shift(difference, member, 1);
  let cost = 0;
  for (let a = 0; a < difference.length; a++) cost += weights[a]! * difference[a]! * difference[a]!;

  const groups = new Set(sides.flatMap((side) => Array.from(side.members, (member) => side.pool.groups[member]!)));
  const random = new Random(seed);
  const steps = Math.min(MAX_STEPS, STEPS_PER_MEMBER * Math.max(members, 40));
  const firstThreshold = FIRST_THRESHOLD * cost;
  let bestCost = cost;
  let best = sides.map((side) => side.members.slice());

  for (let step = 0; step < steps && bestCost > 0; step++) {
    if (step % STEPS_PER_SHORTLIST === 0) for (const side of movable) side.findHelpful(difference, weights);
    const left = 1 - step / steps;
    const side = movable[movable.length === 2 ? random.below(2) : 0]!;
    const place = random.below(side.members.length);
    const leaving = side.members[place]!;
    const candidate =
      random.below(2) === 0 && side.helpfulCount > 0
        ? side.helpful[random.below(side.helpfulCount)]!
        : random.below(side.pool.rows.length);
    if (side.isMember[candidate] === 1) continue;
    const leavingGroup = side.pool.groups[leaving]!;
    const group = side.pool.groups[candidate]!;
    if (group !== leavingGroup && groups.has(group)) continue;

    const change = side.costOf(difference, weights, leaving, -1) + side.costOf(difference, weights, candidate, 1);
    if (change > firstThreshold * left * left) {
      side.shift(difference, candidate, -1);
      side.shift(difference, leaving, 1);
      continue;
    }
    side.exchange(place, candidate);
    groups.delete(leavingGroup);
    groups.add(group);
    cost += change;
    if (cost < bestCost) {
      bestCost = cost;
      best = sides.map((moving, i) => {
        best[i]!.set(moving.members);
        return best[i]!;
      });
    }
  }
  return { positives: Array.from(best[0]!), negatives: Array.from(best[1]!) };
}

class MovingSide {
  readonly members: Int32Array;
  readonly isMember: Uint8Array;
  /** Candidates that would lower the cost most, as of the last `findHelpful`. */
  readonly helpful = new Int32Array(SHORTLIST);
  helpfulCount = 0;
  private readonly gains: Float64Array;

  /** @param unit what one row of this side adds to the difference of an attribute that it carries */
  constructor(
    readonly pool: Pool,
    members: readonly number[],
    private readonly unit: number,
  ) {
    this.members = Int32Array.from(members);
    this.isMember = new Uint8Array(pool.rows.length);
    for (const member of members) this.isMember[member] = 1;
    this.gains = new Float64Array(pool.rows.length);
  }

  /** Adds (`sign` 1) or takes away (-1) a candidate's attributes. */
  shift(difference: Float64Array, candidate: number, sign: 1 | -1): void {
    const { offsets, attributes } = this.pool;
    const by = sign * this.unit;
    for (let k = offsets[candidate]!, end = offsets[candidate + 1]!; k < end; k++) difference[attributes[k]!]! += by;
  }

  /** As `shift`, and tells by how much the cost changes. */
  costOf(difference: Float64Array, weights: Float64Array, candidate: number, sign: 1 | -1): number {
    const { offsets, attributes } = this.pool;
    const by = sign * this.unit;
    let change = 0;
    for (let k = offsets[candidate]!, end = offsets[candidate + 1]!; k < end; k++) {
      const attribute = attributes[k]!;
      const before = difference[attribute]!;
      change += weights[attribute]! * by * (2 * before + by);
      difference[attribute] = before + by;
    }
    return change;
  }

  exchange(place: number, candidate: number): void {
    this.isMember[this.members[place]!] = 0;
    this.isMember[candidate] = 1;
    this.members[place] = candidate;
  }

  findHelpful(difference: Float64Array, weights: Float64Array): void {
    const { offsets, attributes } = this.pool;
    const { gains, unit } = this;
    const gainOf = difference.map((before, attribute) => weights[attribute]! * unit * (2 * before + unit));
    for (let i = 0; i < gains.length; i++) {
      let gain = 0;
      for (let k = offsets[i]!, end = offsets[i + 1]!; k < end; k++) gain += gainOf[attributes[k]!]!;
      gains[i] = gain;
    }
    const bound = smallest(gains, SHORTLIST);
    this.helpfulCount = 0;
    for (let i = 0; i < gains.length && this.helpfulCount < SHORTLIST; i++) {
      if (gains[i]! <= bound) this.helpful[this.helpfulCount++] = i;
    }
  }
}

/** The `count`-th smallest value, or the largest where there are fewer. */
function smallest(values: Float64Array, count: number): number {
  const kept = new Float64Array(Math.min(count, values.length)).fill(Infinity);
  for (const value of values) {
    if (value >= kept[kept.length - 1]!) continue;
    let place = kept.length - 1;
    for (; place > 0 && kept[place - 1]! > value; place--) kept[place] = kept[place - 1]!;
    kept[place] = value;
  }
  return kept[kept.length - 1]!;
}

/** The members of a pool as a pool of their own, without their rows. */
function memberPool(pool: Pool, members: readonly number[]): Pool {
  const lists = members.map((member) => pool.attributes.subarray(pool.offsets[member], pool.offsets[member + 1]));
  return { ...pool, rows: Int32Array.from(members), attributes: Uint8Array.from(lists.flatMap((list) => [...list])) };
}
