import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../platform/directory';
import { UserError } from '../platform/errors';
import { downloadHubFile, isIntact } from '../platform/hub/download';
import type { HubAccess, HubFile } from '../platform/hub/repository';
import { findPublished, type HubModel, type PublishedModel } from './hub-models';
import { footprintsOf, type Footprint } from './musicgen/footprint';
import type { Precision } from './musicgen/prepared-weights';
import { writeManifest, type ModelFile } from './pulled-model';
import { EngineError } from './stages';

/** What a pull comes to, known before anything is stored. */
export interface PullFacts {
  readonly license: string;
  readonly revision: string;
  readonly commit: string;
  readonly files: number;
  /** Of all files, and of those that are not there yet. */
  readonly bytes: number;
  readonly bytesToFetch: number;
  /** By precision, the one that is used without a GPU first. */
  readonly footprints: readonly Footprint[];
  /** On disk, for what is fetched and what is converted of it; and what is free there. */
  readonly bytesNeeded: number;
  readonly bytesFree: number;
}

export interface PullOptions extends HubAccess {
  /** How weights are to be kept; auto: nobody knows yet, so that there has to be room for the largest that it may become. */
  readonly precision: 'auto' | Precision;
  /** Before anything is stored. */
  readonly onStart?: (facts: PullFacts) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number, file: string) => void;
}

/**
 * Downloads a model into its directory; what is there already and right is not fetched again, and what was broken off is
 * continued. When it returns every byte has been compared with the hub's checksums.
 * @throws UserError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE, SOURCE_CORRUPT, DISK_FULL
 */
export async function pullModel(model: HubModel, directory: string, options: PullOptions): Promise<void> {
  const published = await findPublished(model, options);
  const { commit, revision, license, files } = published;
  const footprints = readFootprints(published, `config.json of ${model.owner}/${model.name} at revision ${revision}`);
  await makeDirectory(directory);
  const missing: HubFile[] = [];
  for (const file of files) if (!(await isThere(file, directory))) missing.push(file);
  const total = (of: readonly HubFile[]) => of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const bytesToFetch = total(missing) - (await sizeOfPartials(missing, directory));
  const { bavail, bsize } = await statfs(directory);
  const facts: PullFacts = {
    license,
    revision,
    commit,
    files: files.length,
    bytes: total(files),
    bytesToFetch,
    footprints,
    bytesNeeded: bytesToFetch + preparedBytes(footprints, options.precision),
    bytesFree: bavail * bsize,
  };
  options.onStart?.(facts);
  if (facts.bytesNeeded > facts.bytesFree) throw tooLittleRoom(model.name, directory, facts);

  // Nothing says any more that the model is there, until all of it is.
  if (missing.length > 0) await rm(join(directory, 'manifest.json'), { force: true });
  let before = facts.bytes - total(missing);
  for (const file of missing) {
    await downloadHubFile(file, {
      ...options,
      directory,
      onProgress: (done) => options.onProgress?.(before + done, facts.bytes, file.path),
    });
    before += file.sizeBytes;
  }
  const stored: ModelFile[] = [];
  for (const { path, sizeBytes, checksum } of files) {
    const sha256 = checksum.kind === 'sha256' ? checksum.hex : await sha256OfFile(join(directory, path));
    stored.push({ path, bytes: sizeBytes, sha256 });
  }
  const source = `${options.endpoint}/${model.owner}/${model.name}`;
  await writeManifest(directory, { commit, license, source, files: stored });
}

/** @throws UserError SOURCE_CORRUPT */
function readFootprints({ config, weightBytes }: PublishedModel, name: string): readonly Footprint[] {
  try {
    return footprintsOf(config, weightBytes, name);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UserError('SOURCE_CORRUPT', error.message, {}, { cause: error });
  }
}

/** A file of the right size that is not right goes: it is of another commit, or has been damaged. */
async function isThere(file: HubFile, directory: string): Promise<boolean> {
  const path = join(directory, ...file.path.split('/'));
  if (await isIntact(file, path)) return true;
  await rm(path, { force: true });
  return false;
}

async function sizeOfPartials(files: readonly HubFile[], directory: string): Promise<number> {
  const sizes = files.map(({ path, sizeBytes }) =>
    stat(join(directory, `${path}.partial`)).then(
      ({ size }) => Math.min(size, sizeBytes),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** What `auto` may become. */
const AUTOMATIC: readonly Precision[] = ['int8', 'fp16'];

function preparedBytes(footprints: readonly Footprint[], wanted: PullOptions['precision']): number {
  const possible = footprints.filter(({ precision }) =>
    wanted === 'auto' ? AUTOMATIC.includes(precision) : precision === wanted,
  );
  return Math.max(...possible.map((footprint) => footprint.preparedBytes));
}

function tooLittleRoom(
  name: string,
  directory: string,
  { bytesNeeded, bytesFree, bytesToFetch }: PullFacts,
): UserError {
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  return new UserError(
    'DISK_FULL',
    `${name} needs ${gb(bytesNeeded)} of disk (${gb(bytesToFetch)} to be fetched, ${gb(bytesNeeded - bytesToFetch)} to be made of it) and ${gb(bytesFree)} are free in ${directory}. Nothing was fetched. Make room, or set DATA_DIR to another disk.`,
  );
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
