import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance } from 'fastify';
import { OperationTypeNode, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../resolvers/context';
import { authorize, type Credentials, type ReadAccess } from './auth';
import { jitGateway } from './jit';
import { checkOperation, MAX_TOKENS, requestError } from './operation-limits';
import { presentError } from './present-error';

/**
 * `/graphql`: Apollo Server on Fastify, with bounds on what a query may cost and no leak of internal errors.
 */
export const GRAPHQL_PATH = '/graphql';

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly readAccess: ReadAccess;
  /** Who sends requests with this Authorization header. */
  readonly credentials: (authorization: string | undefined) => Promise<Credentials>;
  readonly context: (requestId: string, credentials: Credentials) => RequestContext;
}

/** What Apollo passes on: what the resolvers share, and what is judged before they run. */
interface HttpContext extends RequestContext {
  readonly credentials: Credentials;
}

export async function registerGraphQL(app: FastifyInstance, options: GraphQLOptions): Promise<void> {
  const { schema, log } = options;
  const apollo = new ApolloServer<HttpContext>({
    gateway: jitGateway(schema),
    introspection: true,
    // The order in which things stop is decided in one place, `startApp`.
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    maxRecursiveSelections: true,
    formatError: (formatted, error) => presentError(formatted, error, log),
    plugins: [ApolloServerPluginCacheControlDisabled(), requestLimits(options)],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  const context = async (request: { readonly id: string; readonly headers: { authorization?: string } }) => {
    const credentials = await options.credentials(request.headers.authorization);
    return { ...options.context(request.id, credentials), credentials };
  };
  app.post(GRAPHQL_PATH, fastifyApolloHandler(apollo, { context }));
}

/** What a request has to be before anything of it is run. */
function requestLimits({ schema, readAccess }: GraphQLOptions): ApolloServerPlugin<HttpContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didResolveOperation: ({ request, document, operation, contextValue }) => {
          const { operation: type } = checkOperation(schema, {
            document,
            operation: operation ?? null,
            operationName: request.operationName ?? null,
            variables: request.variables ?? {},
          });
          if (type === OperationTypeNode.SUBSCRIPTION) {
            throw requestError(
              'OPERATION_RESOLUTION_FAILURE',
              `Subscriptions go over WebSocket to ${GRAPHQL_PATH}, or as an event stream to ${GRAPHQL_PATH}/stream.`,
            );
          }
          authorize(type, contextValue.credentials, readAccess);
          return Promise.resolve();
        },
      }),
  };
}
