import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { ConceptIndex, type IndexRow, type IndexView } from '../src/concepts/concept-index';
import { carriedConcepts, CONCEPTS, findConcept } from '../src/concepts/concepts';
import { diagnose, type Diagnostics } from '../src/concepts/sets/diagnostics';
import { assignFolds } from '../src/concepts/sets/folds';
import { SELECTION_VERSION, STRATEGIES, type ConceptSetRequest, type Selection } from '../src/concepts/sets/request';
import { countedAttributes, selectConceptSet } from '../src/concepts/sets/select';
import type { SampleCondition } from '../src/concepts/sample-filter';
import { siblingsOf } from '../src/concepts/siblings';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';

/**
 * What has to hold for every concept set, over random data sets and requests. Rows are drawn from few attributes,
 * concepts and source ids, so that synonyms, contradictions, shared sources and short supplies are common.
 */
const attribute = (name: string) => findAttribute(name)!.index;
const concept = (name: string) => findConcept(name)!.index;

const SOME_ATTRIBUTES = [
  ...['piano', 'piano accompaniment', 'keyboard', 'slow tempo', 'fast tempo', 'medium tempo', 'rock', 'pop', 'sad'],
  ...['happy', 'no voices', 'male voice', 'male vocal', 'female voice', 'drums', 'no percussion'],
].map(attribute);
const SOME_MENTIONS = [
  'piano',
  'keyboard',
  'slow',
  'fast',
  'medium tempo',
  'male vocals',
  'vocals',
  'no vocals',
  'drums',
].map(concept);
const SOME_TARGETS = ['piano', 'slow', 'male vocals', 'vocals', 'no vocals', 'medium tempo'].map(concept);

interface RowFacts {
  readonly attributes: readonly number[];
  readonly mentions: readonly number[];
  readonly source: number;
  readonly key: number;
  readonly versionStep: number;
  readonly audioDelay: number | null;
  readonly retireDelay: number | null;
  /** Rows that it becomes a counterfactual of, modulo the number of rows before it. */
  readonly originals: readonly number[];
}

/** Null nine times out of ten. */
const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });

const rowFacts: fc.Arbitrary<RowFacts> = fc.record({
  attributes: fc.subarray(SOME_ATTRIBUTES, { maxLength: 7 }).map((list) => [...list].sort((a, b) => a - b)),
  mentions: fc.subarray(SOME_MENTIONS, { maxLength: 4 }).map((list) => [...list].sort((a, b) => a - b)),
  source: fc.nat(60),
  key: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  versionStep: fc.constantFrom(0, 0, 0, 1),
  audioDelay: fc.option(fc.nat(3)),
  retireDelay: seldom(fc.integer({ min: 1, max: 3 })),
  originals: fc.array(fc.nat(), { maxLength: 6, size: 'max' }),
});

const dataset = fc.oneof(
  { weight: 1, arbitrary: fc.array(rowFacts, { maxLength: 10 }) },
  { weight: 9, arbitrary: fc.array(rowFacts, { minLength: 80, maxLength: 150, size: 'max' }) },
);

const scope: fc.Arbitrary<SampleCondition> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<SampleCondition>({ kind: 'and', conditions: [] }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<SampleCondition>(
      { kind: 'attributes', sets: { all: [], any: [attribute('rock'), attribute('pop')], none: [] } },
      { kind: 'hasAudio', value: true },
      { kind: 'not', condition: { kind: 'carries', sets: { all: [concept('drums')], any: null, none: [] } } },
    ),
  },
);

const target: fc.Arbitrary<ConceptSetRequest['target']> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...SOME_TARGETS).map((index) => ({ kind: 'concept' as const, concept: index })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(attribute('piano'), attribute('male vocal'), attribute('slow tempo'))
      .map((index) => ({ kind: 'attribute' as const, attribute: index })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      kind: 'filter' as const,
      condition: {
        kind: 'attributes' as const,
        sets: { all: [], any: [attribute('piano'), attribute('drums')], none: [attribute('rock')] },
      },
    }),
  },
);

