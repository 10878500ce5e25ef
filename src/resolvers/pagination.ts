import type { SampleWindow } from '../dataset/sample-catalog';
import { UserError } from '../platform/errors';
import type { PageArguments } from '../schema/sample-filter';

export const DEFAULT_PAGE_SIZE = 20;
export const MAX_PAGE_SIZE = 200;
export const SAMPLE_CURSOR = 'sample';
const FIRST_SEQ = 0;
export const LAST_SEQ = 2 ** 31 - 1;

/**
 * Relay's arguments as a window over row numbers. Cursors name a row number, which never changes.
 * @throws UserError BAD_USER_INPUT, INVALID_CURSOR
 */
export function pageWindow({ first, after, last, before }: PageArguments): SampleWindow {
  if (first != null && last != null) {
    throw new UserError('BAD_USER_INPUT', 'first and last cannot be given together; ask for one of them.', {
      field: 'last',
    });
  }
  const afterSeq = after == null ? null : decodeCursor(SAMPLE_CURSOR, after, 'after');
  const beforeSeq = before == null ? null : decodeCursor(SAMPLE_CURSOR, before, 'before');
  if (last != null) {
    return { direction: 'backward', limit: pageSize(last, 'last'), from: beforeSeq ?? LAST_SEQ, until: afterSeq };
  }
  const limit = pageSize(first ?? DEFAULT_PAGE_SIZE, 'first');
  return { direction: 'forward', limit, from: afterSeq ?? FIRST_SEQ - 1, until: beforeSeq };
}

/** @throws UserError BAD_USER_INPUT */
export function pageSize(size: number, field: string): number {
  if (size < 0 || size > MAX_PAGE_SIZE) {
    throw new UserError('BAD_USER_INPUT', `${field} must be from 0 to ${MAX_PAGE_SIZE} (it is ${size}).`, { field });
  }
  return size;
}

/** @param kind what the connection is of: its cursors are no use in another */
export function encodeCursor(kind: string, seq: number): string {
  return Buffer.from(`${kind}:${seq}`).toString('base64url');
}

/** @throws UserError INVALID_CURSOR */
export function decodeCursor(kind: string, cursor: string, field: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const digits = text.startsWith(`${kind}:`) ? text.slice(kind.length + 1) : '';
  const seq = /^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(seq <= LAST_SEQ)) {
    throw new UserError('INVALID_CURSOR', `${field} is not a cursor of this connection.`, { field });
  }
  return seq;
}
