import { join } from 'node:path';
import { UserError } from '../platform/errors';
import { BUILT_IN_MODELS, modelDirectory, readModelCard } from './built-in-models';
import { HUB_MODELS, hubModel, noSuchModel, type HubModel } from './hub-models';
import { pullModel, sha256OfFile, type PullOptions } from './model-pull';
import { findDamage, readManifest, type ModelFile } from './pulled-model';

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

/** Whether a model of the hub can be used, as far as that shows at a glance. */
export type ModelPresence =
  | { readonly isHere: true; readonly directory: string; readonly license: string }
  | {
      readonly isHere: false;
      readonly license: string;
      /** What is wrong, and the way out. */ readonly reason: string;
    };

const BUILT_IN_DESCRIPTIONS = {
  'attribute-vae': 'Which attributes go together: completes partial combinations.',
  captioner: 'Attributes to captions.',
} as const;

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
   * Downloads a model and verifies it; what is there already and right is not fetched again, and what was broken off is
   * continued.
   * @throws UserError UNKNOWN_MODEL, UNSUPPORTED_MODEL, DISK_FULL, and those of the hub: SOURCE_NOT_FOUND, SOURCE_DENIED,
   *   SOURCE_UNAVAILABLE, SOURCE_CORRUPT
   */
  async pull(name: string, options: PullOptions): Promise<ModelEntry> {
    if (!(BUILT_IN_MODELS as readonly string[]).includes(name)) {
      const model = hubModel(name);
      await pullModel(model, this.directoryOf(model), options);
    }
    return this.find(name);
  }

  /**
   * Reads every byte of a model and compares it with what it should be.
   * @returns for each file, whether it is missing or damaged
   * @throws UserError UNKNOWN_MODEL, UNSUPPORTED_MODEL, MODEL_UNAVAILABLE where it was not pulled
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

  /**
   * Whether a model of the hub is here, with files of the right sizes: quick enough for every start.
   * @throws UserError UNKNOWN_MODEL, UNSUPPORTED_MODEL
   */
  async presence(name: string): Promise<ModelPresence> {
    const model = hubModel(name);
    const directory = this.directoryOf(model);
    const manifest = await readManifest(directory);
    const wayOut = `"npx conceptcaps models pull ${name}"`;
    if (!manifest) {
      const reason = `the model ${name} is not here. ${wayOut} fetches it; then start again.`;
      return { isHere: false, license: model.license, reason };
    }
    const { license } = manifest;
    const damage = await findDamage(directory, manifest);
    if (damage === null) return { isHere: true, directory, license };
    return {
      isHere: false,
      license,
      reason: `the model ${name} is damaged: ${damage}. ${wayOut} mends it; then start again.`,
    };
  }

  private async find(name: string): Promise<ModelEntry> {
    const entry = (await this.list()).find((known) => known.name === name);
    if (!entry) throw noSuchModel(name);
    return entry;
  }

  private directoryOf({ name }: HubModel): string {
    return join(this.dataDir, 'models', name);
  }
}
