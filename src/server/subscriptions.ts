import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  subscribe,
  validate,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLFormattedError,
} from 'graphql';
import type { OperationArgs, Response } from 'graphql-sse';
import { STATUS_CODES } from 'node:http';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import { makeHandler } from 'graphql-ws/use/@fastify/websocket';
import { authorize, type Credentials } from './auth';
import { GRAPHQL_PATH, type GraphQLOptions } from './graphql';
import { checkOperation, requestError } from './operation-limits';
import { presentError } from './present-error';

/**
 * Subscriptions: over WebSocket (the graphql-transport-ws protocol) on `/graphql` itself, and as Server-Sent Events (the
 * distinct connections mode of the GraphQL over SSE protocol) on `/graphql/stream`. Both bypass Apollo, so what it
 * checks is checked here, too.
 */
export const STREAM_PATH = `${GRAPHQL_PATH}/stream`;

/** Subscriptions are short: this is far above any. */
const MAX_TOKENS = 1_000;
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 2_000;
const MAX_SUBSCRIPTIONS_PER_CONNECTION = 100;
const CLOSE_TRY_AGAIN_LATER = 1013;

interface Params {
  readonly query?: unknown;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

export async function registerSubscriptions(app: FastifyInstance, options: GraphQLOptions): Promise<void> {
  const { schema, log } = options;
  let connections = 0;

  /** @throws GraphQLError, UserError for whatever is wrong with it */
  function prepare(params: Params, requestId: string, credentials: Credentials): ExecutionArgs {
    if (typeof params.query !== 'string') throw requestError('BAD_REQUEST', 'There is no query.');
    const document = parse(params.query, { maxTokens: MAX_TOKENS });
    const [problem] = validate(schema, document);
    if (problem) throw requestError('GRAPHQL_VALIDATION_FAILED', problem.message, problem.nodes);
    const variables = params.variables ?? {};
    const { operation } = checkOperation(schema, {
      document,
      operation: getOperationAST(document, params.operationName) ?? null,
      operationName: params.operationName ?? null,
      variables,
    });
    if (operation !== OperationTypeNode.SUBSCRIPTION) {
      throw requestError(
        'OPERATION_RESOLUTION_FAILURE',
        `Here are only subscriptions; POST others to ${GRAPHQL_PATH}.`,
      );
    }
    authorize(operation, credentials, options.readAccess);
    const contextValue = options.context(requestId, credentials);
    return { schema, document, operationName: params.operationName, variableValues: variables, contextValue };
  }

  const presented = (error: unknown): GraphQLFormattedError => {
    const known = error instanceof GraphQLError ? error : new GraphQLError(String(error));
    const formatted = error instanceof GraphQLError && isSyntaxError(error) ? asParseFailure(error) : known.toJSON();
    const { extensions, ...rest } = presentError(formatted, error, log);
    // The status of an answer by HTTP is for Apollo.
    return { ...rest, extensions: { ...extensions, http: undefined } };
  };
  const presentResult = (result: ExecutionResult) =>
    result.errors ? { ...result, errors: result.errors.map(presented) } : result;

  await app.register(fastifyWebsocket, { options: { maxPayload: MAX_MESSAGE_BYTES } });
  const overWebSocket = makeHandler<{ Authorization?: unknown; authorization?: unknown }, { credentials: Credentials }>(
    {
      async onConnect(context) {
        const { Authorization, authorization = Authorization } = context.connectionParams ?? {};
        const header = context.extra.request.headers.authorization;
        context.extra.credentials = await options.credentials(
          typeof authorization === 'string' ? authorization : header,
        );
        return true;
      },
      onSubscribe(context, _id, payload) {
        try {
          if (Object.keys(context.subscriptions).length > MAX_SUBSCRIPTIONS_PER_CONNECTION) {
            throw requestError('BAD_REQUEST', `A connection takes ${MAX_SUBSCRIPTIONS_PER_CONNECTION} subscriptions.`);
          }
          return prepare(payload, context.extra.request.id, context.extra.credentials ?? 'none');
        } catch (error) {
          const { message, ...rest } = presented(error);
          return [new GraphQLError(message, rest)];
        }
      },
      subscribe,
      onNext: (_context, _id, _payload, _args, result) => presentResult(result),
    },
  );
  app.route({
    method: 'GET',
    url: GRAPHQL_PATH,
    handler: async (request, reply) => {
      if (request.headers.accept?.includes('text/html')) return reply.redirect('/graphiql');
      return reply.code(405).header('allow', 'POST').send(USE_POST);
    },
    wsHandler(socket, request) {
      if (connections >= MAX_CONNECTIONS) {
        socket.close(CLOSE_TRY_AGAIN_LATER, 'Too many connections');
        return;
      }
      connections++;
      socket.once('close', () => connections--);
      return overWebSocket.call(this, socket, request);
    },
  });
  app.route({
    method: ['PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url: GRAPHQL_PATH,
    handler: async (_request, reply) => reply.code(405).header('allow', 'POST').send(USE_POST),
  });

  const asEvents = createHandler<Record<PropertyKey, unknown>>({
    schema,
    // Nothing is reserved, so no stream is anyone's.
    authenticate: () => '',
    async onSubscribe(request, params): Promise<Response | OperationArgs<Record<PropertyKey, unknown>>> {
      try {
        const credentials = await options.credentials(request.raw.headers.authorization);
        const { contextValue, ...prepared } = prepare(params, request.raw.id, credentials);
        return { ...prepared, contextValue: contextValue as Record<PropertyKey, unknown> };
      } catch (error) {
        const http = error instanceof GraphQLError ? (error.extensions.http as { status?: number } | undefined) : null;
        const status = http?.status ?? 400;
        const body = JSON.stringify({ errors: [presented(error)] });
        return [
          body,
          { status, statusText: STATUS_CODES[status] ?? '', headers: { 'content-type': 'application/json' } },
        ];
      }
    },
    subscribe,
    onNext: (_context, _request, result) => presentResult(result as ExecutionResult) as ExecutionResult,
  });
  app.route({
    method: ['GET', 'POST'],
    url: STREAM_PATH,
    bodyLimit: MAX_MESSAGE_BYTES,
    handler: async (request, reply) => {
      if (connections >= MAX_CONNECTIONS) {
        return reply
          .code(503)
          .header('retry-after', '5')
          .send({ errors: [{ message: 'Too many connections.' }] });
      }
      connections++;
      reply.raw.once('close', () => connections--);
      return asEvents(request, reply);
    },
  });
}

const USE_POST = {
  errors: [{ message: `Send queries to ${GRAPHQL_PATH} by POST, or open /graphiql in a browser.` }],
};

function isSyntaxError({ message, extensions }: GraphQLError): boolean {
  return extensions.code === undefined && message.startsWith('Syntax Error');
}

function asParseFailure({ message, locations }: GraphQLError): GraphQLFormattedError {
  return { message, locations, extensions: { code: 'GRAPHQL_PARSE_FAILED' } };
}
