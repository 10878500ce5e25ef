import { coerceInputValue, type GraphQLInputType } from 'graphql';
import type { Logger } from 'pino';
import { ConceptSetExporter } from '../dataset/concept-set-export';
import { ConceptSets } from '../dataset/concept-sets';
import { LiveIndex } from '../dataset/live-index';
import { SampleCatalog, type SampleFilterSpec } from '../dataset/sample-catalog';
import { SampleRepository } from '../dataset/sample-repository';
import type { Config } from '../platform/config';
import { UserError } from '../platform/errors';
import { openFoundation } from './foundation';
import { buildGraphQLSchema } from './schema';

/** Concept sets without a server, for commands. Builds the index: seconds where there are many samples. */
export async function openConceptSets(config: Config, log: Logger) {
  const foundation = await openFoundation({ config, log, role: 'client', publicUrl: () => '' });
  try {
    const samples = new SampleRepository(foundation.db);
    const live = await LiveIndex.open(foundation.db, samples, log);
    const catalog = new SampleCatalog(samples, live);
    return {
      foundation,
      samples,
      live,
      catalog,
      sets: new ConceptSets(foundation.db, samples, catalog, live),
      exporter: new ConceptSetExporter(samples, foundation.store),
      async close(): Promise<void> {
        await live.close();
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

/**
 * A sample filter written as JSON, checked as the GraphQL API checks it.
 * @param field what to call it in messages
 * @throws UserError BAD_USER_INPUT
 */
export function parseSampleFilter(text: string, field: string): SampleFilterSpec {
  const wrong = (problem: string, path: string) =>
    new UserError(
      'BAD_USER_INPUT',
      `${path}: ${problem} It has to be a sample filter as JSON, for example '{"attributes":{"all":["piano"]}}'.`,
      { field: path },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`${(error as Error).message}.`, field);
  }
  const type = buildGraphQLSchema(null).getType('SampleFilter') as GraphQLInputType;
  return coerceInputValue(value, type, (path, _value, error) => {
    throw wrong(error.message, [field, ...path].join('.'));
  }) as SampleFilterSpec;
}
