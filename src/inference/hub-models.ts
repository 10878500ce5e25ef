import { UserError } from '../platform/errors';
import { readHubJson } from '../platform/hub/download';
import { openHubRepository, type HubAccess, type HubFile, type HubRepository } from '../platform/hub/repository';
import { BUILT_IN_MODELS } from './built-in-models';

/**
 * Models of the Hugging Face hub that an engine here can run: which there are, and what is needed of their repositories.
 */
export interface HubModel {
  readonly owner: string;
  readonly name: string;
  /** Where the weights may be in the safetensors format, in the order in which it is tried. */
  readonly revisions: readonly string[];
  readonly description: string;
  /** SPDX identifier of the weights' licence. */
  readonly license: string;
}

/**
 * The cards say CC-BY-NC 4.0, for all of them. Of medium and large the branch `main` has only pickled weights; the hub's own
 * conversion bot offers the same ones as safetensors in a pull request.
 */
const musicgen = (size: string, what: string, conversion: readonly string[] = []): HubModel => ({
  owner: 'facebook',
  name: `musicgen-${size}`,
  revisions: ['main', ...conversion],
  description: `MusicGen ${size}: text to ${what} (arXiv 2306.05284), for the engine MUSICGEN.`,
  license: 'CC-BY-NC-4.0',
});

export const HUB_MODELS: readonly HubModel[] = [
  musicgen('small', 'music'),
  musicgen('medium', 'music', ['refs/pr/10']),
  musicgen('large', 'music', ['refs/pr/18']),
  musicgen('stereo-small', 'music in stereo'),
  musicgen('stereo-medium', 'music in stereo'),
  musicgen('stereo-large', 'music in stereo'),
];

const MELODY =
  'it is another architecture (musicgen_melody), which takes the chroma of a given melody beside the text and has no cross-attention to it';

/** Relatives of those models that cannot be run, and why. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  'musicgen-melody': MELODY,
  'musicgen-melody-large': MELODY,
  'musicgen-stereo-melody': MELODY,
  'musicgen-stereo-melody-large': MELODY,
  'musicgen-style':
    "it is published in audiocraft's own format only (state_dict.bin, no config.json, no safetensors), and takes an excerpt of audio whose style it follows",
};

/** @throws UserError UNKNOWN_MODEL, UNSUPPORTED_MODEL */
export function hubModel(name: string): HubModel {
  const model = HUB_MODELS.find((known) => known.name === name);
  if (!model) throw noSuchModel(name);
  return model;
}

/** What to say of a name that is none of a model that can be run. */
export function noSuchModel(name: string): UserError {
  const runnable = HUB_MODELS.map((known) => known.name);
  const reason = UNSUPPORTED[name];
  if (reason !== undefined) {
    return new UserError(
      'UNSUPPORTED_MODEL',
      `the model ${name} cannot be run here: ${reason}. Those that can are ${runnable.join(', ')}.`,
      { suggestions: runnable },
    );
  }
  const suggestions = [...BUILT_IN_MODELS, ...runnable];
  return new UserError('UNKNOWN_MODEL', `there is no model "${name}"; there are ${suggestions.join(', ')}.`, {
    suggestions,
  });
}

/** A model as the hub has it now. */
export interface PublishedModel {
  readonly commit: string;
  readonly revision: string;
  readonly license: string;
  /** What is needed of it. */
  readonly files: readonly HubFile[];
  /** Of the weights alone. */
  readonly weightBytes: number;
  /** What its `config.json` says, unchecked. */
  readonly config: unknown;
}

/** @throws UserError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE, SOURCE_CORRUPT */
export async function findPublished(model: HubModel, options: HubAccess): Promise<PublishedModel> {
  const subject = (revision: string) => `the model ${model.owner}/${model.name} at revision ${revision}`;
  for (const revision of model.revisions) {
    const repository = await openRevision(model, revision, subject(revision), options);
    const weights = repository && (await weightsOf(repository.files, subject(revision), options));
    if (!repository || !weights) continue;
    const small = repository.files.filter(({ path }) => CONFIGURATION.test(path));
    const config = small.find(({ path }) => path === 'config.json');
    if (!config || !small.some(({ path }) => path === 'tokenizer.json')) {
      throw new UserError('SOURCE_CORRUPT', `${subject(revision)} has no ${config ? 'tokenizer' : 'config'}.json.`);
    }
    const shards = weights.filter(({ path }) => path.endsWith('.safetensors'));
    return {
      commit: repository.commit,
      revision,
      license: spdx(repository.card.license, model.license),
      files: [...small, ...weights],
      weightBytes: shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      config: await readHubJson(config, options),
    };
  }
  const places = model.revisions.map((revision) => `"${revision}"`).join(' and ');
  throw new UserError(
    'SOURCE_NOT_FOUND',
    `the model ${model.owner}/${model.name} has no weights in the safetensors format (at revision ${places}).`,
  );
}

const CONFIGURATION =
  /^(?:config|generation_config|preprocessor_config|tokenizer|tokenizer_config|special_tokens_map)\.json$/;
const SINGLE_FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Null where a revision that is only a second choice is not there. */
async function openRevision(
  model: HubModel,
  revision: string,
  subject: string,
  options: HubAccess,
): Promise<HubRepository | null> {
  try {
    return await openHubRepository('models', { ...model, revision }, subject, options);
  } catch (error) {
    const isMissing = error instanceof UserError && error.code === 'SOURCE_NOT_FOUND';
    if (isMissing && revision !== model.revisions[0]) return null;
    throw error;
  }
}

/**
 * The file of the weights, or the files that the index names and the index; other copies of the same weights (pickled
 * ones, other precisions) are left alone. Null where there is neither.
 */
async function weightsOf(
  files: readonly HubFile[],
  subject: string,
  options: HubAccess,
): Promise<readonly HubFile[] | null> {
  const single = files.find(({ path }) => path === SINGLE_FILE);
  if (single) return [single];
  const index = files.find(({ path }) => path === INDEX);
  if (!index) return null;
  const { weight_map: places } = (await readHubJson(index, options)) as { weight_map?: Record<string, unknown> };
  const names = [...new Set(Object.values(places ?? {}))].sort();
  const shards = names.map((name) => {
    const shard = files.find(({ path }) => path === name);
    if (shard?.path.endsWith('.safetensors')) return shard;
    throw new UserError('SOURCE_CORRUPT', `${subject} has no ${String(name)}, which its ${INDEX} names.`);
  });
  if (shards.length === 0) throw new UserError('SOURCE_CORRUPT', `${INDEX} of ${subject} names no files.`);
  return [index, ...shards];
}

/** The hub writes identifiers in lower case. */
function spdx(license: unknown, known: string): string {
  if (typeof license !== 'string' || license.toLowerCase() === known.toLowerCase()) return known;
  return license;
}
