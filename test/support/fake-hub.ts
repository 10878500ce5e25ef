import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A local server that answers as the Hugging Face hub does: repository facts, a paged tree, and files by a redirect to
 * another origin, where large files are kept. Faults are dealt out in order, one a request for a file.
 */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'break-after'; readonly bytes: number }
  | { readonly kind: 'stall-after'; readonly bytes: number }
  | { readonly kind: 'wrong-bytes' }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'no-range' };

export interface FakeDataset {
  /** Bytes by path. Parquet files and weights are large files, with a SHA-256. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly card?: Readonly<Record<string, unknown>>;
  /** Answers 401 without this token. */
  readonly token?: string;
  /** Paths that are kept as small files, with git's checksum and no redirect. */
  readonly small?: readonly string[];
  /** Files of other revisions, for example of a pull request: each is a commit of its own. */
  readonly revisions?: Readonly<Record<string, FakeDataset['files']>>;
  /** Sizes that the list of files tells where they are not those of the bytes. */
  readonly declaredSizes?: Readonly<Record<string, number>>;
}

export interface SeenRequest {
  readonly origin: 'hub' | 'cdn';
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FakeHub {
  readonly endpoint: string;
  readonly requests: SeenRequest[];
  /** Taken one by one by requests for files, at the place where the bytes are. */
  readonly faults: Fault[];
  close(): Promise<void>;
}

export const COMMIT = 'c0ffee'.padEnd(40, '0');
const TREE_PAGE_SIZE = 2;

/** Of a revision by its name; that of a commit is the commit. */
export function commitOf(revision: string): string {
  if (['main', 'v1'].includes(revision)) return COMMIT;
  return /^[0-9a-f]{40}$/.test(revision) ? revision : sha256(Buffer.from(revision)).slice(0, 40);
}

function filesOf({ files, revisions = {} }: FakeDataset, revision: string): FakeDataset['files'] | undefined {
  const commit = commitOf(revision);
  if (commit === COMMIT) return files;
  return Object.entries(revisions).find(([name]) => commitOf(name) === commit)?.[1];
}

export async function startFakeHub(datasets: Readonly<Record<string, FakeDataset>>): Promise<FakeHub> {
  const requests: SeenRequest[] = [];
  const faults: Fault[] = [];
  const cdn = await listen((request, response) => {
    const url = new URL(request.url!, 'http://cdn');
    requests.push({ origin: 'cdn', path: url.pathname, headers: request.headers });
    const [owner, name, commit, ...path] = decodeURIComponent(url.pathname).slice(1).split('/');
    send(filesOf(datasets[`${owner}/${name}`]!, commit!)![path.join('/')]!, request, response, faults);
  });
  const hub = await listen((request, response) => {
    const url = new URL(request.url!, 'http://hub');
    requests.push({ origin: 'hub', path: url.pathname + url.search, headers: request.headers });
    // Addresses of files of a model do not say what kind of repository it is.
    const match = /^\/(?:api\/)?(?:datasets\/|models\/)?([^/]+\/[^/]+)\/(revision|tree|resolve)\/([^/]+)\/?(.*)$/.exec(
      url.pathname,
    );
    const dataset = match && datasets[match[1]!];
    const revision = decodeURIComponent(match?.[3] ?? '');
    const files = dataset && filesOf(dataset, revision);
    if (!match || !files) return end(response, 404);
    const commit = commitOf(revision);
    if (dataset.token && request.headers.authorization !== `Bearer ${dataset.token}`) return end(response, 401);
    const [, repository, kind, , path] = match;
    if (kind === 'revision') return end(response, 200, { sha: commit, cardData: dataset.card ?? {} });
    if (kind === 'tree') return sendTree({ ...dataset, files }, url, request, response);
    const bytes = files[decodeURIComponent(path!)];
    if (!bytes) return end(response, 404);
    if (dataset.small?.includes(decodeURIComponent(path!))) return send(bytes, request, response, faults);
    response.writeHead(302, {
      location: `${address(cdn)}/${repository}/${commit}/${path}`,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': String(bytes.length),
    });
    response.end();
  });
  return {
    endpoint: address(hub),
    requests,
    faults,
    async close() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function sendTree(dataset: FakeDataset, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const paths = Object.keys(dataset.files);
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const sizeOf = (path: string, bytes: Uint8Array) => dataset.declaredSizes?.[path] ?? bytes.length;
  const entries = paths.slice(from, from + TREE_PAGE_SIZE).map((path) => {
    const bytes = dataset.files[path]!;
    const isLarge = /\.(?:parquet|safetensors)$/.test(path) && !dataset.small?.includes(path);
    return {
      type: 'file',
      path,
      size: sizeOf(path, bytes),
      oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
      ...(isLarge && { lfs: { oid: sha256(bytes), size: sizeOf(path, bytes), pointerSize: 130 } }),
    };
  });
  if (from + TREE_PAGE_SIZE < paths.length) {
    const next = new URL(url.pathname, `http://${request.headers.host}`);
    next.searchParams.set('recursive', 'true');
    next.searchParams.set('cursor', String(from + TREE_PAGE_SIZE));
    response.setHeader('link', `<${next.href}>; rel="next"`);
  }
  end(response, 200, entries);
}

function send(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse, faults: Fault[]): void {
  const fault = faults.shift();
  if (fault?.kind === 'status') {
    if (fault.retryAfter) response.setHeader('retry-after', fault.retryAfter);
    return end(response, fault.status);
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (fault?.kind === 'no-range' && start > 0) return end(response, 416);
  const isPart = start > 0 && fault?.kind !== 'ignore-range';
  const content = Buffer.from(isPart ? bytes.slice(start) : bytes);
  if (fault?.kind === 'wrong-bytes') content[0]! ^= 0xff;
  response.writeHead(isPart ? 206 : 200, {
    'content-length': content.length,
    'accept-ranges': 'bytes',
    ...(isPart && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (fault?.kind === 'break-after') {
    response.write(content.subarray(0, fault.bytes), () => response.socket?.end());
  } else if (fault?.kind === 'stall-after') {
    response.write(content.subarray(0, fault.bytes));
  } else {
    response.end(content);
  }
}

function end(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? '{}' : JSON.stringify(body));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
