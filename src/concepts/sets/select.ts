import { BitSet } from '../bit-set';
import type { ConceptIndex, IndexView } from '../concept-index';
import { ATTRIBUTES } from '../taxonomy';
import { balanceSides } from './balance';
import { opposedAttributes, ownAttributes } from './bounds';
import { drawUnrelated, streamSeed } from './draw';
import { eligibleRows, type Eligible } from './eligible';
import { differingAttributes, matchPairs } from './match';
import { createPool, type Pool } from './pool';
import type { ConceptSetRequest, Pair, Selection } from './request';

/**
 * Selects a concept set. The same view, request and seed give the same rows in the same order on every machine.
 */
export function selectConceptSet(view: IndexView, request: ConceptSetRequest): Selection {
  const { index } = view;
  const eligible = eligibleRows(view, request);
  const { positives, negatives, pairs } = chooseSides(view, request, eligible);

  const { groups } = index;
  const taken = positives.map((row) => groups.of(row));
  const free = groups.without(eligible.negatives, taken);
  const available = { positives: groups.count(eligible.positives), negatives: groups.count(free) };
  const sameSource = {
    positives: eligible.positives.count() - available.positives,
    negatives: eligible.negatives.count() - available.negatives,
  };
  const random = drawRandomSets(index, groups.without(eligible.random, taken), request);
  return {
    positives,
    negatives,
    pairs,
    randomSets: random.sets,
    randomSetsAreDisjoint: random.areDisjoint,
    considered: eligible.considered,
    available,
    exclusions: [
      ...eligible.exclusions,
      { side: 'POSITIVE' as const, reason: 'SAME_SOURCE' as const, count: sameSource.positives },
      { side: 'NEGATIVE' as const, reason: 'SAME_SOURCE' as const, count: sameSource.negatives },
    ].filter(({ count }) => count > 0),
  };
}

/**
 * Candidates looked at by the strategies that choose among rows: more help little and cost time. Where there are few
 * positives to choose from, the negatives have to make up for it.
 */
const POSITIVE_POOL = 1_000;
const NEGATIVE_POOL = 3_000;
const LARGE_NEGATIVE_POOL = 4_500;
/** Positives are few when there are not this many for each one asked for. */
const CHOICE_OF_POSITIVES = 4;

interface ChosenSides {
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
  readonly pairs: readonly Pair[];
}

function chooseSides(view: IndexView, request: ConceptSetRequest, eligible: Eligible): ChosenSides {
  switch (request.strategy) {
    case 'BALANCED':
      return chooseBalanced(view, request, eligible);
    case 'MATCHED':
      return chooseMatched(view, request, eligible);
    case 'COUNTERFACTUAL':
      return chooseCounterfactual(view, request, eligible);
    case 'RANDOM':
    case 'CLEAN':
    case 'HARD': {
      const taken = new Set<number>();
      const seedOf = (stream: 'positives' | 'negatives') => streamSeed(request.seed, stream);
      const positives = drawUnrelated(view.index, eligible.positives, request.positives, seedOf('positives'), taken);
      const negatives = drawUnrelated(view.index, eligible.negatives, request.negatives, seedOf('negatives'), taken);
      return { positives, negatives, pairs: [] };
    }
  }
}

function chooseBalanced({ index }: IndexView, request: ConceptSetRequest, eligible: Eligible): ChosenSides {
  const pools = drawPools(index, request, eligible, Math.max(POSITIVE_POOL, 2 * request.positives));
  const groups = new Set<number>();
  const first = (pool: { groups: Int32Array }, count: number) => {
    const places: number[] = [];
    for (let place = 0; place < pool.groups.length && places.length < count; place++) {
      const group = pool.groups[place]!;
      if (groups.has(group)) continue;
      groups.add(group);
      places.push(place);
    }
    return places;
  };
  const start = {
    positives: first(pools.positives, request.positives),
    negatives: first(pools.negatives, request.negatives),
  };
  // With fewer negatives than asked for there is nothing to choose, and other positives could cost still more of them.
  const isShort = start.negatives.length < request.negatives;
  const sides = isShort
    ? start
    : balanceSides(pools.positives, pools.negatives, start, streamSeed(request.seed, 'search'));
  const rowsOf = (pool: { rows: Int32Array }, places: readonly number[]) =>
    [...places].sort((a, b) => a - b).map((place) => pool.rows[place]!);
  return {
    positives: rowsOf(pools.positives, sides.positives),
    negatives: rowsOf(pools.negatives, sides.negatives),
    pairs: [],
  };
}

