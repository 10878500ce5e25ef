import { ATTRIBUTES } from '../taxonomy';
import { Random } from '../random';
import { attributesAt, type Pool } from './pool';

/**
 * Chooses both sides together so that every other attribute is as frequent on one as on the other.
 *
 * The cost is the sum over attributes of the squared difference of their frequencies, each in units of its own
 * variance: the squared standardised mean differences but for the choice of denominator, which stays fixed while rows
 * are exchanged. It is brought down by threshold accepting (Dueck & Scheuer 1990): an exchange is taken where it
 * raises the cost by less than a threshold that falls to zero. Half of the exchanges tried bring in one of the
 * candidates that would help most at the time.
 */
const STEPS_PER_MEMBER = 200;
const MAX_STEPS = 300_000;
/** Steps after which the most helpful candidates are looked up anew. */
const STEPS_PER_SHORTLIST = 1_000;
const SHORTLIST = 60;
/** Cost above which the search is taken up again: where positives are few it takes longer to find what fits. */
const GOOD_ENOUGH = 0.12;
const MAX_ROUNDS = 4;
/** First threshold, as a share of the cost of the first choice. */
const FIRST_THRESHOLD = 0.002;
/** A rarer attribute is weighed as if it were this frequent: it would rule the others otherwise. */
const FREQUENCY_FLOOR = 0.12;

/** Positions in the pools. */
export interface Sides {
  readonly positives: number[];
  readonly negatives: number[];
}

/** @param start a first choice without two rows of one source id; its sizes are kept */
export function balanceSides(positives: Pool, negatives: Pool, start: Sides, seed: number): Sides {
  const sides = [
    new MovingSide(positives, start.positives, start.negatives.length, negatives),
    new MovingSide(negatives, start.negatives, -start.positives.length, positives),
  ] as const;
  const movable = sides.filter(({ members, pool }) => members.length > 0 && pool.rows.length > members.length);
  if (movable.length === 0 || sides.some(({ members }) => members.length === 0)) return start;

  const weights = attributeWeights(positives, start.positives, negatives);
  // Differences of frequency, times both sizes: whole numbers, so that no rounding adds up.
  const difference = new Float64Array(ATTRIBUTES.length);
  for (const side of sides) for (const member of side.members) side.shift(difference, member, 1);
  let cost = 0;
  for (let a = 0; a < difference.length; a++) cost += weights[a]! * difference[a]! * difference[a]!;

  const random = new Random(seed);
  const steps = Math.min(MAX_STEPS, STEPS_PER_MEMBER * (start.positives.length + start.negatives.length));
  const goodEnough = GOOD_ENOUGH * (start.positives.length * start.negatives.length) ** 2;
  const firstThreshold = FIRST_THRESHOLD * cost;
  let bestCost = cost;
  const best = sides.map((side) => side.members.slice());

  let costBefore = Infinity;
  for (let round = 0; round < MAX_ROUNDS && bestCost < costBefore; round++) {
    if (round > 0 && bestCost <= goodEnough) break;
    costBefore = bestCost;
    for (let step = 0; step < steps && bestCost > 0; step++) {
      if (step % STEPS_PER_SHORTLIST === 0) for (const side of movable) side.findHelpful(difference, weights);
      const side = movable[movable.length === 2 ? random.below(2) : 0]!;
      const other = side === sides[0] ? sides[1] : sides[0];
      const place = random.below(side.members.length);
      const candidate = side.propose(random);
      if (side.isMember[candidate] === 1) continue;
      const rival = side.rivals[candidate]!;
      if (rival >= 0 && other.isMember[rival] === 1) continue;

      const leaving = side.members[place]!;
      const change = side.costOfExchange(difference, weights, leaving, candidate);
      const left = 1 - step / steps;
      if (change > firstThreshold * left * left) continue;
      side.shift(difference, leaving, -1);
      side.shift(difference, candidate, 1);
      side.exchange(place, candidate);
      cost += change;
      if (cost < bestCost) {
        bestCost = cost;
        best.forEach((members, i) => members.set(sides[i]!.members));
      }
    }
  }
  return { positives: Array.from(best[0]!), negatives: Array.from(best[1]!) };
}

