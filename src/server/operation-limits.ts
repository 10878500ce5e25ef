import { GraphQLError, Kind, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import { fieldExtensionsEstimator, getComplexity, simpleEstimator } from 'graphql-query-complexity';
import { UserError } from '../platform/errors';

/**
 * What an operation has to be before anything of it is run, however it comes: by POST, WebSocket or as an event stream.
 */
export const MAX_TOKENS = 5_000;
/** A page of 200 samples with all their fields is about 12,000. */
const MAX_COMPLEXITY = 30_000;
/** Coercing variables is recursive; no filter that is accepted nests half as deep. */
const MAX_VARIABLE_DEPTH = 50;
/** For Apollo, which takes it out of the answer: the status where nothing of the query was run. */
const BAD_REQUEST = { http: { status: 400 } };

export interface Operation {
  readonly document: DocumentNode;
  /** Null where the document has none of the wanted name. */
  readonly operation: OperationDefinitionNode | null;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** @throws GraphQLError for the first limit that it breaks */
export function checkOperation(
  schema: GraphQLSchema,
  { document, operation, operationName, variables }: Operation,
): OperationDefinitionNode {
  if (!operation) throw noSuchOperation(document, operationName ?? undefined);
  checkVariableDepth(variables);
  const complexity = complexityOf({
    schema,
    query: document,
    operationName: operation.name?.value,
    variables,
    estimators: [fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
  });
  if (complexity > MAX_COMPLEXITY) {
    throw refusal(
      new UserError(
        'QUERY_TOO_COMPLEX',
        `The query has a complexity of ${complexity}; at most ${MAX_COMPLEXITY} is allowed. Ask for fewer rows or fewer nested lists.`,
      ),
    );
  }
  return operation;
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
        throw refusal(
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

export function requestError(code: string, message: string, nodes?: GraphQLError['nodes']): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code, ...BAD_REQUEST } });
}

/** A user's mistake for which nothing is run. */
export function refusal(error: UserError, status = 400): GraphQLError {
  const { code, details } = error;
  return new GraphQLError(error.message, { originalError: error, extensions: { code, ...details, http: { status } } });
}