function chooseMatched({ index }: IndexView, request: ConceptSetRequest, eligible: Eligible): ChosenSides {
  const pools = drawPools(index, request, eligible, request.positives, { negativesAvoidPositives: true });
  const everyone = Array.from(pools.positives.rows, (_row, place) => place);
  const seed = streamSeed(request.seed, 'search');
  const pairs = matchPairs(pools.positives, everyone, pools.negatives, seed).map(({ positive, negative }) => ({
    positive: pools.positives.rows[positive]!,
    negative: pools.negatives.rows[negative]!,
    differing: differingAttributes(pools.positives, positive, pools.negatives, negative),
  }));
  return {
    positives: pairs.map(({ positive }) => positive),
    negatives: pairs.map(({ negative }) => negative),
    pairs,
  };
}

/** Pairs that are the same piece but for the concept: drawn by the positive, no row and no source id twice. */
function chooseCounterfactual(view: IndexView, request: ConceptSetRequest, eligible: Eligible): ChosenSides {
  const { index } = view;
  const partners = new Map<number, number[]>();
  for (const [row, partner] of index.counterfactuals.pairs(view.version, eligible.positives, eligible.negatives)) {
    partners.set(
      row,
      [...(partners.get(row) ?? []), partner].sort((a, b) => a - b),
    );
  }
  const counted = new Set(countedAttributes(request));
  const groups = new Set<number>();
  const pairs: Pair[] = [];
  const seed = streamSeed(request.seed, 'positives');
  for (const positive of index.order.first(eligible.positives, partners.size, seed)) {
    if (pairs.length === request.positives) break;
    if (groups.has(index.groups.of(positive))) continue;
    // By the seed and not by number: rows have other numbers in other installations.
    const candidates = partners.get(positive)!;
    const inOrder =
      candidates.length === 1 ? candidates : index.order.first(BitSet.of(candidates), candidates.length, seed);
    const negative = inOrder.find(
      (row) => index.groups.of(row) !== index.groups.of(positive) && !groups.has(index.groups.of(row)),
    );
    if (negative === undefined) continue;
    for (const row of [positive, negative]) groups.add(index.groups.of(row));
    const [mine, other] = [positive, negative].map((row) => createPool(index, [row], counted)) as [Pool, Pool];
    pairs.push({ positive, negative, differing: differingAttributes(mine, 0, other, 0) });
  }
  return {
    positives: pairs.map(({ positive }) => positive),
    negatives: pairs.map(({ negative }) => negative),
    pairs,
  };
}

function drawPools(
  index: ConceptIndex,
  request: ConceptSetRequest,
  eligible: Eligible,
  positiveCount: number,
  { negativesAvoidPositives = false } = {},
) {
  const counted = new Set(countedAttributes(request));
  const groups = new Set<number>();
  const positives = drawUnrelated(
    index,
    eligible.positives,
    positiveCount,
    streamSeed(request.seed, 'positives'),
    groups,
  );
  const isFew = positives.length < CHOICE_OF_POSITIVES * request.positives;
  const smallPool = isFew ? LARGE_NEGATIVE_POOL : NEGATIVE_POOL;
  const negatives = drawUnrelated(
    index,
    eligible.negatives,
    Math.max(smallPool, 4 * request.negatives, request.positives + request.negatives),
    streamSeed(request.seed, 'negatives'),
    negativesAvoidPositives ? groups : new Set<number>(),
  );
  return { positives: createPool(index, positives, counted), negatives: createPool(index, negatives, counted) };
}

/** Attributes that are to be balanced: neither the target's own nor what contradicts it, of both targets. */
export function countedAttributes({ target, against }: Pick<ConceptSetRequest, 'target' | 'against'>): number[] {
  const targets = against ? [target, against] : [target];
  const left = targets.flatMap((one) => [...ownAttributes(one), ...opposedAttributes(one)]);
  return ATTRIBUTES.map(({ index }) => index).filter((attribute) => !left.includes(attribute));
}

function drawRandomSets(index: ConceptIndex, rows: BitSet, request: ConceptSetRequest) {
  const { randomSets: count, randomSetSize: size } = request;
  const drawn = drawUnrelated(index, rows, count * size, streamSeed(request.seed, 'random sets'), new Set());
  const length = Math.min(size, drawn.length);
  // Where rows run out, later sets begin again with the first rows.
  const sets = Array.from({ length: count }, (_set, set) =>
    Array.from({ length }, (_row, i) => drawn[(set * size + i) % drawn.length]!),
  );
  return { sets, areDisjoint: count <= 1 || drawn.length === count * size };
}
