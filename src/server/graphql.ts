import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import { fieldExtensionsEstimator, getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { UserError } from '../platform/errors';
import type { RequestContext } from '../resolvers/context';
import { jitGateway } from './jit';

/**
 * `/graphql`: Apollo Server on Fastify, with bounds on what a query may cost and no leak of internal errors.
 */
export const GRAPHQL_PATH = '/graphql';

const MAX_TOKENS = 5_000;
/** A page of 200 samples with all their fields is about 12,000. */
const MAX_COMPLEXITY = 30_000;

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly context: (requestId: string) => RequestContext;
}

export async function registerGraphQL(app: FastifyInstance, options: GraphQLOptions): Promise<void> {
  const apollo = new ApolloServer<RequestContext>({
    gateway: jitGateway(options.schema),
    introspection: true,
    // The order in which things stop is decided in one place, `startApp`.
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    maxRecursiveSelections: true,
    formatError: (formatted, error) => presentError(formatted, error, options.log),
    plugins: [ApolloServerPluginCacheControlDisabled(), complexityLimit(options.schema)],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  app.post(
    GRAPHQL_PATH,
    fastifyApolloHandler(apollo, { context: (request) => Promise.resolve(options.context(request.id)) }),
  );
  app.get(GRAPHQL_PATH, async (request, reply) => {
    if (request.headers.accept?.includes('text/html')) return reply.redirect('/graphiql');
    return reply
      .code(405)
      .header('allow', 'POST')
      .send({ errors: [{ message: `Send queries to ${GRAPHQL_PATH} by POST, or open /graphiql in a browser.` }] });
  });
}

function complexityLimit(schema: GraphQLSchema): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation: ({ request, document, operationName }) => {
          const complexity = complexityOf({
            schema,
            query: document,
            operationName: operationName ?? undefined,
            variables: request.variables ?? {},
            estimators: [fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
          });
          if (complexity > MAX_COMPLEXITY) {
            throw toGraphQLError(
              new UserError(
                'QUERY_TOO_COMPLEX',
                `The query has a complexity of ${complexity}; at most ${MAX_COMPLEXITY} is allowed. Ask for fewer rows or fewer nested lists.`,
              ),
            );
          }
          return Promise.resolve();
        },
      }),
  };
}

/** Arguments count, so the variables are checked here first. */
function complexityOf(options: Parameters<typeof getComplexity>[0]): number {
  try {
    return getComplexity(options);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw new GraphQLError(error.message, { nodes: error.nodes, extensions: { code: 'BAD_USER_INPUT' } });
  }
}

function toGraphQLError(error: UserError): GraphQLError {
  return new GraphQLError(error.message, { originalError: error, extensions: { code: error.code, ...error.details } });
}

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
function presentError(formatted: GraphQLFormattedError, error: unknown, log: Logger): GraphQLFormattedError {
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
