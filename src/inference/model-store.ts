import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../platform/errors';
import { downloadHubFile } from '../platform/hub/download';
import type { RetryOptions } from '../platform/hub/http-retry';
import { openHubRepository, type HubFile } from '../platform/hub/repository';
import { BUILT_IN_MODELS, modelDirectory, readModelCard } from './built-in-models';

/**
 * Every model that there is: those that come with the service, and those that can be pulled from the Hugging Face hub
 * into the data directory.
 */
export interface ModelEntry {
  readonly name: string;
  readonly description: string;
  /** Version of a built-in model, commit of a pulled one; null: not pulled. */
  readonly version: string | null;
  /** SPDX identifier, or what comes nearest. */
  readonly license: string;
  /** Where it comes from: `built in`, or an address. */
  readonly source: string;
  readonly state: 'BUILT_IN' | 'PULLED' | 'NOT_PULLED';
  readonly files: readonly ModelFile[];
  /** Where the files are, or would be. */
  readonly directory: string;
}

export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

interface HubModel {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
  readonly description: string;
  readonly license: string;
  /** What is needed of the repository. */
  readonly files: RegExp;
}

const MUSICGEN_FILES =
  /^(?:(?:config|generation_config|preprocessor_config|tokenizer|tokenizer_config|special_tokens_map)\.json|model(?:-\d{5}-of-\d{5})?\.safetensors(?:\.index\.json)?)$/;

/** The card of each says CC-BY-NC 4.0: not for commercial use. */
const musicgen = (size: string): HubModel => ({
  owner: 'facebook',
  name: `musicgen-${size}`,
  revision: 'main',
  description: `MusicGen ${size}: text to music (arXiv 2306.05284). No engine here uses it yet.`,
  license: 'CC-BY-NC-4.0',
  files: MUSICGEN_FILES,
});

const BUILT_IN_DESCRIPTIONS = {
  'attribute-vae': 'Which attributes go together: completes partial combinations.',
  captioner: 'Attributes to captions.',
} as const;

export const HUB_MODELS: readonly HubModel[] = ['small', 'medium', 'large'].map(musicgen);

const manifestSchema = z.object({
  commit: z.string(),
  license: z.string(),
  source: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
});

/** Says what a pulled model is made of; written when all of it is there. */
const MANIFEST = 'manifest.json';

export interface PullOptions extends RetryOptions {
  readonly endpoint: string;
  readonly token: string | null;
  /** Before anything is downloaded. */
  readonly onStart?: (facts: { readonly license: string; readonly files: number; readonly bytes: number }) => void;
  readonly onProgress?: (bytesDone: number, bytesTotal: number, file: string) => void;
}

export class ModelStore {
  constructor(private readonly dataDir: string) {}

  async list(): Promise<ModelEntry[]> {
    const builtIn = BUILT_IN_MODELS.map(async (name): Promise<ModelEntry> => {
      const { version, license, files } = await readModelCard(name);
      return {
        name,
        description: BUILT_IN_DESCRIPTIONS[name],
        version,
        license,
        source: 'built in',
        state: 'BUILT_IN',
        files: Object.entries(files).map(([path, facts]) => ({ path, ...facts })),
        directory: modelDirectory(name),
      };
    });
    const hub = HUB_MODELS.map(async (model): Promise<ModelEntry> => {
      const directory = this.directoryOf(model);
      const manifest = await readManifest(directory);
      return {
        name: model.name,
        description: model.description,
        version: manifest?.commit ?? null,
        license: manifest?.license ?? model.license,
        source: manifest?.source ?? `hf:${model.owner}/${model.name}`,
        state: manifest ? 'PULLED' : 'NOT_PULLED',
        files: manifest?.files ?? [],
        directory,
      };
    });
    return Promise.all([...builtIn, ...hub]);
  }

