import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, Kind, type DocumentNode, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
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
/** Coercing variables is recursive; no filter that is accepted nests half as deep. */
const MAX_VARIABLE_DEPTH = 50;
/** For Apollo, which takes it out of the answer: the status where nothing of the query was run. */
const BAD_REQUEST = { http: { status: 400 } };

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
    plugins: [ApolloServerPluginCacheControlDisabled(), requestLimits(options.schema)],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  app.post(
    GRAPHQL_PATH,
    fastifyApolloHandler(apollo, { context: (request) => Promise.resolve(options.context(request.id)) }),
  );
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: GRAPHQL_PATH,
    handler: async (request, reply) => {
      const isBrowser = request.method === 'GET' && request.headers.accept?.includes('text/html');
      if (isBrowser) return reply.redirect('/graphiql');
      return reply
        .code(405)
        .header('allow', 'POST')
        .send({ errors: [{ message: `Send queries to ${GRAPHQL_PATH} by POST, or open /graphiql in a browser.` }] });
    },
  });
}

/** What a request has to be before anything of it is run. */
function requestLimits(schema: GraphQLSchema): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation: ({ request, document, operation, operationName }) => {
          if (!operation) throw noSuchOperation(document, request.operationName);
          if (!schema.getRootType(operation.operation)) {
            throw requestError('OPERATION_RESOLUTION_FAILURE', `There is no ${operation.operation} in this API.`);
          }
          checkVariableDepth(request.variables ?? {});
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

/** Apollo goes on without an operation, and the compiler takes another than the one that was asked for. */
function noSuchOperation(document: DocumentNode, wanted: string | undefined): GraphQLError {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const names = operations.flatMap(({ name }) => (name ? [name.value] : [])).slice(0, 10);
  const known = names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none with a name: leave operationName out.';
  if (operations.length === 0) {
    return requestError('OPERATION_RESOLUTION_FAILURE', 'The query has no operation, only fragments.');
  }
  return requestError(
    'OPERATION_RESOLUTION_FAILURE',
    wanted != null
      ? `The query has no operation "${wanted.slice(0, 100)}". ${known}`
      : `The query has several operations: say which one with operationName. ${known}`,
  );
}

function checkVariableDepth(variables: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(variables)) {
    let level: unknown[] = [value];
    for (let depth = 0; level.length > 0; depth++) {
      if (depth > MAX_VARIABLE_DEPTH) {
        const field = `$${name.slice(0, 100)}`;
        throw toGraphQLError(
          new UserError('BAD_USER_INPUT', `${field} is nested deeper than ${MAX_VARIABLE_DEPTH} levels.`, { field }),
        );
      }
      level = level.flatMap((part) => (typeof part === 'object' && part ? (Object.values(part) as unknown[]) : []));
    }
  }
}

/** Arguments count, so the variables are checked here first. */
function complexityOf(options: Parameters<typeof getComplexity>[0]): number {
  try {
    return getComplexity(options);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw requestError('BAD_USER_INPUT', error.message, error.nodes);
  }
}

function requestError(code: string, message: string, nodes?: GraphQLError['nodes']): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code, ...BAD_REQUEST } });
}

function toGraphQLError(error: UserError): GraphQLError {
  const { code, details } = error;
  return new GraphQLError(error.message, { originalError: error, extensions: { code, ...details, ...BAD_REQUEST } });
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