const isPaired = (strategy: ConceptSetRequest['strategy']) => strategy === 'MATCHED' || strategy === 'COUNTERFACTUAL';
const request: fc.Arbitrary<ConceptSetRequest> = fc
  .record({
    target,
    against: seldom(fc.constant({ kind: 'concept' as const, concept: concept('fast') })),
    scope,
    positives: fc.integer({ min: 1, max: 12 }),
    negatives: fc.integer({ min: 1, max: 12 }),
    randomSets: fc.nat(3),
    randomSetSize: fc.integer({ min: 1, max: 10 }),
    strategy: fc.constantFrom(...STRATEGIES),
    seed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    captionConfirms: fc.boolean(),
  })
  .map((one) => ({
    ...one,
    negatives: isPaired(one.strategy) ? one.positives : one.negatives,
    against: one.strategy === 'HARD' ? null : one.against,
  }))
  .filter((one) => one.strategy !== 'HARD' || one.target.kind !== 'filter');

interface TestRow extends IndexRow {
  readonly originals: readonly number[];
}

/** The index rows of a data set, as an import in several versions would have made them. */
function toIndexRows(facts: readonly RowFacts[]): TestRow[] {
  const firstOfSource = new Map<number, number>();
  let version = 1;
  return facts.map((row, seq) => {
    version += row.versionStep;
    if (!firstOfSource.has(row.source)) firstOfSource.set(row.source, seq);
    return {
      seq,
      attributes: row.attributes,
      carries: carriedConcepts(row.attributes),
      mentions: row.mentions,
      source: 1,
      split: null,
      key: row.key,
      group: firstOfSource.get(row.source)!,
      addedVersion: version,
      audioVersion: row.audioDelay === null ? null : version + row.audioDelay,
      retiredVersion: row.retireDelay === null ? null : version + row.retireDelay,
      originals: seq === 0 ? [] : [...new Set(row.originals.map((other) => other % seq))],
    };
  });
}

/** The index at a version as a process sees it that reads all rows then. */
function indexAt(rows: readonly TestRow[], version: number): ConceptIndex {
  const index = new ConceptIndex(CONCEPTS.length);
  for (const row of rows) {
    if (row.addedVersion > version) break;
    const upTo = (at: number | null) => (at !== null && at <= version ? at : null);
    index.append({ ...row, audioVersion: upTo(row.audioVersion), retiredVersion: upTo(row.retiredVersion) });
    for (const original of row.originals) index.counterfactuals.link(row.addedVersion, row.seq, original);
  }
  index.version = version;
  return index;
}

const lastVersion = (rows: readonly IndexRow[]) =>
  Math.max(0, ...rows.map((row) => Math.max(row.addedVersion, row.audioVersion ?? 0, row.retiredVersion ?? 0)));

/** @param pairs keys of counterfactuals and originals, instead of those that follow from the order of rows */
function build(
  facts: readonly RowFacts[],
  pairs?: readonly (readonly [number, number])[],
): { rows: TestRow[]; view: IndexView } {
  const inOrder = toIndexRows(facts);
  const seqOf = new Map(inOrder.map(({ key, seq }) => [key, seq]));
  const rows = !pairs
    ? inOrder
    : inOrder.map((row) => ({
        ...row,
        originals: pairs.flatMap(([a, b]) => {
          const other = a === row.key ? seqOf.get(b)! : b === row.key ? seqOf.get(a)! : row.seq;
          return other < row.seq ? [other] : [];
        }),
      }));
  return { rows, view: indexAt(rows, lastVersion(rows)).now() };
}

const says = (row: IndexRow, index: number) => row.carries.includes(index) || row.mentions.includes(index);
const contradicted = (row: IndexRow, index: number) => CONCEPTS[index]!.contradicts.some((other) => says(row, other));
const ofTarget = (row: IndexRow, one: ConceptSetRequest['target']): boolean =>
  one.kind === 'concept'
    ? row.carries.includes(one.concept)
    : one.kind === 'attribute'
      ? row.attributes.includes(one.attribute)
      : row.attributes.some((index) => [attribute('piano'), attribute('drums')].includes(index)) &&
        !row.attributes.includes(attribute('rock'));
