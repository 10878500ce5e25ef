import { UserError } from '../platform/errors';
import { openHubRepository, type HubAccess, type HubFile, type HubSource } from '../platform/hub/repository';

/** A data set on the Hugging Face hub: which of its files are Parquet files of which configuration and split. */
export interface HubDataset {
  /** The commit that the revision stood for: everything is read from it. */
  readonly commit: string;
  readonly license: string | null;
  readonly citation: string | null;
  readonly files: readonly HubDatasetFile[];
}

export interface HubDatasetFile extends HubFile {
  readonly config: string;
  readonly split: string;
}

export interface HubOptions extends HubAccess {
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

/**
 * Pins the revision and lists the Parquet files asked for.
 * @throws UserError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE
 */
export async function openHubDataset(source: HubSource, options: HubOptions): Promise<HubDataset> {
  const subject = `the data set ${source.owner}/${source.name} at revision ${source.revision}`;
  const { commit, card, files: listed } = await openHubRepository('datasets', source, subject, options);
  const declared = declaredFiles(card.configs);
  const files = listed
    .filter(({ path }) => path.endsWith('.parquet'))
    .flatMap((file) => {
      const place = placeOf(file.path, declared);
      return place ? [{ ...file, ...place }] : [];
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
  const { license, citation } = card;
  return {
    commit,
    license: typeof license === 'string' ? license : null,
    citation: typeof citation === 'string' ? citation : null,
    files: wanted,
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
