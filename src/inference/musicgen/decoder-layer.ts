import type { DecoderConfig } from './model-config';
import { type Graph, MICROSOFT, type Value } from './onnx-graph';
import type { Matrix, PreparedWeights } from './prepared-weights';

/** Keys and values of positions that follow each other, or of a text: each [rows, heads, positions, width]. */
export interface Positions {
  readonly key: Value;
  readonly value: Value;
  /** float [rows, 1, 1, positions]: 0 for what is there, a large negative number for padding. Left out: all is there. */
  readonly mask?: Value;
}

/** What `PreparedWeights.zerosOf` gives for all rows, and for those with text. */
export interface Zeros {
  readonly all: Value;
  readonly withText: Value;
}

/** One layer of the decoder, for one position: hidden states are [R, size], those that follow the text first. */
export class DecoderLayer {
  private readonly heads: number;
  private readonly width: number;

  constructor(
    private readonly graph: Graph,
    private readonly config: DecoderConfig,
    private readonly weights: PreparedWeights,
    private readonly layer: number,
    private readonly zeros: Zeros,
  ) {
    this.heads = config.num_attention_heads;
    this.width = config.hidden_size / this.heads;
  }

  /**
   * @param past what was read before the chunk
   * @param grown what was read since, to which this position is added
   * @param lengths int64 [2]: positions of both, this one included
   * @returns hidden states, and keys and values of what has grown
   */
  attendToPast(hidden: Value, past: Positions, grown: Positions, lengths: Value) {
    const { graph, zeros, width: headWidth } = this;
    const matrices = [this.queries('self_attn'), this.matrix('self_attn.k_proj'), this.matrix('self_attn.v_proj')];
    const normal = this.norm(hidden, 'self_attn_layer_norm');
    const [query, k, v] = this.weights.linear(graph, normal, matrices, { zeros: zeros.all, headWidth });
    const key = graph.node('Concat', [grown.key, k!], { axis: 2 });
    const value = graph.node('Concat', [grown.value, v!], { axis: 2 });
    const parts = [past, { key, value }];
    const scores = parts.map((part) => this.scores(query!, part));
    const shares = this.softmax(graph.node('Concat', scores, { axis: 3 }));
    const perPart = graph.nodeOf(2, 'Split', [shares, lengths], { axis: 3 });
    const seen = parts.map((part, i) => graph.node('MatMul', [perPart[i]!, part.value]));
    return { hidden: this.addTo(hidden, graph.node('Add', seen), 'self_attn.out_proj', zeros.all), key, value };
  }

  /**
   * Rows without text see nothing: published models multiply the projected text by its mask, and keys and values have no
   * bias, so that attention to it adds nothing. Where the bits of a row do not depend on the others they are left out.
   * @param text of all rows; of those with text where `PreparedWeights.hasExactSums`
   */
  attendToText(hidden: Value, text: Positions): Value {
    if (!this.weights.hasExactSums) return this.attendTo(text, hidden, this.zeros.all);
    const [withText, without] = this.graph.nodeOf(2, 'Split', [hidden], { axis: 0, num_outputs: 2 });
    const told = this.attendTo(text, withText!, this.zeros.withText);
    return this.graph.node('Concat', [told, without!], { axis: 0 });
  }

  feedForward(hidden: Value): Value {
    const { graph, config } = this;
    const { hidden_size: size, ffn_dim: inner } = config;
    const wide = this.linear(this.norm(hidden, 'final_layer_norm'), this.matrix('fc1', [inner, size]), this.zeros.all);
    const narrow = this.linear(graph.node('Gelu', [wide]), this.matrix('fc2', [size, inner]), this.zeros.all);
    return graph.node('Add', [hidden, narrow]);
  }

  private attendTo(text: Positions, hidden: Value, zeros: Value): Value {
    const { graph, width: headWidth } = this;
    const normal = this.norm(hidden, 'encoder_attn_layer_norm');
    const [query] = this.weights.linear(graph, normal, [this.queries('encoder_attn')], { zeros, headWidth });
    const seen = graph.node('MatMul', [this.softmax(this.scores(query!, text)), text.value]);
    return this.addTo(hidden, seen, 'encoder_attn.out_proj', zeros);
  }

  private scores(query: Value, { key, mask }: Positions): Value {
    const scores = this.graph.node('FusedMatMul', [query, key], { transB: 1 }, { domain: MICROSOFT });
    return mask === undefined ? scores : this.graph.node('Add', [scores, mask]);
  }

  private softmax(scores: Value): Value {
    return this.graph.node('Softmax', [scores], { axis: 3 });
  }

  /** @param seen [rows, heads, 1, width] */
  private addTo(hidden: Value, seen: Value, projection: string, zeros: Value): Value {
    const { graph, config } = this;
    const flat = graph.node('Reshape', [seen, graph.ints([-1, config.hidden_size])]);
    return graph.node('Add', [hidden, this.linear(flat, this.matrix(projection), zeros)]);
  }

  private linear(x: Value, matrix: Matrix, zeros: Value): Value {
    return this.weights.linear(this.graph, x, [matrix], { zeros })[0]!;
  }

  private norm(hidden: Value, name: string): Value {
    return layerNorm(this.graph, this.weights, hidden, `${this.prefix}.${name}`, this.config.hidden_size);
  }

  /** Scaled in the matrix, because products of one row are fast only where they need no factor. */
  private queries(attention: string): Matrix {
    return { ...this.matrix(`${attention}.q_proj`), factor: this.width ** -0.5 };
  }

  private matrix(name: string, shape = [this.config.hidden_size, this.config.hidden_size]): Matrix {
    return this.weights.published.get(`${this.prefix}.${name}.weight`, shape);
  }

  private get prefix(): string {
    return `decoder.model.decoder.layers.${this.layer}`;
  }
}

const LAYER_NORM_EPSILON = 1e-5;

export function layerNorm(graph: Graph, weights: PreparedWeights, x: Value, name: string, size: number): Value {
  const { published, activations: type } = weights;
  const scale = weights.plain(graph, published.get(`${name}.weight`, [size]), type);
  const shift = weights.plain(graph, published.get(`${name}.bias`, [size]), type);
  return graph.node('LayerNormalization', [x, scale, shift], { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } });
}
