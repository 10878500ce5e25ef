import { contradict } from '../../concepts/concepts';
import { Random } from '../../concepts/random';
import { ATTRIBUTES } from '../../concepts/taxonomy';
import { rowsOf, WIDTH, type AttributeVae } from './vae';

/** What is to be completed, and how. */
export interface VaeCompletion {
  /** Taxonomy indices; kept, whatever they are. */
  readonly given: readonly number[];
  /** Taxonomy indices that must not be added. */
  readonly forbidden: readonly number[];
  /** 32-bit integer. */
  readonly seed: number;
  /** Above 0: below 1 the usual comes more often, above 1 the unusual. */
  readonly temperature: number;
  /** Where set, what is at least as probable as this is added, and nothing is left to chance but the latent. */
  readonly threshold: number | null;
  /** Attributes in all, given ones counted; null: as many as come by their probabilities. */
  readonly count: number | null;
}

/** No published row has fewer. */
const LEAST_ATTRIBUTES = 3;
/** Latent and row take turns; after a few turns the row has what goes with the given ones, and not only with nothing. */
const TURNS = 4;

const OPPOSITES: readonly (readonly number[])[] = ATTRIBUTES.map((a) =>
  ATTRIBUTES.filter((b) => contradict(a.index, b.index)).map(({ index }) => index),
);

/**
 * Completes combinations by pseudo-Gibbs sampling (Rezende, Mohamed & Wierstra 2014, arXiv 1401.4082, appendix F): a
 * latent is drawn for the row, a row for the latent, with what is given and forbidden held fast in every turn. Nothing
 * that is added contradicts what is there. Each depends on its own seed only, not on the others of the batch.
 *
 * @returns for each: taxonomy indices, ascending
 */
export async function completeRows(vae: AttributeVae, wanted: readonly VaeCompletion[]): Promise<number[][]> {
  const randoms = wanted.map(({ seed }) => new Random(seed));
  let lists: number[][] = wanted.map(({ given }) => [...new Set(given)]);
  for (let turn = 0; turn < TURNS; turn++) {
    const { mean, logVariance } = await vae.encode(rowsOf(lists));
    const latents = new Float32Array(mean.length);
    randoms.forEach((random, row) => {
      for (let at = row * vae.latent; at < (row + 1) * vae.latent; at += 2) {
        const [first, second] = twoGaussians(random);
        latents[at] = mean[at]! + Math.exp(logVariance[at]! / 2) * first;
        latents[at + 1] = mean[at + 1]! + Math.exp(logVariance[at + 1]! / 2) * second;
      }
    });
    const logits = await vae.decode(latents);
    lists = wanted.map((one, row) => drawRow(logits.subarray(row * WIDTH, (row + 1) * WIDTH), one, randoms[row]!));
  }
  return lists.map((list) => list.sort((a, b) => a - b));
}

/** One row from its logits: the most probable first, each unless it contradicts one that is there. */
function drawRow(logits: Float32Array, wanted: VaeCompletion, random: Random): number[] {
  const { forbidden, temperature, threshold, count } = wanted;
  const row = [...new Set(wanted.given)];
  const isBlocked = new Uint8Array(WIDTH);
  const block = (attribute: number) => {
    isBlocked[attribute] = 1;
    for (const opposite of OPPOSITES[attribute]!) isBlocked[opposite] = 1;
  };
  row.forEach(block);
  for (const attribute of forbidden) isBlocked[attribute] = 1;

  const least = count ?? LEAST_ATTRIBUTES;
  const most = count ?? WIDTH;
  const bar = threshold === null ? 0 : logit(threshold);
  const scores = new Float64Array(WIDTH);
  const likely: number[] = [];
  for (let attribute = 0; attribute < WIDTH; attribute++) {
    const score = logits[attribute]! / temperature + (threshold === null ? logistic(random) : 0);
    scores[attribute] = score;
    if (!isBlocked[attribute] && (score >= bar || count !== null)) likely.push(attribute);
  }
  const add = (attributes: number[], limit: number) => {
    for (const attribute of attributes.sort((a, b) => scores[b]! - scores[a]!)) {
      if (row.length >= limit) return;
      if (isBlocked[attribute]) continue;
      row.push(attribute);
      block(attribute);
    }
  };
  add(likely, most);
  if (row.length < least) {
    add(
      ATTRIBUTES.map(({ index }) => index),
      least,
    );
  }
  return row;
}

/** Rows that are the most probable for latents on the way from one combination to another, both ends as they are. */
export async function interpolateRows(
  vae: AttributeVae,
  from: readonly number[],
  to: readonly number[],
  steps: number,
): Promise<number[][]> {
  const { mean } = await vae.encode(rowsOf([from, to]));
  const [start, end] = [mean.subarray(0, vae.latent), mean.subarray(vae.latent)];
  const latents = new Float32Array(steps * vae.latent);
  for (let step = 0; step < steps; step++) {
    const share = (step + 1) / (steps + 1);
    for (let at = 0; at < vae.latent; at++) {
      latents[step * vae.latent + at] = start[at]! * (1 - share) + end[at]! * share;
    }
  }
  const logits = await vae.decode(latents);
  const plain = { given: [], forbidden: [], seed: 0, temperature: 1, threshold: 0.5, count: null };
  const between = Array.from({ length: steps }, (_, step) =>
    drawRow(logits.subarray(step * WIDTH, (step + 1) * WIDTH), plain, new Random(0)).sort((a, b) => a - b),
  );
  return [[...from], ...between, [...to]];
}

/** Distances in latent space, between the posterior means, from one combination to each of the others. */
export async function latentDistances(
  vae: AttributeVae,
  from: readonly number[],
  to: readonly (readonly number[])[],
): Promise<number[]> {
  const { mean } = await vae.encode(rowsOf([from, ...to]));
  return to.map((_, row) => {
    let sum = 0;
    for (let at = 0; at < vae.latent; at++) sum += (mean[(row + 1) * vae.latent + at]! - mean[at]!) ** 2;
    return Math.sqrt(sum);
  });
}

function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}

/** Added to a logit, it is above 0 as often as the sigmoid of the logit says. */
function logistic(random: Random): number {
  return logit(random.uniform() + 2 ** -33);
}

/** Two standard normal numbers (Box & Muller 1958). */
function twoGaussians(random: Random): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  const angle = 2 * Math.PI * random.uniform();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}
