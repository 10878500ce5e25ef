/**
 * Splits a set into folds for cross-validation, such that no test fold holds a near-duplicate of a training row.
 */
export interface FoldItem {
  readonly side: 'positive' | 'negative';
  readonly caption: string;
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
}

/** Two captions that share at least this part of their word triples (Jaccard) are near-duplicates. */
const SIMILAR_CAPTIONS = 0.3;
/** A word triple in more captions than this says nothing about two of them ("this track features"). */
const COMMON_TRIPLE = 50;
/** The same list of at least this many attributes makes two samples near-duplicates: one text was made from it. */
const TELLING_LIST = 3;

/**
 * The fold, from 0, of each item. Near-duplicates (the same attributes, or captions that share much of their wording)
 * and the two of a pair stay together; folds get as equal shares of both sides as that allows.
 *
 * @param pairs positions of items that belong together
 */
export function assignFolds(
  items: readonly FoldItem[],
  pairs: readonly (readonly [number, number])[],
  folds: number,
): number[] {
  const clusters = new Clusters(items.length);
  for (const [a, b] of pairs) clusters.join(a, b);
  joinSameAttributes(items, clusters);
  joinSimilarCaptions(items, clusters);

  const totals = countSides(
    items.map((_item, i) => i),
    items,
  );
  const loads = Array.from({ length: folds }, () => ({ positive: 0, negative: 0 }));
  const assigned = new Array<number>(items.length).fill(0);
  // Large clusters first: the small ones even out what they leave.
  const bySize = clusters.all().sort((a, b) => b.length - a.length || a[0]! - b[0]!);
  for (const cluster of bySize) {
    const size = countSides(cluster, items);
    let best = 0;
    let bestLoad = Infinity;
    for (const [fold, load] of loads.entries()) {
      const filled =
        (load.positive * size.positive) / (totals.positive || 1) ** 2 +
        (load.negative * size.negative) / (totals.negative || 1) ** 2;
      if (filled < bestLoad) [best, bestLoad] = [fold, filled];
    }
    loads[best]!.positive += size.positive;
    loads[best]!.negative += size.negative;
    for (const item of cluster) assigned[item] = best;
  }
  return assigned;
}

function countSides(positions: readonly number[], items: readonly FoldItem[]) {
  const positive = positions.filter((position) => items[position]!.side === 'positive').length;
  return { positive, negative: positions.length - positive };
}

function joinSameAttributes(items: readonly FoldItem[], clusters: Clusters): void {
  const first = new Map<string, number>();
  for (const [i, { attributes }] of items.entries()) {
    if (attributes.length < TELLING_LIST) continue;
    const list = attributes.join();
    const other = first.get(list);
    if (other === undefined) first.set(list, i);
    else clusters.join(other, i);
  }
}

function joinSimilarCaptions(items: readonly FoldItem[], clusters: Clusters): void {
  const triples = items.map(({ caption }) => wordTriples(caption));
  const holders = new Map<string, number[]>();
  for (const [i, set] of triples.entries()) {
    for (const triple of set) {
      const list = holders.get(triple);
      if (list) list.push(i);
      else holders.set(triple, [i]);
    }
  }
  for (const [i, set] of triples.entries()) {
    const shared = new Map<number, number>();
    for (const triple of set) {
      const list = holders.get(triple)!;
      if (list.length > COMMON_TRIPLE) continue;
      for (const j of list) if (j > i) shared.set(j, (shared.get(j) ?? 0) + 1);
    }
    for (const [j, count] of shared) {
      if (count / (set.size + triples[j]!.size - count) >= SIMILAR_CAPTIONS) clusters.join(i, j);
    }
  }
}

function wordTriples(caption: string): Set<string> {
  const words = caption.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  const triples = new Set<string>();
  for (let i = 0; i + 2 < words.length; i++) triples.add(`${words[i]} ${words[i + 1]} ${words[i + 2]}`);
  return triples;
}

/** Disjoint sets of positions (union-find). */
class Clusters {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_parent, i) => i);
  }

  join(a: number, b: number): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)];
    this.parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** The positions of each, ascending. */
  all(): number[][] {
    const members = new Map<number, number[]>();
    for (let i = 0; i < this.parents.length; i++) {
      const root = this.rootOf(i);
      const list = members.get(root);
      if (list) list.push(i);
      else members.set(root, [i]);
    }
    return [...members.values()];
  }

  private rootOf(position: number): number {
    let root = position;
    while (this.parents[root] !== root) root = this.parents[root]!;
    for (let at = position; at !== root;) {
      const next = this.parents[at]!;
      this.parents[at] = root;
      at = next;
    }
    return root;
  }
}