const isUnreliable = (row: IndexRow, index: number) =>
  CONCEPTS[index]!.contradicts.some(
    (opposite) => says(row, opposite) && CONCEPTS[opposite]!.contradicts.some((other) => says(row, other)),
  );
/** The attribute of the concept's own name, or else its most frequent one. */
const tagOf = (live: readonly IndexRow[], index: number): number => {
  const { name, attributes } = CONCEPTS[index]!;
  const carriers = (one: number) => live.filter((row) => row.attributes.includes(one)).length;
  return findAttribute(name)?.index ?? [...attributes].sort((a, b) => carriers(b) - carriers(a) || a - b)[0]!;
};
const sourcesOf = (rows: readonly IndexRow[], seqs: readonly number[]) => seqs.map((seq) => rows[seq]!.group);
const hasRepeats = (items: readonly unknown[]) => new Set(items).size < items.length;

describe('every concept set', () => {
  const holds = (check: (rows: TestRow[], asked: ConceptSetRequest, set: Selection, view: IndexView) => void) =>
    fc.assert(
      fc.property(dataset, request, (facts, asked) => {
        const { rows, view } = build(facts);
        check(rows, asked, selectConceptSet(view, asked), view);
      }),
      { numRuns: 100, seed: 20261123 },
    );

  it('has only positives that carry the concept and, when asked, confirm it and are not contradicted', () =>
    holds((rows, { target: one, strategy, captionConfirms }, { positives }) => {
      for (const row of positives.map((seq) => rows[seq]!)) {
        expect(ofTarget(row, one)).toBe(true);
        if (strategy === 'RANDOM' || one.kind !== 'concept') continue;
        expect(contradicted(row, one.concept)).toBe(false);
        if (captionConfirms) expect(row.mentions).toContain(one.concept);
      }
    }));

  it('has no negative that carries the concept and, but for RANDOM, none with a synonym or mention', () =>
    holds((rows, { target: one, strategy }, { negatives }) => {
      for (const row of negatives.map((seq) => rows[seq]!)) {
        expect(ofTarget(row, one)).toBe(false);
        if (strategy === 'RANDOM') continue;
        if (one.kind === 'concept') expect(says(row, one.concept)).toBe(false);
        if (one.kind === 'attribute') {
          const home = carriedConcepts([one.attribute]).find(
            (index) =>
              !CONCEPTS[index]!.includes.some((narrower) => CONCEPTS[narrower]!.attributes.includes(one.attribute)),
          )!;
          expect(says(row, home)).toBe(false);
        }
      }
    }));

  it('keeps to its scope and, in the relative form, to the other concept', () =>
    holds((rows, { scope: limit, against, strategy }, { positives, negatives, randomSets }, view) => {
      for (const seq of [...positives, ...negatives, ...randomSets.flat()]) {
        expect(view.live.has(seq)).toBe(true);
        if (limit.kind === 'hasAudio') expect(view.withAudio.has(seq)).toBe(true);
        if (limit.kind === 'attributes') {
          expect(rows[seq]!.attributes.some((index) => limit.sets.any!.includes(index))).toBe(true);
        }
      }
      if (against?.kind !== 'concept') return;
      for (const row of negatives.map((seq) => rows[seq]!)) expect(row.carries).toContain(against.concept);
      for (const row of positives.map((seq) => rows[seq]!)) {
        expect(strategy === 'RANDOM' ? row.carries.includes(against.concept) : says(row, against.concept)).toBe(false);
      }
    }));

  it('takes the negatives of HARD from the siblings', () =>
    holds((rows, { target: one, strategy }, { negatives }) => {
      if (strategy !== 'HARD' || one.kind !== 'concept') return;
      for (const row of negatives.map((seq) => rows[seq]!)) {
        expect(siblingsOf(one.concept).some((sibling) => row.carries.includes(sibling))).toBe(true);
      }
    }));

  it('holds no source id twice, on one side or across', () =>
    holds((rows, _asked, { positives, negatives, randomSets }) => {
      expect(hasRepeats(sourcesOf(rows, [...positives, ...negatives]))).toBe(false);
      for (const set of randomSets) expect(hasRepeats(sourcesOf(rows, [...set, ...positives]))).toBe(false);
    }));

  it('has pairs that are one to one under MATCHED and COUNTERFACTUAL, and explains each by what differs', () =>
    holds((rows, asked, { positives, negatives, pairs }) => {
      if (!isPaired(asked.strategy)) return expect(pairs).toEqual([]);
      expect(pairs.map((pair) => pair.positive)).toEqual(positives);
      expect(pairs.map((pair) => pair.negative)).toEqual(negatives);
      const counted = new Set(countedAttributes(asked));
      for (const { positive, negative, differing } of pairs) {
        const [a, b] = [rows[positive]!.attributes, rows[negative]!.attributes];
        const onlyOne = [...a.filter((x) => !b.includes(x)), ...b.filter((x) => !a.includes(x))];
        expect(differing).toEqual(onlyOne.filter((x) => counted.has(x)).sort((x, y) => x - y));
      }
      return undefined;
    }));

  it('pairs counterfactuals under COUNTERFACTUAL, and finds one where there is any', () =>
    fc.assert(
      fc.property(dataset, request, (facts, one) => {
        const asked = { ...one, strategy: 'COUNTERFACTUAL' as const, negatives: one.positives };
        const { rows, view } = build(facts);
        const { pairs, available } = selectConceptSet(view, asked);
        for (const { positive, negative } of pairs) {
          const areLinked =
            rows[positive]!.originals.includes(negative) || rows[negative]!.originals.includes(positive);
          expect(areLinked).toBe(true);
        }
        // Pairs of one source id aside, the first that is left is taken.
        const clean = selectConceptSet(view, { ...asked, strategy: 'CLEAN', positives: 1_000, negatives: 1_000 });
        const [some, others] = [clean.positives, clean.negatives].map((side) => new Set(side)) as [
          Set<number>,
          Set<number>,
        ];
        const isPossible = rows.some(({ seq, originals }) =>
          originals.some((original) => {
            const sources = rows[seq]!.group !== rows[original]!.group;
            return sources && ((some.has(seq) && others.has(original)) || (some.has(original) && others.has(seq)));
          }),
        );
        if (isPossible) expect(pairs.length).toBeGreaterThan(0);
        expect(pairs.length).toBeLessThanOrEqual(available.positives);
      }),
      { numRuns: 200, seed: 20261123 },
    ));

  it('accounts for every row that was considered, and is as large as what is available allows', () =>
    holds((_rows, asked, set) => {
      for (const [side, name] of [
        ['POSITIVE', 'positives'],
        ['NEGATIVE', 'negatives'],
      ] as const) {
        const left = set.exclusions.filter((one) => one.side === side).reduce((sum, one) => sum + one.count, 0);
        expect(set.considered[name]).toBe(set.available[name] + left);
        expect(set[name].length).toBeLessThanOrEqual(Math.min(asked[name], set.available[name]));
      }
      if (isPaired(asked.strategy)) {
        expect(set.negatives.length).toBe(set.positives.length);
      } else {
        expect(set.positives.length).toBe(Math.min(asked.positives, set.available.positives));
        expect(set.negatives.length).toBe(Math.min(asked.negatives, set.available.negatives));
      }
    }));

  it('counts the reasons of a clean set as going through the rows one by one does', () =>
    holds((rows, asked, { exclusions }, view) => {
      const { target: one, strategy, scope: limit, against, captionConfirms } = asked;
      if (one.kind !== 'concept' || strategy !== 'CLEAN' || against || limit.kind !== 'and') return;
      const live = rows.filter(({ seq }) => view.live.has(seq));
      const named = tagOf(live, one.concept);
      const counts = new Map<string, number>();
      for (const row of live) {
        const reasons = [
          row.carries.includes(one.concept) && contradicted(row, one.concept) && 'POSITIVE CONTRADICTED',
          row.carries.includes(one.concept) &&
            !contradicted(row, one.concept) &&
            captionConfirms &&
            !row.mentions.includes(one.concept) &&
            'POSITIVE CAPTION_SILENT',
          row.attributes.includes(named)
            ? 'NEGATIVE TAGGED'
            : row.carries.includes(one.concept)
              ? 'NEGATIVE SYNONYM'
              : row.mentions.includes(one.concept)
                ? 'NEGATIVE MENTIONED'
                : isUnreliable(row, one.concept) && 'NEGATIVE UNRELIABLE',
        ];
        for (const reason of reasons) if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
      const told = exclusions.filter(({ reason }) => reason !== 'SAME_SOURCE');
      expect(new Map(told.map(({ side, reason, count }) => [`${side} ${reason}`, count]))).toEqual(counts);
    }));

  it('tells truly whether random sets share rows, and fills them as far as rows go', () =>
    holds((_rows, asked, { randomSets, randomSetsAreDisjoint }) => {
      expect(randomSets).toHaveLength(asked.randomSets);
      const all = randomSets.flat();
      if (randomSets.length > 1)
        expect(randomSetsAreDisjoint).toBe(!hasRepeats(all) && all.length === asked.randomSets * asked.randomSetSize);
      if (randomSetsAreDisjoint && randomSets.length > 1) expect(hasRepeats(all)).toBe(false);
      for (const set of randomSets) expect(set.length).toBe(randomSets[0]!.length);
    }));

  it('is the same for the same input, wherever and in whatever order the rows were imported', () =>
    fc.assert(
      fc.property(dataset, request, fc.infiniteStream(fc.nat()), (facts, asked, shuffle) => {
        const distinct = [...new Map(facts.map((row) => [row.key, { ...row, versionStep: 0 }])).values()];
        const here = build(distinct);
        const places = distinct.map((_row, i) => ({ i, order: shuffle.next().value }));
        places.sort((a, b) => a.order - b.order || a.i - b.i);
        const pairs = here.rows.flatMap(({ key, originals }) =>
          originals.map((original) => [key, here.rows[original]!.key] as const),
        );
        const elsewhere = build(
          places.map(({ i }) => distinct[i]!),
          pairs,
        );
        const keys = ({ rows, view }: ReturnType<typeof build>) => {
          const set = selectConceptSet(view, asked);
          return [set.positives, set.negatives, ...set.randomSets].map((side) => side.map((seq) => rows[seq]!.key));
        };
        expect(keys(here)).toEqual(keys(here));
        expect(keys(elsewhere)).toEqual(keys(here));
      }),
      { numRuns: 80, seed: 20261123 },
    ));

  it('is the same at an old data version, whatever was added, given audio or retired since', () =>
    fc.assert(
      fc.property(dataset, request, fc.nat(), (facts, asked, pick) => {
        const rows = toIndexRows(facts);
        const newest = indexAt(rows, lastVersion(rows));
        const version = pick % (newest.version + 1);
        const then = indexAt(rows, version).now();
        const back = newest.at(version);
        expect(selectConceptSet(back, asked)).toEqual(selectConceptSet(then, asked));
        expect(diagnose(back, asked, selectConceptSet(back, asked))).toEqual(
          diagnose(then, asked, selectConceptSet(then, asked)),
        );
      }),
      { numRuns: 100, seed: 20261123 },
    ));

  it('is diagnosed as a slow and obvious computation diagnoses it', () =>
    holds((rows, asked, set, view) => {
      const told = diagnose(view, asked, set);
      const side = (seqs: readonly number[]) => seqs.map((seq) => rows[seq]!);
      const [positives, negatives] = [side(set.positives), side(set.negatives)];
      const share = (list: readonly IndexRow[], test: (row: IndexRow) => boolean) =>
        list.length === 0 ? 0 : list.filter(test).length / list.length;
      if (asked.target.kind === 'concept') {
        const index = asked.target.concept;
        expect(told.contamination.negatives).toBeCloseTo(share(negatives, (row) => says(row, index)));
        expect(told.contamination.positives).toBeCloseTo(share(positives, (row) => contradicted(row, index)));
      }
      expect(balanceByHand(positives, negatives, countedAttributes(asked))).toEqual({
        mean: expect.closeTo(told.balance.meanAbsSmd, 9) as number,
        worst: expect.closeTo(told.balance.maxAbsSmd, 9) as number,
        smds: smdsOf(told),
      });
    }));
});

const smdsOf = ({ balance }: Diagnostics) =>
  new Map(
    balance.attributes
      .filter((line) => line.counts)
      .map((line) => [line.attribute, expect.closeTo(line.smd, 9) as number] as const)
      .sort(([a], [b]) => a - b),
  );

function balanceByHand(positives: readonly IndexRow[], negatives: readonly IndexRow[], counted: readonly number[]) {
  const smds = new Map<number, number>();
  for (const index of counted) {
    const carriers = [positives, negatives].map((side) => side.filter((row) => row.attributes.includes(index)).length);
    const [a, b] = carriers as [number, number];
    if (a + b === 0 || a + b < 0.05 * (positives.length + negatives.length)) continue;
    if (positives.length === 0 || negatives.length === 0) {
      smds.set(index, 0);
      continue;
    }
    const [p, q] = [a / positives.length, b / negatives.length];
    const deviation = Math.sqrt((p * (1 - p) + q * (1 - q)) / 2);
    const half = 1 / (2 * Math.min(positives.length, negatives.length));
    smds.set(index, p === q ? 0 : (p - q) / (deviation > 0 ? deviation : Math.sqrt(half * (1 - half))));
  }
  const sizes = [...smds.values()].map(Math.abs);
  const mean = sizes.length === 0 ? 0 : sizes.reduce((sum, smd) => sum + smd, 0) / sizes.length;
  return { mean, worst: Math.max(0, ...sizes), smds };
}

/** 400 rows with a piano that are mostly slow, sad and sung; 2,000 without that are mostly not. */
function skewed(): IndexView {
  const index = new ConceptIndex(CONCEPTS.length);
  const names = ['slow tempo', 'sad', 'male voice', 'rock', 'pop', 'drums', 'violin', 'jazz', 'emotional', 'bass'];
  let state = 12345;
  const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
  for (let seq = 0; seq < 2_400; seq++) {
    const hasPiano = seq < 400;
    const attributes = names
      .filter((_name, i) => random() < (i >= 3 ? 0.3 : hasPiano ? 0.6 : 0.15))
      .map(attribute)
      .concat(hasPiano ? attribute('piano') : [])
      .sort((a, b) => a - b);
    index.append({
      seq,
      attributes,
      carries: carriedConcepts(attributes),
      mentions: hasPiano ? [concept('piano')] : [],
      source: 1,
      split: null,
      key: Math.floor(random() * 2 ** 32) | 0,
      group: seq,
      addedVersion: 1,
      audioVersion: null,
      retiredVersion: null,
    });
  }
  for (let seq = 1; seq < index.size; seq++) index.counterfactuals.link(1, seq, Math.floor(random() * seq));
  index.version = 1;
  return index.now();
}
const asked = (strategy: ConceptSetRequest['strategy']): ConceptSetRequest => ({
  target: { kind: 'concept', concept: concept('piano') },
  against: null,
  scope: { kind: 'and', conditions: [] },
  positives: 50,
  negatives: 50,
  randomSets: 0,
  randomSetSize: 1,
  strategy,
  seed: 3,
  captionConfirms: true,
});

describe('balancing', () => {
  it('leaves nothing of a strong confounding, and matching little', () => {
    const view = skewed();
    const smd = (strategy: ConceptSetRequest['strategy']) => {
      const one = asked(strategy);
      return diagnose(view, one, selectConceptSet(view, one)).balance.meanAbsSmd;
    };
    expect(smd('CLEAN')).toBeGreaterThan(0.25);
    expect(smd('MATCHED')).toBeLessThan(0.1);
    expect(smd('BALANCED')).toBeLessThan(0.01);
  });
});

describe('the selection', () => {
  /**
   * Digests of the rows that this version selects. They must be the same on every machine and version of Node. Where a
   * change of the selection is meant, SELECTION_VERSION has to grow with them.
   */
  const DIGESTS = {
    version: 1,
    RANDOM: 'cf49ec3ce0f95545',
    CLEAN: 'cf49ec3ce0f95545',
    MATCHED: '2570bdf475d23328',
    BALANCED: '3cc389a9df421cd0',
    HARD: '3c3e0df463be81d2',
    COUNTERFACTUAL: 'f3a520a3a76a6763',
  };

  it('is the one that its version stands for', () => {
    const view = skewed();
    const digestOf = (strategy: ConceptSetRequest['strategy']) => {
      const { positives, negatives, randomSets } = selectConceptSet(view, {
        ...asked(strategy),
        randomSets: 2,
        randomSetSize: 20,
      });
      return createHash('sha256')
        .update(JSON.stringify([positives, negatives, randomSets]))
        .digest('hex')
        .slice(0, 16);
    };
    expect({
      version: SELECTION_VERSION,
      ...Object.fromEntries(STRATEGIES.map((strategy) => [strategy, digestOf(strategy)])),
    }).toEqual(DIGESTS);
  });
});

describe('siblings', () => {
  it('are given for every concept, and none includes the other', () => {
    for (const { index, name, includes, includedIn } of CONCEPTS) {
      const siblings = siblingsOf(index);
      expect({ name, some: siblings.length > 0 }).toEqual({ name, some: true });
      for (const sibling of siblings) expect([index, ...includes, ...includedIn]).not.toContain(sibling);
    }
  });

  it('are the neighbours on the scale of tempi', () => {
    const names = (name: string) => siblingsOf(concept(name)).map((index) => CONCEPTS[index]!.name);
    expect(names('slow')).toEqual(['medium tempo']);
    expect(names('medium tempo')).toEqual(['slow', 'fast']);
    expect(names('piano')).toContain('keyboard');
  });
});

describe('folds', () => {
  const item = fc.record({
    side: fc.constantFrom('positive' as const, 'negative' as const),
    caption: fc.constantFrom('a quiet song with a lonely piano', 'loud guitars over heavy drums', 'one', ''),
    attributes: fc.subarray(ATTRIBUTES.slice(0, 6).map(({ index }) => index)),
  });

  it('keep near-duplicates and pairs together', () =>
    fc.assert(
      fc.property(fc.array(item, { maxLength: 40 }), fc.integer({ min: 2, max: 5 }), (items, count) => {
        const pairs = items.length >= 2 ? [[0, items.length - 1] as const] : [];
        const folds = assignFolds(items, pairs, count);
        for (const [a, b] of pairs) expect(folds[a]).toBe(folds[b]);
        for (const [i, one] of items.entries()) {
          expect(folds[i]).toBeGreaterThanOrEqual(0);
          expect(folds[i]).toBeLessThan(count);
          for (const [j, other] of items.entries()) {
            const isSameList = one.attributes.length >= 3 && one.attributes.join() === other.attributes.join();
            const isSameText = one.caption === other.caption && one.caption.split(' ').length >= 3;
            if (isSameList || isSameText) expect(folds[j]).toBe(folds[i]);
          }
        }
      }),
      { seed: 20261123 },
    ));

  it('share unrelated rows out evenly, side by side', () => {
    const items = Array.from({ length: 100 }, (_item, i) => ({
      side: i < 50 ? ('positive' as const) : ('negative' as const),
      caption: `caption ${i} of its own w${i} x${i} y${i}`,
      attributes: [],
    }));
    const folds = assignFolds(items, [], 5);
    for (const side of [folds.slice(0, 50), folds.slice(50)]) {
      for (let fold = 0; fold < 5; fold++) expect(side.filter((one) => one === fold)).toHaveLength(10);
    }
  });
});
