import type { Tensor } from 'onnxruntime-node';
import { ATTRIBUTES } from '../../concepts/taxonomy';
import { openSession, type OnnxRuntime } from '../onnx';

/** Columns of a row: one for each attribute, in the order of the taxonomy. */
export const WIDTH = ATTRIBUTES.length;

/**
 * The variational autoencoder of the ConceptCaps paper (arXiv 2601.14157): rows of 200 attributes and a latent space in
 * which what goes together lies together. Matrices are row by row.
 */
export interface AttributeVae {
  /** Width of the latent space; even. */
  readonly latent: number;
  /** @param rows 0 or 1, [n, 200] */
  encode(rows: Float32Array): Promise<Posterior>;
  /** @param latents [n, latent] @returns logits [n, 200]: their sigmoid is the probability of each attribute */
  decode(latents: Float32Array): Promise<Float32Array>;
}

/** Means and logarithms of the variances, each [n, latent]. */
export interface Posterior {
  readonly mean: Float32Array;
  readonly logVariance: Float32Array;
}

/** @param files paths of `encoder.onnx` and `decoder.onnx` */
export async function openAttributeVae(
  runtime: OnnxRuntime,
  files: { readonly encoder: string; readonly decoder: string },
): Promise<AttributeVae> {
  const [encoder, decoder] = await Promise.all([
    openSession(runtime, files.encoder),
    openSession(runtime, files.decoder),
  ]);
  const matrix = (values: Float32Array, width: number) =>
    new runtime.Tensor('float32', values, [values.length / width, width]);
  const probe = await encoder.run({ x: matrix(new Float32Array(WIDTH), WIDTH) });
  const latent = probe['mu']!.dims[1]!;
  return {
    latent,
    async encode(rows) {
      const { mu, logvar } = (await encoder.run({ x: matrix(rows, WIDTH) })) as Record<'mu' | 'logvar', Tensor>;
      return { mean: mu.data as Float32Array, logVariance: logvar.data as Float32Array };
    },
    async decode(latents) {
      const { logits } = (await decoder.run({ z: matrix(latents, latent) })) as Record<'logits', Tensor>;
      return logits.data as Float32Array;
    },
  };
}

/** Lists of taxonomy indices as rows of 0 and 1. */
export function rowsOf(lists: readonly (readonly number[])[]): Float32Array {
  const rows = new Float32Array(lists.length * WIDTH);
  lists.forEach((list, row) => {
    for (const attribute of list) rows[row * WIDTH + attribute] = 1;
  });
  return rows;
}
