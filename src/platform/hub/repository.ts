import { UserError } from '../errors';
import { fetchWithRetry, type RetryOptions } from './http-retry';

/**
 * The Hugging Face hub's public HTTP API, as far as we need it: which commit a revision is, and which files it has.
 * (https://huggingface.co/docs/hub/api)
 */
export interface HubSource {
  readonly owner: string;
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** Parts of addresses, as the hub names its two kinds of repositories. */
export type HubKind = 'datasets' | 'models';

export interface HubFile {
  /** Path in the repository. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly checksum: Checksum;
  readonly url: string;
}

/** Large files have a SHA-256 of their bytes; small ones only git's SHA-1 of a header and the bytes. */
export type Checksum =
  { readonly kind: 'sha256'; readonly hex: string } | { readonly kind: 'git-sha1'; readonly hex: string };

export interface HubRepository {
  /** The commit that the revision stood for: everything is read from it. */
  readonly commit: string;
  /** What the repository says of itself, unchecked. */
  readonly card: { readonly license?: unknown; readonly citation?: unknown; readonly configs?: unknown };
  readonly files: readonly HubFile[];
}

export interface HubAccess extends RetryOptions {
  readonly endpoint: string;
  readonly token: string | null;
}

interface RepositoryInfo {
  readonly sha: string;
  readonly cardData?: HubRepository['card'];
}

interface TreeEntry {
  readonly type: string;
  readonly path: string;
  readonly size: number;
  readonly oid: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
}

/**
 * Pins the revision and lists its files.
 * @param subject how messages name the repository, for example "the data set a/b"
 * @throws UserError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE
 */
export async function openHubRepository(
  kind: HubKind,
  source: HubSource,
  subject: string,
  options: HubAccess,
): Promise<HubRepository> {
  const { endpoint } = options;
  const repository = `${endpoint}/api/${kind}/${source.owner}/${source.name}`;
  const infoUrl = `${repository}/revision/${encodeURIComponent(source.revision)}`;
  const info = (await (await request(infoUrl, subject, options)).json()) as RepositoryInfo;

  const entries: TreeEntry[] = [];
  for (let url: string | null = `${repository}/tree/${info.sha}?recursive=true`; url !== null;) {
    const page = await request(url, subject, options);
    entries.push(...((await page.json()) as TreeEntry[]));
    url = nextPage(page, url);
  }
  // Addresses of files of a data set say so, those of models do not.
  const home = kind === 'datasets' ? `${endpoint}/datasets` : endpoint;
  const base = `${home}/${source.owner}/${source.name}/resolve/${info.sha}`;
  return {
    commit: info.sha,
    card: info.cardData ?? {},
    files: entries
      .filter(({ type, path }) => type === 'file' && !path.split('/').includes('..'))
      .map((entry) => toFile(entry, base)),
  };
}

async function request(url: string, subject: string, options: HubAccess): Promise<Response> {
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

function toFile(entry: TreeEntry, base: string): HubFile {
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  const checksum: Checksum = entry.lfs ? { kind: 'sha256', hex: entry.lfs.oid } : { kind: 'git-sha1', hex: entry.oid };
  return {
    path: entry.path,
    sizeBytes: entry.lfs?.size ?? entry.size,
    checksum,
    url: `${base}/${path}`,
  };
}
