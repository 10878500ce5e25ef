import { verifiedFiles, type BuiltInModel } from './built-in-models';
import type { LearnedModels } from './learned-models';
import type { AttributeCompleter, CaptionWriter, Model } from './stages';

/** Temperature at which partial combinations are completed: as the model has learnt it. */
const TEMPERATURE = 1;

/** Completes a partial combination by the attribute VAE. */
export function learnedCompleter(models: LearnedModels): AttributeCompleter {
  return {
    name: 'attribute-vae',
    // Of the model and of the way it is sampled.
    version: '1',
    isPlaceholder: false,
    models: modelsOf('attribute-vae'),
    async complete({ given, forbidden, seed }) {
      const parameters = { seed, temperature: TEMPERATURE };
      const [attributes] = await models.complete([
        { given, forbidden, seed, temperature: TEMPERATURE, threshold: null, count: null },
      ]);
      return { attributes: attributes!, parameters };
    },
  };
}

/** Says attributes by the captioner, and nothing else. */
export function learnedCaptions(models: LearnedModels): CaptionWriter {
  const writer: CaptionWriter = {
    name: 'captioner',
    // Of the model and of the way it is decoded.
    version: '2',
    isPlaceholder: false,
    models: modelsOf('captioner'),
    async write({ attributes, seed }) {
      const [caption] = await models.captions([{ attributes, seed }]);
      return { caption: caption!, by: writer, parameters: { seed } };
    },
  };
  return writer;
}

/** Files of a model with their checksums, checked once. */
function modelsOf(name: BuiltInModel): () => Promise<readonly Model[]> {
  let checked: Promise<readonly Model[]> | null = null;
  return () => {
    checked ??= verifiedFiles(name)
      .then(({ card: { files, license } }) =>
        Object.entries(files).map(([file, { sha256 }]) => ({ name: `${name}/${file}`, sha256, license })),
      )
      .catch((error: unknown) => {
        checked = null;
        throw error;
      });
    return checked;
  };
}
