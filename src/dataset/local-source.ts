import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../platform/errors';
import type { SourceFile } from './import';

/** `<config>/<split>-00000-of-00001.parquet`, as published. */
const PUBLISHED_NAME = /^(?<split>[A-Za-z0-9_.]+)-\d{5}-of-\d{5}\.parquet$/;

export interface LocalSourceOptions {
  /** Only this configuration; for a single file, the one it is. */
  readonly config?: string;
  readonly split?: string;
}

/** A Parquet file that is not imported, and why not. */
export interface SkippedFile {
  readonly name: string;
  readonly reason: string;
}

const OTHER_NAME = 'its name is not CONFIG/SPLIT-00000-of-00001.parquet';
const NO_FILE = 'it is not a file';
const SHOWN_SKIPPED = 5;

/**
 * The files to import from a path: a single Parquet file, or every file of the published layout below a folder.
 * Configuration and split come from the path. Also names what looks like a Parquet file and is left out.
 * @throws UserError SOURCE_NOT_FOUND
 */
export async function findLocalFiles(
  path: string,
  options: LocalSourceOptions = {},
): Promise<{ readonly files: SourceFile[]; readonly skipped: SkippedFile[] }> {
  const root = resolve(path);
  const stats = await stat(root).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      'SOURCE_NOT_FOUND',
      error.code === 'ENOENT'
        ? `there is no file or folder ${path}. A source is a local path, or hf:OWNER/DATASET for the Hugging Face hub.`
        : `cannot read ${path}: ${error.message}`,
      {},
      { cause: error },
    );
  });
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new UserError('SOURCE_NOT_FOUND', `${path} is neither a file nor a folder. Save it to a file first.`);
  }
  if (stats.isFile()) {
    const split = PUBLISHED_NAME.exec(basename(root))?.groups?.split;
    const config = options.config ?? (split ? basename(dirname(root)) : 'default');
    return {
      files: [{ name: `${config}/${basename(root)}`, path: root, config, split: options.split ?? split ?? 'train' }],
      skipped: [],
    };
  }

  const all = await readdir(root, { recursive: true }).catch((error: Error) => {
    throw new UserError('SOURCE_NOT_FOUND', `cannot read ${path}: ${error.message}`, {}, { cause: error });
  });
  const files: SourceFile[] = [];
  const skipped: SkippedFile[] = [];
  for (const name of all.filter((one) => one.endsWith('.parquet')).sort()) {
    const full = join(root, name);
    const kind = await stat(full).catch(() => null);
    // What lies in a folder of such a name has been listed beside it.
    if (kind?.isDirectory()) continue;
    // Opening a pipe would wait for its writer for ever.
    if (!kind?.isFile()) {
      skipped.push({ name, reason: NO_FILE });
      continue;
    }
    const split = PUBLISHED_NAME.exec(basename(name))?.groups?.split;
    if (!split) {
      skipped.push({ name, reason: OTHER_NAME });
      continue;
    }
    const folder = dirname(relative(root, full));
    const config = folder === '.' ? basename(root) : folder.split(sep).pop()!;
    // The file name is kept relative to the folder of all configurations, so that it is the same however it was reached.
    files.push({ name: `${config}/${basename(name)}`, path: full, config, split });
  }
  const wanted = files.filter(
    (file) =>
      (options.config === undefined || file.config === options.config) &&
      (options.split === undefined || file.split === options.split),
  );
  if (wanted.length === 0) throw nothingFound(path, files, skipped, options);
  return { files: wanted, skipped };
}

function nothingFound(
  path: string,
  files: readonly SourceFile[],
  skipped: readonly SkippedFile[],
  options: LocalSourceOptions,
): UserError {
  if (files.length === 0) {
    const others = skipped.filter(({ reason }) => reason === OTHER_NAME).map(({ name }) => name);
    const shown = others.slice(0, SHOWN_SKIPPED).join(', ') + (others.length > SHOWN_SKIPPED ? ', …' : '');
    const wayOut = shown && ` There is ${shown}: name such a file itself to import it, with --config and --split.`;
    return new UserError(
      'SOURCE_NOT_FOUND',
      `no files of the published layout (CONFIG/SPLIT-00000-of-00001.parquet) under ${path}.${wayOut}`,
    );
  }
  const found = [...new Set(files.map((file) => `${file.config}/${file.split}`))].join(', ');
  const asked = [options.config && `--config ${options.config}`, options.split && `--split ${options.split}`];
  return new UserError(
    'SOURCE_NOT_FOUND',
    `nothing under ${path} matches ${asked.filter(Boolean).join(' ')}; there is ${found}.`,
  );
}
