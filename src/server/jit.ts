import type { GatewayExecutor, GatewayInterface } from '@apollo/server-gateway-interface';
import {
  extendSchema,
  getVariableValues,
  GraphQLError,
  Kind,
  parse,
  specifiedScalarTypes,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type TypeNode,
} from 'graphql';
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

/** Stands for the type of a variable in what is compiled: its value is coerced before. */
const COERCED = 'CoercedVariable';

function jitExecutor(schema: GraphQLSchema): GatewayExecutor {
  // graphql-jit writes out the check of an input type, and never comes to an end with one that contains itself, as a
  // filter does. So graphql-js checks the variables, and the compiled query takes them as they are.
  const compiledSchema = extendSchema(schema, parse(`scalar ${COERCED}`));
  // In order of last use: clients that put values into the query text must not fill the memory with plans.
  const compiled = new Map<string, CompiledQuery>();

  return async ({ queryHash, operationName, operation, document, request, context }) => {
    const variables = getVariableValues(schema, definitionsOf(operation), request.variables ?? {});
    if (variables.errors) return { errors: variables.errors.map(asBadInput) };

    const key = `${queryHash} ${operationName ?? ''}`;
    let query = compiled.get(key);
    if (query) {
      compiled.delete(key);
    } else {
      const result = compileQuery(compiledSchema, withCoercedVariables(document), operationName ?? undefined);
      if (!isCompiledQuery(result)) return withRealErrors(result);
      query = result;
    }
    compiled.set(key, query);
    if (compiled.size > MAX_COMPILED_QUERIES) compiled.delete(compiled.keys().next().value!);
    return withRealErrors(await query.query(undefined, context, variables.coerced));
  };
}

/** Requests without an operation are refused before; Apollo's types do not know that. */
function definitionsOf(operation: OperationDefinitionNode | undefined) {
  return operation?.variableDefinitions ?? [];
}

/** Built-in scalars keep their type: coercing them twice changes nothing, and `@include` insists on a Boolean. */
function withCoercedVariables(document: DocumentNode): DocumentNode {
  return visit(document, {
    VariableDefinition({ kind, variable, type, defaultValue }) {
      const named = namedType(type);
      if (specifiedScalarTypes.some(({ name }) => name === named)) return { kind, variable, type, defaultValue };
      return { kind, variable, type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: COERCED } } };
    },
  });
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function asBadInput({ message, nodes }: GraphQLError): GraphQLError {
  return new GraphQLError(message, { nodes, extensions: { code: 'BAD_USER_INPUT' } });
}

/** The compiler's errors look like GraphQLError and are not: Apollo would mask them before they can be judged. */
function withRealErrors(result: ExecutionResult): ExecutionResult {
  if (!result.errors) return result;
  const errors = result.errors.map(
    ({ message, nodes, path, originalError, extensions }) =>
      new GraphQLError(message, { nodes, path, originalError, extensions }),
  );
  return { ...result, errors };
}
