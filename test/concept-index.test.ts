import fc from 'fast-check';
import { AttributeLists } from '../src/concepts/attribute-lists';
import { BitSet } from '../src/concepts/bit-set';
import { SeededOrder } from '../src/concepts/seeded-order';
import { SourceGroups } from '../src/concepts/source-groups';

/** The structures that the index is made of, against the obvious ones. */
const rows = fc.uniqueArray(fc.nat(300), { maxLength: 120, size: 'max' });
const sorted = (items: Iterable<number>) => [...items].sort((a, b) => a - b);

describe('a bit set', () => {
  it('does what a set of numbers does', () =>
    fc.assert(
      fc.property(rows, rows, fc.integer({ min: -1, max: 310 }), fc.nat(20), (some, others, bound, limit) => {
        const set = new Set(some);
        const [a, b] = [BitSet.of(some), BitSet.of(others)];
        expect(a.rows()).toEqual(sorted(some));
        expect(a.count()).toBe(some.length);
        expect(a.countIntersection(b)).toBe(others.filter((row) => set.has(row)).length);
        expect(a.clone().intersect(b).rows()).toEqual(sorted(others.filter((row) => set.has(row))));
        expect(a.clone().union(b).rows()).toEqual(sorted(new Set([...some, ...others])));
        expect(a.clone().subtract(b).rows()).toEqual(sorted(some.filter((row) => !others.includes(row))));
        expect(a.rowsAfter(bound, limit)).toEqual(sorted(some.filter((row) => row > bound)).slice(0, limit));
        expect(a.rowsBefore(bound, limit)).toEqual(
          sorted(some.filter((row) => row < bound))
            .reverse()
            .slice(0, limit),
        );
        for (const row of others) a.delete(row);
        expect(a.rows()).toEqual(sorted(some.filter((row) => !others.includes(row))));
        expect(BitSet.full(some.length).rows()).toEqual(some.map((_row, i) => i));
      }),
    ));
});

describe('a seeded order', () => {
  const keys = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), {
    minLength: 1,
    maxLength: 300,
    size: 'max',
  });
  const orderOf = (list: readonly number[]) => {
    const order = new SeededOrder();
    for (const key of list) order.append(key);
    return order;
  };

  it('puts all rows in one order, of which fewer are the beginning, however rare the rows are', () =>
    fc.assert(
      fc.property(keys, fc.integer(), fc.nat(), fc.nat(9), (list, seed, pick, step) => {
        const order = orderOf(list);
        const some = BitSet.of(list.map((_key, row) => row).filter((row) => row % (step + 1) === 0));
        const all = order.first(some, list.length, seed);
        expect(sorted(all)).toEqual(some.rows());
        const count = pick % (all.length + 1);
        expect(order.first(some, count, seed)).toEqual(all.slice(0, count));
        // Rows that are left out do not change the order of the others.
        const everyone = order.first(BitSet.full(list.length), list.length, seed);
        expect(everyone.filter((row) => some.has(row))).toEqual(all);
      }),
    ));

  it('is the same for the same keys, in whatever order they came', () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 100 }),
        fc.integer(),
        (list, seed) => {
          const backwards = [...list].reverse();
          const keysOf = (order: SeededOrder, from: readonly number[]) =>
            order.first(BitSet.full(from.length), from.length, seed).map((row) => from[row]);
          expect(keysOf(orderOf(backwards), backwards)).toEqual(keysOf(orderOf(list), list));
        },
      ),
    ));

  it('prefers no row over the seeds', () => {
    const list = Array.from({ length: 1_000 }, (_key, i) => Math.imul(i + 1, 0x9e3779b1));
    const order = orderOf(list);
    const drawn = new Array<number>(list.length).fill(0);
    for (let seed = 0; seed < 2_000; seed++) for (const row of order.first(BitSet.full(1_000), 50, seed)) drawn[row]!++;
    // 100 times each is expected; with a deviation of 10, no row of 1,000 should be five of them away.
    expect(Math.min(...drawn)).toBeGreaterThan(50);
    expect(Math.max(...drawn)).toBeLessThan(150);
  });
});

describe('source groups', () => {
  it('count and leave out as going through the rows does', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(30), { maxLength: 200, size: 'max' }),
        rows,
        fc.uniqueArray(fc.nat(30)),
        (sources, picked, left) => {
          const groups = new SourceGroups();
          sources.forEach((source) => groups.append(sources.indexOf(source)));
          const some = picked.filter((row) => row < sources.length);
          const set = BitSet.of(some);
          expect(groups.count(set)).toBe(new Set(some.map((row) => sources[row])).size);
          const known = left.filter((source) => sources.includes(source));
          expect(
            groups
              .without(
                set,
                known.map((source) => sources.indexOf(source)),
              )
              .rows(),
          ).toEqual(sorted(some.filter((row) => !known.includes(sources[row]!))));
        },
      ),
    ));
});

describe('attribute lists', () => {
  it('give back what was put in', () =>
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(199), { maxLength: 12 }), { maxLength: 60 }), (given) => {
        const lists = new AttributeLists();
        for (const list of given) lists.append(list);
        expect(given.map((_list, row) => [...lists.of(row)])).toEqual(given);
      }),
    ));
});
