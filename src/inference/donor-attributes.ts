import { BitSet } from '../concepts/bit-set';
import type { IndexView } from '../concepts/concept-index';
import { contradict } from '../concepts/concepts';
import { mix } from '../concepts/seeded-order';
import type { AttributeCompleter, Completion, CompletionRequest } from './stages';

/**
 * Completes a partial combination of attributes with those of a sample that is there: what has been heard together is
 * plausible together. A placeholder for a learned model, and named as one.
 *
 * @param donorsOf the data as of a version, and the rows of it that may be donors
 */
export function donorAttributes(donorsOf: (dataVersion: number) => Promise<Donors>): AttributeCompleter {
  return {
    name: 'donor-attributes',
    version: '2',
    isPlaceholder: true,
    models: () => Promise.resolve([]),
    complete: async (request) => completeFrom(await donorsOf(request.dataVersion), request),
  };
}

export interface Donors {
  readonly view: IndexView;
  readonly rows: BitSet;
}

/**
 * The donor is drawn by the seed from the rows that have all that is given, or else at least one of it, or else from
 * all. Its attributes are taken but for those that are forbidden or contradict what is there already; where there is
 * no row, only the given ones are left.
 */
function completeFrom({ view, rows }: Donors, { given, forbidden, seed }: CompletionRequest): Completion {
  const { index } = view;
  const withAll = rows.clone();
  const withAny = new BitSet();
  for (const attribute of given) {
    withAll.intersect(index.attributes[attribute]!);
    withAny.union(index.attributes[attribute]!);
  }
  withAny.intersect(rows);
  const pool = [withAll, withAny, rows].find((candidates) => candidates.count() > 0) ?? rows;
  const [donor] = index.order.first(pool, 1, mix(seed, DONOR_STREAM));
  const attributes = [...new Set(given)];
  for (const attribute of donor === undefined ? [] : index.lists.of(donor)) {
    if (forbidden.includes(attribute) || attributes.includes(attribute)) continue;
    if (!attributes.some((other) => contradict(attribute, other))) attributes.push(attribute);
  }
  return {
    attributes: attributes.sort((a, b) => a - b),
    parameters: { dataVersion: view.version, ...(donor !== undefined && { donorRow: donor }) },
  };
}

const DONOR_STREAM = 0x0d0402;
