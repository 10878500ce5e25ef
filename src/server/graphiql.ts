/**
 * Serves GraphiQL at /graphiql: a page and its assets, all from dist/graphiql, nothing from another host. The page's
 * source is the folder beside this file; scripts/build-graphiql.mjs bundles it.
 */
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** From src/server (tests) and from dist/server alike. */
const BUNDLE_DIRECTORY = join(__dirname, '..', '..', 'dist', 'graphiql');

/**
 * Only this origin. Monaco writes its themes into <style> elements and styles its lines inline, hence 'unsafe-inline'
 * for styles; its icon font and cursors are data: URLs within the style sheet. `connect-src 'self'` covers the
 * WebSocket of subscriptions too.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const NOT_BUILT =
  'GraphiQL is not built on this server. Run "npm run build" and start the server again.\n' +
  'The API itself works without it: POST your queries to /graphql.\n';

/**
 * Adds `/graphiql` and `/graphiql/assets/*`. Where the bundle is missing, `/graphiql` answers 503 and says how to
 * build it; the bundle is looked for once, here.
 */
export async function registerGraphiql(app: FastifyInstance, bundleDirectory = BUNDLE_DIRECTORY): Promise<void> {
  const page = await readPage(bundleDirectory);
  if (page == null) {
    app.get('/graphiql', (_request, reply) => reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT));
    return;
  }
  app.get('/graphiql', (_request, reply) =>
    reply
      .headers(SECURITY_HEADERS)
      .type('text/html; charset=utf-8')
      // The page names the assets of its build: always ask whether there is a newer one.
      .header('cache-control', 'no-cache')
      .send(page),
  );
  // The page's references are relative to /graphiql; below a slash they would point nowhere.
  app.get('/graphiql/', (_request, reply) => reply.redirect('../graphiql', 308));
  await app.register(fastifyStatic, {
    root: join(bundleDirectory, 'assets'),
    prefix: '/graphiql/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    // Their names carry a hash of their content.
    immutable: true,
    maxAge: '365d',
    // A worker is governed by the policy that its own script came with.
    setHeaders(response) {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) void response.setHeader(name, value);
    },
  });
}

async function readPage(directory: string): Promise<string | null> {
  try {
    return await readFile(join(directory, 'index.html'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
