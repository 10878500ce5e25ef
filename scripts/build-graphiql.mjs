/**
 * Bundles the GraphiQL page into dist/graphiql: everything it loads comes from this server. Does nothing when the
 * bundle there was built from the same sources and the same locked packages. `--force` builds anyway.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const root = path.resolve(import.meta.dirname, '..');
const source = path.join(root, 'src', 'server', 'graphiql');
const output = path.join(root, 'dist', 'graphiql');
const stamp = path.join(output, 'built-from');

/** Monaco's label for a worker, and the worker. */
const WORKERS = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
};

/** Below this, a compressed copy is not worth a file. */
const GZIP_MIN_BYTES = 1024;

const fingerprint = await fingerprintOfInputs();
if (!process.argv.includes('--force') && (await isBuiltFrom(fingerprint))) {
  console.log('GraphiQL is up to date');
} else {
  const startedAt = Date.now();
  await build();
  console.log(`GraphiQL built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

async function fingerprintOfInputs() {
  const files = (await readdir(source)).sort().map((name) => path.join(source, name));
  const hash = createHash('sha256');
  for (const file of [...files, path.join(root, 'package-lock.json'), fileURLToPath(import.meta.url)]) {
    const content = await readFile(file);
    hash.update(`${path.relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

async function isBuiltFrom(expected) {
  return existsSync(stamp) && (await readFile(stamp, 'utf8')) === expected;
}

async function build() {
  // Loaded only now: a machine without devDependencies can still find that its bundle is up to date.
  const { build: bundle } = await import('esbuild').catch(() => {
    throw new Error('esbuild is not installed: run "npm ci" (with devDependencies) to build GraphiQL');
  });
  await mkdir(path.dirname(output), { recursive: true });
  // Built beside its place and renamed, so that a server that starts meanwhile sees all of it or nothing.
  const work = await mkdtemp(path.join(path.dirname(output), '.graphiql-'));
  try {
    const assets = path.join(work, 'assets');
    const shared = {
      absWorkingDir: root,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      outdir: assets,
      // Names change with content: the server lets browsers keep them for good.
      entryNames: '[name]-[hash]',
      chunkNames: '[name]-[hash]',
      assetNames: '[name]-[hash]',
      loader: { '.ttf': 'file' },
      // GraphiQL takes the named exports of these aliases, which prettier resolves to scripts that have none.
      alias: {
        'prettier/parser-babel': 'prettier/plugins/babel',
        'prettier/parser-graphql': 'prettier/plugins/graphql',
      },
      define: { 'process.env.NODE_ENV': '"production"' },
      legalComments: 'linked',
      metafile: true,
      logLevel: 'warning',
    };
    const workers = await bundle({ ...shared, entryPoints: prefixed(WORKERS) });
    const workerFiles = Object.fromEntries(
      Object.entries(WORKERS).map(([label, module]) => [label, `./${entryFile(workers, module)}`]),
    );
    const page = await bundle({
      ...shared,
      entryPoints: { page: path.join(source, 'page.js') },
      // Formatting (prettier) is a third of a megabyte that few sessions use; it loads on demand.
      splitting: true,
      define: { ...shared.define, WORKERS: JSON.stringify(workerFiles) },
    });
    const html = (await readFile(path.join(source, 'index.html'), 'utf8'))
      .replace('%STYLES%', `graphiql/assets/${entryFile(page, 'graphiql/page.js', 'cssBundle')}`)
      .replace('%SCRIPT%', `graphiql/assets/${entryFile(page, 'graphiql/page.js')}`);
    await writeFile(path.join(work, 'index.html'), html);
    await compress(assets);
    await writeFile(path.join(work, path.basename(stamp)), fingerprint);
    // mkdtemp makes directories that only their owner may enter; the server may run as another user.
    await chmod(work, 0o755);
    await rm(output, { recursive: true, force: true });
    await rename(work, output);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function prefixed(entries) {
  return Object.fromEntries(Object.entries(entries).map(([label, module]) => [`${label}.worker`, module]));
}

/** The name of the file that came of an entry point, or of the style sheet that belongs to it. */
function entryFile(result, entry, kind = 'entryPoint') {
  for (const [file, about] of Object.entries(result.metafile.outputs)) {
    if (about.entryPoint?.endsWith(entry) && file.endsWith('.js')) {
      return path.basename(kind === 'cssBundle' ? about.cssBundle : file);
    }
  }
  throw new Error(`esbuild reported no file for ${entry}`);
}

async function compress(directory) {
  for (const name of await readdir(directory)) {
    const content = await readFile(path.join(directory, name));
    if (content.length < GZIP_MIN_BYTES) continue;
    await writeFile(path.join(directory, `${name}.gz`), await promisify(gzip)(content));
  }
}
