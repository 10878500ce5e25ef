import Fastify, { LogController, type FastifyInstance } from 'fastify';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { AttributeStatistics } from '../dataset/attribute-statistics';
import { ConceptSetExporter } from '../dataset/concept-set-export';
import { ConceptSetUrls } from '../dataset/concept-set-url';
import { ConceptSets } from '../dataset/concept-sets';
import { DatasetFactsReader } from '../dataset/dataset-facts';
import { LiveIndex } from '../dataset/live-index';
import { SampleCatalog } from '../dataset/sample-catalog';
import { SampleRepository } from '../dataset/sample-repository';
import { loadStarter } from '../dataset/starter';
import { AttributeSuggestions } from '../generation/attribute-suggestions';
import { Scores, ScoreUrls } from '../generation/scores';
import { GenerationUpdates } from '../generation/updates';
import { ApiKeys } from '../platform/api-keys';
import type { Config } from '../platform/config';
import { UserError } from '../platform/errors';
import { createRequestContext } from '../resolvers/context';
import { registerAudioRoute } from './audio-route';
import { callerOf, credentialsOf } from './auth';
import { audioDirectory, openFoundation } from './foundation';
import { enginesFor, openGeneration } from './generation';
import { registerGraphiql } from './graphiql';
import { GRAPHQL_PATH, registerGraphQL, type GraphQLOptions } from './graphql';
import { registerHealth } from './health';
import { ensureLocalKey } from './local-key';
import { buildGraphQLSchema } from './schema';
import { registerScoreRoute } from './score-route';
import { registerSetRoute } from './set-route';
import { registerSubscriptions } from './subscriptions';

/**
 * The server, put together by hand in one place. Parts are opened in order and closed in reverse.
 */
export interface App {
  /** Base URL of the listening server. */
  readonly url: string;
  /** The API key of the embedded server's own user; null with a database of one's own. */
  readonly localKey: string | null;
  /** Stops taking requests, lets running ones finish, then lets go of everything. */
  close(): Promise<void>;
}

export interface AppOverrides {
  readonly onStatement?: (text: string) => void;
  readonly onDatabaseLost?: () => void;
}

/** @throws UserError for whatever keeps it from starting; nothing is left open then */
export async function startApp(config: Config, log: Logger, overrides: AppOverrides = {}): Promise<App> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) {
      await closer().catch((err: unknown) => log.error({ err }, 'could not close cleanly'));
    }
  };
  try {
    const fastify = createFastify(log);
    const publicUrl = () => config.publicUrl ?? localUrl(config.host, fastify);

    const foundation = await openFoundation({ config, log, role: 'server', publicUrl, ...overrides });
    closers.push(() => foundation.close());
    const { db, store, signingKey } = foundation;
    if (config.loadStarter) await loadStarter(db, store, log);

    const samples = new SampleRepository(db);
    const live = await LiveIndex.open(db, samples, log);
    closers.push(() => live.close());
    const catalog = new SampleCatalog(samples, live);
    const sets = new ConceptSets(db, samples, catalog, live);
    const generation = await openGeneration({ config, foundation, live, samples, sets, log });
    closers.push(() => generation.close());
    const updates = await GenerationUpdates.open(db, generation.repository);
    closers.push(() => updates.close());
    const keys = new ApiKeys(db);
    const localKey = config.databaseUrl === null ? await ensureLocalKey(keys, config.dataDir) : null;
    const scores = new Scores(samples, generation.stages);
    const scoreUrls = new ScoreUrls(signingKey, publicUrl);
    const setUrls = new ConceptSetUrls(signingKey, publicUrl);
    const schema = buildGraphQLSchema({
      samples,
      live,
      catalog,
      store,
      facts: new DatasetFactsReader(samples, live),
      statistics: new AttributeStatistics(live),
      sets,
      setUrls,
      requests: generation.requests,
      generations: generation.repository,
      stages: generation.stages,
      suggestions: new AttributeSuggestions(generation.models, live, samples),
      scores,
      scoreUrls,
      keys,
      urlExpiry: () => new Date(Date.now() + config.audioUrlTtlSeconds * 1000),
    });

    closers.push(() => fastify.close());
    registerHealth(fastify, {
      database: () => db.query('SELECT 1'),
      storage: () => store.check(),
      queue: () => generation.queue.check(),
    });
    const sources = { samples, generations: generation.repository, updates };
    const graphql: GraphQLOptions = {
      schema,
      log,
      readAccess: config.readAccess,
      credentials: (authorization) => credentialsOf(keys, authorization),
      context: (requestId, credentials) =>
        createRequestContext(sources, { requestId, caller: callerOf(credentials), log: log.child({ requestId }) }),
    };
    await registerSubscriptions(fastify, graphql);
    await registerGraphQL(fastify, graphql);
    await registerGraphiql(fastify);
    if (!config.s3) {
      await mkdir(audioDirectory(config), { recursive: true });
      await registerAudioRoute(fastify, { directory: audioDirectory(config), signingKey });
    }
    registerSetRoute(fastify, { sets, urls: setUrls, exporter: new ConceptSetExporter(samples, store), log });
    registerScoreRoute(fastify, { scores, urls: scoreUrls, log });
    await listen(fastify, config);
    generation.reconciler.start();
    if (config.workerConcurrency > 0) {
      closers.push(() => generation.worker.stop());
      await generation.worker.start(generation.queue, enginesFor('CPU', generation.stages), config.workerConcurrency);
    }
    const url = localUrl(config.host, fastify);
    const { backend } = generation.queue;
    log.info({ url: `${url}${GRAPHQL_PATH}`, queue: backend, samples: live.current.live().count() }, 'listening');
    return { url, localKey, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function createFastify(log: Logger): FastifyInstance {
  return Fastify({
    loggerInstance: log,
    // A line a request says little that the metrics do not, and costs as much as a small query.
    logController: new LogController({ disableRequestLogging: true }),
    // Open streams must not keep a shutdown waiting.
    forceCloseConnections: true,
    // Long enough for a slow import page, short enough to shed clients that never finish a request.
    requestTimeout: 60_000,
    trustProxy: true,
  }) as unknown as FastifyInstance;
}

async function listen(fastify: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await fastify.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') {
      const reason = code === 'EADDRINUSE' ? 'is in use' : 'needs more rights than this user has';
      throw new UserError('INVALID_CONFIG', `PORT ${port} ${reason}; set PORT to another, or to 0 for any free one`);
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new UserError('INVALID_CONFIG', `HOST ${host} is not an address of this machine: ${message}`);
    }
    throw error;
  }
}

function localUrl(host: string, fastify: FastifyInstance): string {
  const address = fastify.server.address() as AddressInfo | null;
  const isWildcard = host === '0.0.0.0' || host === '::';
  const name = isWildcard || host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${address?.port ?? 0}`;
}
