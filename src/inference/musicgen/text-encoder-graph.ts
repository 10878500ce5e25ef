import type { TextEncoderConfig } from './model-config';
import { Graph, type Value } from './onnx-graph';
import type { PreparedWeights } from './prepared-weights';

/**
 * The encoder of T5: text tokens to hidden states. Runs once a caption, always in 32 bits: it is known to overflow in 16.
 */
export const TEXT_ENCODER_INPUTS = {
  /** int64 [B, S] */
  tokens: 'tokens',
  /** float [B, S]: 1 for text, 0 for padding */
  mask: 'mask',
  /** int64 [S, S]: which bucket of distances a pair of positions is in */
  buckets: 'buckets',
} as const;

/** float [B, S, d_model] */
export const TEXT_ENCODER_OUTPUT = 'hidden';

const HIDDEN = -1e9;

export function textEncoderGraph(config: TextEncoderConfig, weights: PreparedWeights): Graph {
  const { d_model: size, d_kv: width, num_heads: heads, d_ff: inner } = config;
  const { published } = weights;
  const graph = new Graph('t5_encoder');
  const tokens = graph.input(TEXT_ENCODER_INPUTS.tokens, 'int64', ['texts', 'length']);
  const mask = graph.input(TEXT_ENCODER_INPUTS.mask, 'float32', ['texts', 'length']);
  const buckets = graph.input(TEXT_ENCODER_INPUTS.buckets, 'int64', ['length', 'length']);

  const weight = (name: string | readonly string[], shape: readonly number[]) =>
    weights.plain(graph, published.get(name, shape));
  const linear = (x: Value, name: string, outputs: number, inputs: number) =>
    graph.node('Gemm', [x, weight(`text_encoder.encoder.block.${name}.weight`, [outputs, inputs])], { transB: 1 });
  // Root mean square, no mean taken off and no bias.
  const norm = (x: Value, name: string) => {
    const square = graph.node('ReduceMean', [graph.node('Mul', [x, x]), graph.ints([-1])], { keepdims: 1 });
    const root = graph.node('Sqrt', [graph.node('Add', [square, graph.floats([config.layer_norm_epsilon], [])])]);
    return graph.node('Mul', [graph.node('Div', [x, root]), weight(`text_encoder.encoder.${name}.weight`, [size])]);
  };

  const shape = graph.node('Shape', [tokens]);
  const table = weight(
    ['text_encoder.shared.weight', 'text_encoder.encoder.embed_tokens.weight'],
    [config.vocab_size, size],
  );
  const hiding = graph.node('Mul', [graph.node('Sub', [graph.floats([1], []), mask]), graph.floats([HIDDEN], [])]);
  const distances = weight('text_encoder.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight', [
    config.relative_attention_num_buckets,
    heads,
  ]);
  // [S, S, H] → [1, H, S, S], and [B, 1, 1, S] over it.
  const near = graph.node('Unsqueeze', [
    graph.node('Transpose', [graph.node('Gather', [distances, buckets])], { perm: [2, 0, 1] }),
    graph.ints([0]),
  ]);
  const bias = graph.node('Add', [near, graph.node('Unsqueeze', [hiding, graph.ints([1, 2])])]);

  let x = graph.node('Reshape', [graph.node('Gather', [table, tokens]), graph.ints([-1, size])]);
  const perHead = graph.node('Concat', [shape, graph.ints([heads, width])], { axis: 0 });
  for (let layer = 0; layer < config.num_layers; layer++) {
    const attention = norm(x, `block.${layer}.layer.0.layer_norm`);
    const of = (which: string) => `${layer}.layer.0.SelfAttention.${which}`;
    const project = (which: string, perm: readonly number[]) =>
      graph.node('Transpose', [graph.node('Reshape', [linear(attention, of(which), heads * width, size), perHead])], {
        perm,
      });
    const scores = graph.node('Add', [
      graph.node('MatMul', [project('q', [0, 2, 1, 3]), project('k', [0, 2, 3, 1])]),
      bias,
    ]);
    const seen = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: 3 }), project('v', [0, 2, 1, 3])]);
    const flat = graph.node('Reshape', [
      graph.node('Transpose', [seen], { perm: [0, 2, 1, 3] }),
      graph.ints([-1, heads * width]),
    ]);
    x = graph.node('Add', [x, linear(flat, of('o'), size, heads * width)]);
    const wide = linear(
      norm(x, `block.${layer}.layer.1.layer_norm`),
      `${layer}.layer.1.DenseReluDense.wi`,
      inner,
      size,
    );
    const narrow = linear(graph.node('Relu', [wide]), `${layer}.layer.1.DenseReluDense.wo`, size, inner);
    x = graph.node('Add', [x, narrow]);
  }
  const last = norm(x, 'final_layer_norm');
  const full = graph.node('Reshape', [last, graph.node('Concat', [shape, graph.ints([size])], { axis: 0 })]);
  graph.output(TEXT_ENCODER_OUTPUT, full, 'float32', ['texts', 'length', size]);
  return graph;
}

/**
 * Buckets of distances between positions, as T5 has them: half for each direction, exact up to a quarter of their number,
 * then by logarithm up to the largest distance. In 32 bits, as PyTorch reckons.
 * @returns [length, length], rows by the position that looks
 */
export function distanceBuckets(length: number, config: TextEncoderConfig): BigInt64Array {
  const half = config.relative_attention_num_buckets / 2;
  const exact = half / 2;
  const range = Math.fround(Math.log(config.relative_attention_max_distance / exact));
  const bucketOf = (distance: number) => {
    if (distance < exact) return distance;
    const share = Math.fround(Math.fround(Math.log(Math.fround(distance / exact))) / range);
    return Math.min(half - 1, exact + Math.trunc(Math.fround(share * (half - exact))));
  };
  const buckets = new BigInt64Array(length * length);
  for (let from = 0; from < length; from++) {
    for (let to = 0; to < length; to++) {
      buckets[from * length + to] = BigInt((to > from ? half : 0) + bucketOf(Math.abs(to - from)));
    }
  }
  return buckets;
}