  /**
   * Downloads a model; what is there already is not fetched again, and what was broken off is continued.
   * @throws UserError UNKNOWN_MODEL, and those of the hub: SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE, SOURCE_CORRUPT
   */
  async pull(name: string, options: PullOptions): Promise<ModelEntry> {
    const model = HUB_MODELS.find((known) => known.name === name);
    if (!model) {
      if ((BUILT_IN_MODELS as readonly string[]).includes(name)) return this.find(name);
      throw unknownModel(name);
    }
    const subject = `the model ${model.owner}/${model.name} at revision ${model.revision}`;
    const { commit, card, files: listed } = await openHubRepository('models', model, subject, options);
    const files = listed.filter(({ path }) => model.files.test(path));
    if (!files.some(({ path }) => path.endsWith('.safetensors'))) {
      throw new UserError('SOURCE_NOT_FOUND', `${subject} has no weights in the safetensors format.`);
    }
    const directory = this.directoryOf(model);
    const license = typeof card.license === 'string' ? card.license : model.license;
    const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    options.onStart?.({ license, files: files.length, bytes: total });
    const stored: ModelFile[] = [];
    let before = 0;
    for (const file of files) {
      const path = await downloadHubFile(await freshen(file, directory, commit), {
        ...options,
        directory,
        onProgress: (done) => options.onProgress?.(before + done, total, file.path),
      });
      before += file.sizeBytes;
      stored.push({ path: file.path, bytes: file.sizeBytes, sha256: await sha256OfFile(path) });
    }
    const source = `${options.endpoint}/${model.owner}/${model.name}`;
    // Under another name until it is whole: a manifest that is there is true.
    const partial = join(directory, `${MANIFEST}.partial`);
    await writeFile(partial, `${JSON.stringify({ commit, license, source, files: stored }, null, 2)}\n`);
    await rename(partial, join(directory, MANIFEST));
    return this.find(name);
  }

  /**
   * Reads every byte of a model and compares it with what it should be.
   * @returns for each file, whether it is missing or damaged
   * @throws UserError UNKNOWN_MODEL, MODEL_UNAVAILABLE where it was not pulled
   */
  async verify(name: string): Promise<{ readonly file: ModelFile; readonly problem: string | null }[]> {
    const { state, files, directory } = await this.find(name);
    if (state === 'NOT_PULLED') {
      throw new UserError(
        'MODEL_UNAVAILABLE',
        `the model ${name} is not here yet; "conceptcaps models pull ${name}" fetches it.`,
      );
    }
    return Promise.all(
      files.map(async (file) => {
        const found = await sha256OfFile(join(directory, file.path)).catch(() => null);
        return { file, problem: found === null ? 'missing' : found === file.sha256 ? null : 'damaged' };
      }),
    );
  }

  private async find(name: string): Promise<ModelEntry> {
    const entry = (await this.list()).find((known) => known.name === name);
    if (!entry) throw unknownModel(name);
    return entry;
  }

  private directoryOf({ name }: HubModel): string {
    return join(this.dataDir, 'models', name);
  }
}

/** A file of another commit may have the same size: where the commit has changed, nothing that is there counts. */
async function freshen(file: HubFile, directory: string, commit: string): Promise<HubFile> {
  const manifest = await readManifest(directory);
  if (manifest === null || manifest.commit === commit) return file;
  const path = join(directory, file.path);
  const known = manifest.files.find(({ path: own }) => own === file.path);
  if (file.checksum.kind === 'sha256' && known?.sha256 === file.checksum.hex) return file;
  await rm(path, { force: true });
  return file;
}

async function readManifest(directory: string): Promise<z.infer<typeof manifestSchema> | null> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')));
  } catch {
    return null;
  }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function unknownModel(name: string): UserError {
  const suggestions = [...BUILT_IN_MODELS, ...HUB_MODELS.map((model) => model.name)];
  return new UserError('UNKNOWN_MODEL', `there is no model "${name}"; there are ${suggestions.join(', ')}.`, {
    suggestions,
  });
}
