import { readFile } from 'node:fs/promises';
import { completeRows, interpolateRows, latentDistances, type VaeCompletion } from './attribute-vae/complete';
import { plausibilityOf, type Plausibility } from './attribute-vae/plausibility';
import { openAttributeVae } from './attribute-vae/vae';
import { verifiedFiles } from './built-in-models';
import { openTransformer, type Vocabulary } from './captioner/language-model';
import { writeCaptions, type CaptionOptions, type CaptionTask } from './captioner/write-caption';
import type { OnnxRuntime } from './onnx';
import { loadTokenizer, type TextTokenizer } from './text-tokenizer';

/**
 * What the built-in models can do, as the process that runs them offers it. All arguments and results are plain data.
 * Lists are taxonomy indices.
 */
export interface LearnedModels {
  /** Reads all of them, so that nobody has to wait for it later. */
  load(): Promise<void>;
  complete(wanted: readonly VaeCompletion[]): Promise<number[][]>;
  plausibility(lists: readonly (readonly number[])[]): Promise<Plausibility[]>;
  /** The way from one combination to another, ends included: `steps` + 2 lists. */
  interpolate(from: readonly number[], to: readonly number[], steps: number): Promise<number[][]>;
  /** Distances in latent space. */
  distances(from: readonly number[], to: readonly (readonly number[])[]): Promise<number[]>;
  /** @param options as `writeCaptions` takes them */
  captions(tasks: readonly CaptionTask[], options?: CaptionOptions): Promise<string[]>;
}

/** Each model is read when it is first needed, once. */
export function learnedModels(runtime: OnnxRuntime): LearnedModels {
  const vae = once(async () => {
    const { card, pathOf } = await verifiedFiles('attribute-vae');
    const files = { encoder: pathOf('encoder.onnx'), decoder: pathOf('decoder.onnx') };
    const { trainingFrequencies: frequencies, plausibility } = card;
    return {
      model: await openAttributeVae(runtime, files),
      calibration: { frequencies, quantilesBySize: plausibility.quantilesBySize },
    };
  });
  const captioner = once(() => openCaptioner(runtime));
  return {
    load: async () => {
      await Promise.all([vae(), captioner()]);
    },
    complete: async (wanted) => completeRows((await vae()).model, wanted),
    plausibility: async (lists) => {
      const { model, calibration } = await vae();
      return plausibilityOf(model, calibration, lists);
    },
    interpolate: async (from, to, steps) => interpolateRows((await vae()).model, from, to, steps),
    distances: async (from, to) => latentDistances((await vae()).model, from, to),
    captions: async (tasks, options) => writeCaptions(await captioner(), tasks, options),
  };
}

export async function openCaptioner(runtime: OnnxRuntime) {
  const { card, pathOf } = await verifiedFiles('captioner');
  const tokenizer = await loadTokenizer(JSON.parse(await readFile(pathOf('tokenizer.json'), 'utf8')) as object);
  const words = (await readFile(pathOf('words.txt'), 'utf8')).split('\n').filter((word) => word !== '');
  const { architecture, tokens } = card;
  const vocabulary = vocabularyOf(tokenizer, architecture.vocabulary, tokens, words);
  return openTransformer(runtime, pathOf('captioner.onnx'), { ...architecture, ...tokens }, vocabulary);
}

function vocabularyOf(
  tokenizer: TextTokenizer,
  size: number,
  tokens: { readonly start: number; readonly end: number; readonly pad: number },
  words: readonly string[],
): Vocabulary {
  return {
    texts: Array.from({ length: size }, (_, token) =>
      tokenizer.decode([token], { clean_up_tokenization_spaces: false }),
    ),
    end: tokens.end,
    special: [tokens.start, tokens.end, tokens.pad],
    words: new Set(words),
    beginnings: new Set(words.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1)))),
    encode: (text) => tokenizer.encode(text).ids,
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
