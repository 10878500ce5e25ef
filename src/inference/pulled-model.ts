import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** A model of the hub as it lies in its directory, with a manifest that says what it is made of. */
export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  readonly commit: string;
  /** SPDX identifier, or what the hub says. */
  readonly license: string;
  readonly source: string;
  readonly files: readonly ModelFile[];
}

/** Written when all of the model is there. */
const MANIFEST = 'manifest.json';

const manifestSchema = z.object({
  commit: z.string(),
  license: z.string(),
  source: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
});

/** Null where the model was not pulled, or not all of it. */
export async function readManifest(directory: string): Promise<Manifest | null> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')));
  } catch {
    return null;
  }
}

/** Under another name until it is whole: a manifest that is there is true. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  const partial = join(directory, `${MANIFEST}.partial`);
  await writeFile(partial, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(partial, join(directory, MANIFEST));
}

/**
 * What is plainly wrong with the files, found by their sizes alone: reading them takes minutes where they are large, and is
 * what `models verify` is for. Null where nothing is.
 */
export async function findDamage(directory: string, { files }: Manifest): Promise<string | null> {
  for (const { path, bytes } of files) {
    const size = await stat(join(directory, path)).then(
      (found) => found.size,
      () => null,
    );
    if (size === null) return `${path} is missing`;
    if (size !== bytes) return `${path} has ${size} bytes instead of ${bytes}`;
  }
  return null;
}