/** Weights that make differences of frequencies comparable: one over the variance, by attribute index. */
function attributeWeights(positives: Pool, members: readonly number[], negatives: Pool): Float64Array {
  const frequencies = new Float64Array(ATTRIBUTES.length);
  for (const member of members) {
    for (const attribute of attributesAt(positives, member)) frequencies[attribute]! += 0.5 / members.length;
  }
  for (const attribute of negatives.attributes) frequencies[attribute]! += 0.5 / negatives.rows.length;
  return varianceWeights(frequencies);
}

/** One over the variance of each frequency; those that always occur cannot differ and weigh nothing. */
export function varianceWeights(frequencies: Float64Array): Float64Array {
  return frequencies.map((frequency) => {
    const p = Math.max(frequency, FREQUENCY_FLOOR);
    return p < 1 ? 1 / (p * (1 - p)) : 0;
  });
}

class MovingSide {
  readonly members: Int32Array;
  readonly isMember: Uint8Array;
  /** For each candidate the place of the one with its source id in the other pool, or -1. */
  readonly rivals: Int32Array;
  /** Candidates that would lower the cost most, as of the last `findHelpful`. */
  private readonly helpful = new Int32Array(SHORTLIST);
  private helpfulCount = 0;
  private readonly gains: Float64Array;

  /** @param unit what one row of this side adds to the difference of an attribute that it carries */
  constructor(
    readonly pool: Pool,
    members: readonly number[],
    private readonly unit: number,
    otherPool: Pool,
  ) {
    this.members = Int32Array.from(members);
    this.isMember = new Uint8Array(pool.rows.length);
    for (const member of members) this.isMember[member] = 1;
    const others = new Map(Array.from(otherPool.groups, (group, place) => [group, place]));
    this.rivals = pool.groups.map((group) => others.get(group) ?? -1);
    this.gains = new Float64Array(pool.rows.length);
  }

  /** Any candidate, or every other time one of the helpful ones. */
  propose(random: Random): number {
    return random.below(2) === 0 && this.helpfulCount > 0
      ? this.helpful[random.below(this.helpfulCount)]!
      : random.below(this.pool.rows.length);
  }

  /** Adds (`sign` 1) or takes away (-1) a candidate's attributes. */
  shift(difference: Float64Array, candidate: number, sign: 1 | -1): void {
    const { offsets, attributes } = this.pool;
    const by = sign * this.unit;
    for (let k = offsets[candidate]!, end = offsets[candidate + 1]!; k < end; k++) difference[attributes[k]!]! += by;
  }

  /** By how much the cost would change; attributes that both carry stay as they are. */
  costOfExchange(difference: Float64Array, weights: Float64Array, leaving: number, coming: number): number {
    const { offsets, attributes } = this.pool;
    const unit = this.unit;
    let i = offsets[leaving]!;
    let j = offsets[coming]!;
    const iEnd = offsets[leaving + 1]!;
    const jEnd = offsets[coming + 1]!;
    let change = 0;
    while (i < iEnd || j < jEnd) {
      const a = i < iEnd ? attributes[i]! : ATTRIBUTES.length;
      const b = j < jEnd ? attributes[j]! : ATTRIBUTES.length;
      if (a === b) {
        i++;
        j++;
      } else if (a < b) {
        change += weights[a]! * unit * (unit - 2 * difference[a]!);
        i++;
      } else {
        change += weights[b]! * unit * (unit + 2 * difference[b]!);
        j++;
      }
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
    const gainOf = difference.map((before, attribute) => weights[attribute]! * unit * (unit + 2 * before));
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
