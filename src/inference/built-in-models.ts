import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from './stages';

/** Beside the sources and beside what is built from them. */
const MODELS_DIRECTORY = join(__dirname, '..', '..', 'models');

/** Models that come with the service. */
export const BUILT_IN_MODELS = ['attribute-vae', 'captioner'] as const;
export type BuiltInModel = (typeof BUILT_IN_MODELS)[number];

const cardSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

const attributeVaeCard = cardSchema.extend({
  trainingFrequencies: z.array(z.number()),
  plausibility: z.object({ quantilesBySize: z.record(z.string(), z.array(z.number()).min(2)) }),
});

const captionerCard = cardSchema.extend({
  architecture: z.object({ layers: z.int(), heads: z.int(), width: z.int(), vocabulary: z.int() }),
  tokens: z.object({ start: z.int(), end: z.int(), pad: z.int() }),
});

const CARDS = { 'attribute-vae': attributeVaeCard, captioner: captionerCard } as const;

/** `model.json`, as far as the service reads it; `training/` writes it. */
export type ModelCard<Name extends BuiltInModel> = z.infer<(typeof CARDS)[Name]>;

export function modelDirectory(name: BuiltInModel): string {
  return join(MODELS_DIRECTORY, name);
}

/** @throws EngineError where the card is missing or damaged */
export async function readModelCard<Name extends BuiltInModel>(name: Name): Promise<ModelCard<Name>> {
  const path = join(modelDirectory(name), 'model.json');
  try {
    return CARDS[name].parse(JSON.parse(await readFile(path, 'utf8'))) as ModelCard<Name>;
  } catch (cause) {
    throw new EngineError(`${damaged(name)}: ${path} is missing or damaged`, { cause });
  }
}

/**
 * Paths of the files of a model, by their names, after their contents were found to be what the card says.
 * @throws EngineError that names the first file that is missing or damaged
 */
export async function verifiedFiles<Name extends BuiltInModel>(
  name: Name,
): Promise<{ readonly card: ModelCard<Name>; readonly pathOf: (file: string) => string }> {
  const card = await readModelCard(name);
  const pathOf = (file: string) => join(modelDirectory(name), file);
  for (const [file, { sha256 }] of Object.entries(card.files)) {
    const path = pathOf(file);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new EngineError(`${damaged(name)}: ${path} is missing`, { cause });
    });
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new EngineError(`${damaged(name)}: ${path} is not the file that its card describes`);
    }
  }
  return { card, pathOf };
}

function damaged(name: BuiltInModel): string {
  return `the model ${name} cannot be used; install the service again`;
}
