import { rename, stat, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codecConvolutionGraph, codecRecurrentGraph } from './codec-graph';
import { decoderGraph } from './decoder-graph';
import { readModelConfig, type MusicGenConfig } from './model-config';
import type { Graph } from './onnx-graph';
import { PreparedWeights, type Precision } from './prepared-weights';
import { Weights } from './safetensors';
import { textEncoderGraph } from './text-encoder-graph';

/**
 * Makes of a published repository what ONNX Runtime can run: graphs over the published weights, and a file of those
 * weights that are wanted in another form. All of it lies beside the weights, because graphs may only name files of
 * their own directory, and is made once; what was made for other files, or by another version, is made again.
 */
export interface PreparedModel {
  readonly config: MusicGenConfig;
  readonly precision: Precision;
  /** Paths of the graphs. */
  readonly textEncoder: string;
  readonly decoder: string;
  readonly codecRecurrent: string;
  readonly codecConvolutions: string;
}

export interface PrepareOptions {
  readonly signal?: AbortSignal;
  /** Share of the converted weights that is written, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** Grows with every change to the graphs or to how weights are converted. */
export const PREPARED_VERSION = 5;

/** @throws EngineError where published files are missing, damaged, or of another kind of model */
export async function prepareModel(
  directory: string,
  precision: Precision,
  options: PrepareOptions = {},
): Promise<PreparedModel> {
  const config = await readModelConfig(directory);
  const published = await Weights.open(directory);
  const name = (part: string) => `prepared-${part}`;
  const files = {
    textEncoder: name('text-encoder.onnx'),
    decoder: name(`decoder-${precision}.onnx`),
    codecRecurrent: name('codec-recurrent.onnx'),
    codecConvolutions: name('codec-convolutions.onnx'),
  };
  const path = (file: string) => join(directory, file);
  const prepared: PreparedModel = {
    config,
    precision,
    textEncoder: path(files.textEncoder),
    decoder: path(files.decoder),
    codecRecurrent: path(files.codecRecurrent),
    codecConvolutions: path(files.codecConvolutions),
  };
  const marker = path(name(`${precision}.json`));
  const wanted = JSON.stringify({ version: PREPARED_VERSION, weights: await identify(published) });
  if ((await readFile(marker, 'utf8').catch(() => null)) === wanted) return prepared;

  const common = new PreparedWeights(published, name('common.bin'), 'fp32');
  const decoder = new PreparedWeights(published, name(`decoder-${precision}.bin`), precision);
  const graphs: readonly (readonly [string, Graph])[] = [
    [files.textEncoder, textEncoderGraph(config.text_encoder, common)],
    [files.codecRecurrent, codecRecurrentGraph(config, common)],
    [files.codecConvolutions, codecConvolutionGraph(config, common)],
    [files.decoder, decoderGraph(config, decoder)],
  ];
  const total = common.sizeBytes + decoder.sizeBytes;
  let before = 0;
  for (const weights of [common, decoder]) {
    await weights.write({
      signal: options.signal,
      onProgress: (share) => options.onProgress?.((before + share * weights.sizeBytes) / total),
    });
    before += weights.sizeBytes;
  }
  for (const [file, graph] of graphs) await writeWhole(path(file), graph.toModel());
  await writeWhole(marker, wanted);
  return prepared;
}

/** What tells that the published files are still those. */
async function identify({ directory, files }: Weights): Promise<unknown> {
  return Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(join(directory, file));
      return [file, size, mtimeMs];
    }),
  );
}

/** Under its name only when all of it is there. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}
