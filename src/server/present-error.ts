import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { UserError } from '../platform/errors';

/** Codes by which Apollo marks mistakes in the request itself; their messages are for the user. */
const REQUEST_ERROR_CODES = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** A user's mistake as it is; anything else masked, with an id that is in the log beside the cause. */
export function presentError(formatted: GraphQLFormattedError, error: unknown, log: Logger): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  const cause = original instanceof GraphQLError && original.originalError ? original.originalError : original;
  if (cause instanceof UserError) {
    const { message, code, details } = cause;
    return { ...formatted, message, extensions: { code, ...details } };
  }
  if (REQUEST_ERROR_CODES.has(formatted.extensions?.code) && cause instanceof GraphQLError) return formatted;
  const errorId = `e_${randomUUID()}`;
  log.error({ err: cause, errorId, path: formatted.path }, 'a query failed');
  return {
    message: `Internal error. It is in the server's log under ${errorId}.`,
    ...(formatted.path && { path: formatted.path }),
    extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
  };
}
