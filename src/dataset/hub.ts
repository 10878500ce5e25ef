import { UserError } from '../platform/errors';
import { fetchWithRetry, type RetryOptions } from './http-retry';

/**
 * The Hugging Face hub's public HTTP API, as far as an import needs it: which revision, which Parquet files.
 * (https://huggingface.co/docs/hub/api)
 */
export interface HubSource {
  readonly owner: string;
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export interface HubFile {
  /** Path in the repository. */
  readonly path: string;
  readonly config: string;
  readonly split: string;
  readonly sizeBytes: number;
  readonly checksum: Checksum;
  readonly url: string;
}

/** Large files have a SHA-256 of their bytes; small ones only git's SHA-1 of a header and the bytes. */
export type Checksum =
  { readonly kind: 'sha256'; readonly hex: string } | { readonly kind: 'git-sha1'; readonly hex: string };

export interface HubDataset {
  /** The commit that the revision stood for: everything is read from it. */
  readonly commit: string;
  readonly license: string | null;
  readonly citation: string | null;
  readonly files: readonly HubFile[];
}

export interface HubOptions extends RetryOptions {
  readonly endpoint: string;
  readonly token: string | null;
  readonly config?: string;
  readonly split?: string;
}

const PREFIX = 'hf:';

export function isHubSource(source: string): boolean {
  return source.startsWith(PREFIX);
}

/** @throws UserError BAD_USER_INPUT */
export function parseHubSource(source: string): HubSource {
  const match = /^hf:([\w.-]+)\/([\w.-]+)(?:@([\w./-]+))?$/.exec(source);
  const segments = match ? [match[1]!, match[2]!, ...(match[3] ?? '').split('/')] : [];
  // They become parts of addresses and of paths on this machine.
  if (!match || segments.includes('.') || segments.includes('..')) {
    throw new UserError(
      'BAD_USER_INPUT',
      `"${source}" is not a data set on the hub. Write hf:OWNER/DATASET or hf:OWNER/DATASET@REVISION, for example hf:owner/ConceptCaps@main.`,
    );
  }
  return { owner: match[1]!, name: match[2]!, revision: match[3] ?? 'main' };
}

interface RepositoryInfo {
  readonly sha: string;
  readonly cardData?: { readonly license?: unknown; readonly citation?: unknown; readonly configs?: unknown };
}

interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/**
 * Pins the revision and lists the Parquet files asked for.
 * @throws UserError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE
 */
export async function openHubDataset(source: HubSource, options: HubOptions): Promise<HubDataset> {
  const repository = `${options.endpoint}/api/datasets/${source.owner}/${source.name}`;
  const subject = `the data set ${source.owner}/${source.name} at revision ${source.revision}`;
  const infoUrl = `${repository}/revision/${encodeURIComponent(source.revision)}`;
  const info = (await (await request(infoUrl, subject, options)).json()) as RepositoryInfo;

  const entries: TreeEntry[] = [];
  for (let url: string | null = `${repository}/tree/${info.sha}?recursive=true`; url !== null;) {
    const page = await request(url, subject, options);
    entries.push(...((await page.json()) as TreeEntry[]));
    url = nextPage(page, url);
  }
  const declared = declaredFiles(info.cardData?.configs);
  const files = entries
    .filter((entry) => entry.type === 'file' && entry.path.endsWith('.parquet'))
    .flatMap((entry) => {
      const place = placeOf(entry.path, declared);
      return place ? [{ ...place, ...toFile(entry, source, info.sha, options.endpoint) }] : [];
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const wanted = files.filter(
    (file) =>
      (options.config === undefined || file.config === options.config) &&
      (options.split === undefined || file.split === options.split),
  );
  if (wanted.length === 0) {
    const found = [...new Set(files.map((file) => `${file.config}/${file.split}`))].join(', ');
    throw new UserError(
      'SOURCE_NOT_FOUND',
      `${subject} has no Parquet files for what was asked (--config, --split); it has ${found || 'no Parquet files at all'}.`,
    );
  }
  const { license, citation } = info.cardData ?? {};
  return {
    commit: info.sha,
    license: typeof license === 'string' ? license : null,
    citation: typeof citation === 'string' ? citation : null,
    files: wanted,
  };
}

async function request(url: string, subject: string, options: HubOptions): Promise<Response> {
  const response = await fetchWithRetry(url, authorization(options.token), subject, options);
  if (response.ok) return response;
  await response.body?.cancel();
  throw refusal(response.status, subject);
}

export function authorization(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** What an answer that will not get better by asking again means. */
export function refusal(status: number, subject: string): UserError {
  if (status === 404) {
    return new UserError(
      'SOURCE_NOT_FOUND',
      `the hub has no ${subject.replace(/^the /, '')}. Check owner, name and revision; for a private one set HF_TOKEN.`,
    );
  }
  if (status === 401 || status === 403) {
    return new UserError(
      'SOURCE_DENIED',
      `the hub does not let us read ${subject} (status ${status}). Set HF_TOKEN to a token that may; for a gated one accept its terms on its page first.`,
    );
  }
  return new UserError('SOURCE_UNAVAILABLE', `the hub answered ${status} for ${subject}. Try again later.`);
}

/** The address in `Link: <...>; rel="next"`, on the same origin only: the token goes with it. */
function nextPage(response: Response, current: string): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  if (!next) return null;
  const url = new URL(next, current);
  return url.origin === new URL(current).origin ? url.href : null;
}

function toFile(entry: TreeEntry, source: HubSource, commit: string, endpoint: string) {
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  const checksum: Checksum = entry.lfs ? { kind: 'sha256', hex: entry.lfs.oid } : { kind: 'git-sha1', hex: entry.oid };
  return {
    path: entry.path,
    sizeBytes: entry.lfs?.size ?? entry.size,
    checksum,
    url: `${endpoint}/datasets/${source.owner}/${source.name}/resolve/${commit}/${path}`,
  };
}

interface Place {
  readonly config: string;
  readonly split: string;
}

/** What the card's `configs:` says, where it does: paths or globs of each split. */
function declaredFiles(configs: unknown): (Place & { readonly pattern: RegExp })[] {
  if (!Array.isArray(configs)) return [];
  return configs.flatMap((entry: { config_name?: unknown; data_files?: unknown }) => {
    const { config_name: config, data_files: files } = entry;
    if (typeof config !== 'string' || !Array.isArray(files)) return [];
    return files.flatMap(({ split, path }: { split?: unknown; path?: unknown }) => {
      const paths: unknown[] = Array.isArray(path) ? path : [path];
      return paths
        .filter((glob) => typeof glob === 'string')
        .map((glob) => ({ config, split: String(split), pattern: globPattern(glob) }));
    });
  });
}

function globPattern(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*\*|\*|\?/g, (wildcard) => {
    if (wildcard === '**') return '.*';
    return wildcard === '*' ? '[^/]*' : '[^/]';
  });
  return new RegExp(`^${escaped}$`);
}

/** Configuration and split of a path: as declared, or by the usual names. */
function placeOf(path: string, declared: readonly (Place & { readonly pattern: RegExp })[]): Place | null {
  if (path.split('/').includes('..')) return null;
  const named = declared.find(({ pattern }) => pattern.test(path));
  if (named) return { config: named.config, split: named.split };
  const published = /^(?:(.+)\/)?([\w.]+)-\d{5}-of-\d{5}\.parquet$/.exec(path);
  if (published) {
    const folder = published[1]?.split('/').pop();
    return { config: folder === undefined || folder === 'data' ? 'default' : folder, split: published[2]! };
  }
  const converted = /^([^/]+)\/([\w.]+)\/\d+\.parquet$/.exec(path);
  return converted ? { config: converted[1]!, split: converted[2]! } : null;
}
