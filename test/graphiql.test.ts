import fastify, { type FastifyInstance } from 'fastify';
import { Kind, parse } from 'graphql';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { registerGraphiql } from '../src/server/graphiql';
import { EXAMPLE_QUERIES } from '../src/server/graphiql/examples';

const ROOT = path.join(__dirname, '..');

describe('GraphiQL', () => {
  let app: FastifyInstance;
  let page: string;
  let references: string[];

  beforeAll(async () => {
    // Quick when up to date, as in `npm start`.
    await promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts', 'build-graphiql.mjs')]);
    app = fastify();
    await registerGraphiql(app);
    page = (await app.inject('/graphiql')).body;
    references = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  });
  afterAll(() => app.close());

  const asset = (name: string, headers = {}) => app.inject({ url: `/graphiql/assets/${name}`, headers });
  const entry = (extension: string) => {
    const reference = references.find((candidate) => candidate.endsWith(extension));
    if (reference == null) throw new Error(`the page refers to no ${extension} file: ${page}`);
    return path.posix.basename(reference);
  };
  /** Every file that is reached from the page, by name. */
  async function loadAll(): Promise<Map<string, string>> {
    const loaded = new Map<string, string>();
    const waiting = [entry('.js'), entry('.css')];
    for (let name = waiting.pop(); name != null; name = waiting.pop()) {
      if (loaded.has(name)) continue;
      const response = await asset(name);
      expect([name, response.statusCode]).toEqual([name, 200]);
      loaded.set(name, response.body);
      for (const [, next] of response.body.matchAll(/["'(]\.\/([\w.-]+-[A-Z0-9]{8}\.(?:js|css|ttf))["')]/g)) {
        waiting.push(next ?? '');
      }
    }
    return loaded;
  }

  it('serves the page, never from a stale cache', async () => {
    const response = await app.inject('/graphiql');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(response.headers['cache-control']).toBe('no-cache');
    expect(response.body).toContain('<div id="graphiql">');
  });

  it('sends a trailing slash to the address at which the page works', async () => {
    const response = await app.inject('/graphiql/');
    expect(response.statusCode).toBe(308);
    expect(new URL(response.headers.location ?? '', 'http://host/prefix/graphiql/').pathname).toBe('/prefix/graphiql');
  });

  it('serves each asset as what it is, to be kept for good', async () => {
    const script = await asset(entry('.js'));
    expect(script.headers['content-type']).toMatch(/^(text|application)\/javascript/);
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect((await asset(entry('.css'))).headers['content-type']).toMatch(/^text\/css/);
    expect((await asset('missing.js')).statusCode).toBe(404);
  });

  it('serves compressed copies to browsers that take them', async () => {
    const compressed = await asset(entry('.css'), { 'accept-encoding': 'gzip' });
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(compressed.headers['content-type']).toMatch(/^text\/css/);
    expect(gunzipSync(compressed.rawPayload).toString('utf8')).toBe((await asset(entry('.css'))).body);
  });

  it('reaches the editor, its workers and its style sheets without another host', async () => {
    const files = await loadAll();
    for (const worker of ['editor', 'json', 'graphql']) {
      expect([...files.keys()]).toContainEqual(expect.stringMatching(new RegExp(`^${worker}\\.worker-.*\\.js$`)));
    }
    expect(references.filter((reference) => /^([a-z]+:)?\/\//i.test(reference))).toEqual([]);
    const loadsFromElsewhere =
      /(?:\bimport\s*\(?|\bfrom|importScripts\(|new Worker\(|fetch\()\s*["'`]https?:|url\(\s*["']?(?:https?:)?\/\//g;
    const offences = [...files].flatMap(([name, text]) =>
      [...text.matchAll(loadsFromElsewhere)].map((match) => `${name}: ${text.slice(match.index, match.index + 120)}`),
    );
    expect(offences).toEqual([]);
  });

  it('tells the browser to load from this origin only, workers included', async () => {
    for (const url of ['/graphiql', `/graphiql/assets/${entry('.js')}`]) {
      const policy = (await app.inject(url)).headers['content-security-policy'] as string;
      const sources = policy.split(';').flatMap((directive) => directive.trim().split(' ').slice(1));
      expect(policy).toContain("default-src 'none'");
      expect([...new Set(sources)].sort()).toEqual(["'none'", "'self'", "'unsafe-inline'", 'data:']);
      expect(policy).toContain("script-src 'self';");
    }
  });

  it('says what to do where it was not built', async () => {
    const empty = await mkdtemp(path.join(tmpdir(), 'graphiql-'));
    const bare = fastify();
    try {
      await registerGraphiql(bare, empty);
      const response = await bare.inject('/graphiql');
      expect(response.statusCode).toBe(503);
      expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(response.body).toContain('npm run build');
    } finally {
      await bare.close();
      await rm(empty, { recursive: true });
    }
  });
});

describe('the example queries', () => {
  it.each(EXAMPLE_QUERIES.map((example) => [example.name, example] as const))('%s parses', (name, example) => {
    const [operation, ...others] = parse(example.query).definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('not an operation');
    expect(others).toEqual([]);
    // A mutation has to say where its key goes.
    expect(operation.operation).toBe(example.headers ? 'mutation' : 'query');
    // The title of its tab.
    expect(operation.name?.value).toBe(name);
    const declared = operation.variableDefinitions?.map((definition) => definition.variable.name.value) ?? [];
    expect(Object.keys(example.variables ?? {})).toEqual(declared);
  });

  it('have names of their own', () => {
    const names = EXAMPLE_QUERIES.map((example) => example.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
