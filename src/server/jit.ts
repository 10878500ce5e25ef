import type { GatewayExecutor, GatewayInterface } from '@apollo/server-gateway-interface';
import { GraphQLError, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';

/**
 * Runs operations as compiled functions: a page of samples is some thousand field values, and interpreting the query
 * for each of them costs more than everything else together. Apollo takes another executor only as a "gateway".
 */
const MAX_COMPILED_QUERIES = 500;

export function jitGateway(schema: GraphQLSchema): GatewayInterface {
  return {
    load: () => Promise.resolve({ executor: jitExecutor(schema) }),
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    stop: () => Promise.resolve(),
  };
}

function jitExecutor(schema: GraphQLSchema): GatewayExecutor {
  // In order of last use: clients that put values into the query text must not fill the memory with plans.
  const compiled = new Map<string, CompiledQuery>();

  return async ({ queryHash, operationName, document, request, context }) => {
    const key = `${queryHash} ${operationName ?? ''}`;
    let query = compiled.get(key);
    if (query) {
      compiled.delete(key);
    } else {
      const result = compileQuery(schema, document, operationName ?? undefined);
      if (!isCompiledQuery(result)) return withRealErrors(result);
      query = result;
    }
    compiled.set(key, query);
    if (compiled.size > MAX_COMPILED_QUERIES) compiled.delete(compiled.keys().next().value!);
    return withRealErrors(await query.query(undefined, context, request.variables ?? {}));
  };
}

/** The compiler's errors look like GraphQLError and are not: Apollo would mask them before they can be judged. */
function withRealErrors(result: ExecutionResult): ExecutionResult {
  if (!result.errors) return result;
  const errors = result.errors.map((error) => {
    const { message, nodes, path, originalError } = error;
    // Without a cause and a path it is about the variables, which are checked before any field is asked.
    const isAboutVariables = !originalError && !path?.length;
    const extensions = isAboutVariables ? { ...error.extensions, code: 'BAD_USER_INPUT' } : error.extensions;
    return new GraphQLError(message, { nodes, path, originalError, extensions });
  });
  return { ...result, errors };
}
