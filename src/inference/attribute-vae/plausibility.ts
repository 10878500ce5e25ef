import { contradict } from '../../concepts/concepts';
import { rowsOf, WIDTH, type AttributeVae } from './vae';

/** What the model's card says of published rows that it was not trained on. */
export interface Calibration {
  /** Share of the training rows that have each attribute, above 0. */
  readonly frequencies: readonly number[];
  /**
   * Togetherness of real combinations by their number of attributes: equally spaced quantiles from the least to the
   * most, at least two.
   */
  readonly quantilesBySize: Readonly<Record<string, readonly number[]>>;
}

export interface Plausibility {
  /** Share of real combinations of as many attributes that go together no better: half of the real ones are above 0.5. */
  readonly score: number;
  /** Those that speak most against it, worst first. */
  readonly implausiblePairs: readonly ImplausiblePair[];
}

export interface ImplausiblePair {
  /** Taxonomy indices, the lower first. */
  readonly attributes: readonly [number, number];
  readonly isContradictory: boolean;
  /** How many times as often as by chance the two go together by the model; below 1 for less often. */
  readonly lift: number;
}

const MAX_PAIRS = 3;

/** @param lists taxonomy indices without repeats, at least one in each */
export async function plausibilityOf(
  vae: AttributeVae,
  calibration: Calibration,
  lists: readonly (readonly number[])[],
): Promise<Plausibility[]> {
  const together = await togetherness(vae, calibration, lists);
  const alone = await liftsOf(vae, calibration, [...new Set(lists.flat())]);
  return lists.map((list, row) => ({
    score: round(shareBelow(quantilesFor(list.length, calibration), together[row]!)),
    implausiblePairs: pairsOf(list)
      .map(([a, b]): ImplausiblePair => ({
        attributes: [a, b],
        isContradictory: contradict(a, b),
        lift: round(Math.sqrt(alone(a, b) * alone(b, a))),
      }))
      .filter(({ isContradictory, lift }) => isContradictory || lift < 1)
      .sort((a, b) => Number(b.isContradictory) - Number(a.isContradictory) || a.lift - b.lift)
      .slice(0, MAX_PAIRS),
  }));
}

/**
 * How much likelier the attributes of each combination are made by each other than they are by themselves: the mean
 * logarithm of p(a | the rest) / f(a), with p at the posterior mean of the rest. `training/attribute_vae/plausibility.py`
 * has the same.
 */
async function togetherness(
  vae: AttributeVae,
  { frequencies }: Calibration,
  lists: readonly (readonly number[])[],
): Promise<number[]> {
  const rests = lists.flatMap((list) => list.map((attribute) => list.filter((other) => other !== attribute)));
  const { mean } = await vae.encode(rowsOf(rests));
  const logits = await vae.decode(mean);
  let row = 0;
  return lists.map((list) => {
    let sum = 0;
    for (const attribute of list) {
      sum += -softplus(-logits[row++ * WIDTH + attribute]!) - Math.log(frequencies[attribute]!);
    }
    return sum / list.length;
  });
}

function quantilesFor(size: number, { quantilesBySize }: Calibration): readonly number[] {
  const sizes = Object.keys(quantilesBySize).map(Number);
  return quantilesBySize[Math.min(Math.max(size, Math.min(...sizes)), Math.max(...sizes))]!;
}

/** How many times as often as by chance `b` comes with a row that has nothing but `a`. */
async function liftsOf(
  vae: AttributeVae,
  { frequencies }: Calibration,
  attributes: readonly number[],
): Promise<(a: number, b: number) => number> {
  const { mean } = await vae.encode(rowsOf(attributes.map((attribute) => [attribute])));
  const logits = await vae.decode(mean);
  const rowOf = new Map(attributes.map((attribute, row) => [attribute, row]));
  return (a, b) => Math.exp(-softplus(-logits[rowOf.get(a)! * WIDTH + b]!)) / frequencies[b]!;
}

function pairsOf(list: readonly number[]): [number, number][] {
  return list.flatMap((a) => list.filter((b) => a < b).map((b): [number, number] => [a, b]));
}

/** Interpolated between the quantiles. */
function shareBelow(quantiles: readonly number[], value: number): number {
  const next = quantiles.findIndex((quantile) => quantile >= value);
  if (next === -1) return 1;
  if (next === 0) return 0;
  const [low, high] = [quantiles[next - 1]!, quantiles[next]!];
  return (next - 1 + (value - low) / (high - low)) / (quantiles.length - 1);
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
