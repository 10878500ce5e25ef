import type { DecoderConfig, MusicGenConfig } from './model-config';
import { Graph, MICROSOFT, type Value } from './onnx-graph';
import type { PreparedWeights } from './prepared-weights';
import type { PublishedTensor } from './safetensors';

/**
 * The decoder as one graph that makes many frames: a loop over steps, with guidance and sampling inside, so that
 * neither logits nor keys and values leave it at every step. What was there before the chunk comes in whole and is only
 * read; what the chunk adds grows in the loop and goes out at its end.
 *
 * Sizes: clips B, rows R = 2 B (first all that follow the text, then the same without it: classifier-free guidance,
 * arXiv 2306.05284), steps N, codebooks C, positions before the chunk P, text S, heads H of D.
 *
 * Sampling draws by Gumbel's way: of the k most likely tokens that top-p leaves, the one whose logit and noise together
 * are largest. Without noise that is the likeliest. All randomness comes in from outside, row by row, so that a clip
 * does not depend on what else is in the batch.
 */
export const DECODER_INPUTS = {
  /** int64 [1]: N */
  steps: 'steps',
  /** int64 [B, C]: the tokens at the chunk's first position */
  tokens: 'tokens',
  /** int64 [N, B, C]: tokens that are given, after each step; negative where they are to be sampled */
  given: 'given',
  /** int64 [B, 1]: the chunk's first position in its clip */
  position: 'position',
  /** float [B, S, width of the text encoder] */
  text: 'text',
  /** float [B, S, 1]: 1 for text, 0 for padding */
  textMask: 'text_mask',
  /** float [R, 1, 1, P]: 0 for what is there, a large negative number for padding */
  pastMask: 'past_mask',
  /** float [N, B × C, k] */
  noise: 'noise',
  /** float, scalars */
  guidance: 'guidance',
  temperature: 'temperature',
  topP: 'top_p',
  /** int64 [1] */
  topK: 'top_k',
} as const;

/** int64 [N, B, C] */
export const DECODER_TOKENS = 'made';
/** float [N, R, C × vocabulary] where it was asked for: only for comparing with other implementations. */
export const DECODER_LOGITS = 'logits';

/** Each [R, H, P or N, D]. */
export const cacheNames = (layer: number) => ({
  pastKey: `past_key_${layer}`,
  pastValue: `past_value_${layer}`,
  newKey: `new_key_${layer}`,
  newValue: `new_value_${layer}`,
});

/** Takes the place of minus infinity, and can be said in 16 bits. */
export const MASKED = -60_000;

interface Cache {
  readonly pastKey: Value;
  readonly pastValue: Value;
  readonly textKey: Value;
  readonly textValue: Value;
}

export function decoderGraph(
  { decoder, text_encoder }: MusicGenConfig,
  weights: PreparedWeights,
  options: { readonly givesLogits?: boolean } = {},
): Graph {
  const { num_hidden_layers: layers, num_codebooks: codebooks, num_attention_heads: heads } = decoder;
  const width = decoder.hidden_size / heads;
  const type = weights.activations;
  const graph = new Graph('musicgen_decoder_chunk');
  const names = DECODER_INPUTS;
  const steps = graph.input(names.steps, 'int64', [1]);
  const tokens = graph.input(names.tokens, 'int64', ['clips', codebooks]);
  const given = graph.input(names.given, 'int64', ['steps', 'clips', codebooks]);
  const position = graph.input(names.position, 'int64', ['clips', 1]);
  const text = graph.input(names.text, 'float32', ['clips', 'text', text_encoder.d_model]);
  const textMask = graph.input(names.textMask, 'float32', ['clips', 'text', 1]);
  const pastMask = graph.input(names.pastMask, 'float32', ['rows', 1, 1, 'past']);
  const noise = graph.input(names.noise, 'float32', ['steps', 'choices', 'top_k']);
  const guidance = graph.input(names.guidance, 'float32', []);
  const temperature = graph.input(names.temperature, 'float32', []);
  const topP = graph.input(names.topP, 'float32', []);
  const topK = graph.input(names.topK, 'int64', [1]);
  const past = Array.from({ length: layers }, (_, layer) => {
    const { pastKey, pastValue } = cacheNames(layer);
    return {
      pastKey: graph.input(pastKey, type, ['rows', heads, 'past', width]),
      pastValue: graph.input(pastValue, type, ['rows', heads, 'past', width]),
    };
  });

  const cast = (value: Value) => (type === 'float32' ? value : graph.node('Cast', [value], { to: 10 }));
  const mask = cast(pastMask);
  const condition = conditionOf(graph, decoder, weights, { text: cast(text), textMask: cast(textMask) });
  const caches: Cache[] = past.map((own, layer) => ({ ...own, ...condition.keysAndValues(layer) }));
  const rows = graph.node('Shape', [pastMask], { start: 0, end: 1 });
  const zeros = weights.zerosOf(graph, rows);
  const none = graph.node('Expand', [
    cast(graph.floats([0], [1])),
    graph.node('Concat', [rows, graph.ints([heads, 0, width])], { axis: 0 }),
  ]);

  const body = new Graph('step', graph);
  const step = body.input('step', 'int64', []);
  body.input('goes_on', 'bool', []);
  const current = body.input('current', 'int64', ['clips', codebooks]);
  const grown = caches.map((_, layer) => ({
    key: body.input(`key_${layer}`, type, ['rows', heads, 'grown', width]),
    value: body.input(`value_${layer}`, type, ['rows', heads, 'grown', width]),
  }));
  const grownTo = body.node('Reshape', [body.node('Add', [step, body.ints([1], [])]), body.ints([1])]);
  const lengths = body.node('Concat', [graph.node('Shape', [pastMask], { start: 3 }), grownTo], { axis: 0 });
  let hidden = embed(body, decoder, weights, current, body.node('Add', [position, step]));
  const added = caches.map((cache, layer) => {
    const block = new Block(body, decoder, weights, layer, zeros);
    const attended = block.attendToPast(hidden, cache, { mask, lengths }, grown[layer]!);
    hidden = block.feedForward(block.attendToText(attended.hidden, cache, condition.mask));
    return attended;
  });
  const normal = layerNorm(body, weights, hidden, 'decoder.model.decoder.layer_norm', decoder.hidden_size);
  const lmHeads = Array.from({ length: codebooks }, (_, codebook) =>
    weights.published.get(`decoder.lm_heads.${codebook}.weight`, [decoder.vocab_size, decoder.hidden_size]),
  );
  const perCodebook = weights.linear(body, normal, lmHeads, zeros);
  const logits = toFloat32(body, type, body.node('Concat', perCodebook, { axis: 1 }));
  const sampled = sample(body, decoder, logits, { guidance, temperature, topP, topK, noise, step });
  const wanted = body.node('Gather', [given, step], { axis: 0 });
  const next = body.node('Where', [body.node('Less', [wanted, body.ints([0], [])]), sampled, wanted]);
  body.result(body.node('Equal', [step, step]), 'bool', []);
  body.result(next, 'int64', ['clips', codebooks]);
  added.forEach(({ key, value }) => {
    body.result(key, type, ['rows', heads, 'grown_more', width]);
    body.result(value, type, ['rows', heads, 'grown_more', width]);
  });
  body.output('made_now', next, 'int64', ['clips', codebooks]);
  if (options.givesLogits) body.output('logits_now', logits, 'float32', ['rows', codebooks * decoder.vocab_size]);

  const carried = caches.flatMap(() => [none, none]);
  const count = 1 + carried.length + (options.givesLogits ? 2 : 1);
  const results = graph.nodeOf(count, 'Loop', [graph.node('Squeeze', [steps]), '', tokens, ...carried], { body });
  caches.forEach((_, layer) => {
    const { newKey, newValue } = cacheNames(layer);
    graph.output(newKey, results[1 + 2 * layer]!, type, ['rows', heads, 'steps', width]);
    graph.output(newValue, results[2 + 2 * layer]!, type, ['rows', heads, 'steps', width]);
  });
  graph.output(DECODER_TOKENS, results[1 + carried.length]!, 'int64', ['steps', 'clips', codebooks]);
  if (options.givesLogits) {
    const shape = ['steps', 'rows', codebooks * decoder.vocab_size];
    graph.output(DECODER_LOGITS, results[2 + carried.length]!, 'float32', shape);
  }
  return graph;
}

/**
 * Keys and values of the text, once a chunk. Rows without text see nothing: published models multiply the projected text by
 * its mask, and keys and values have no bias, so that attention to it adds nothing.
 */
function conditionOf(
  graph: Graph,
  decoder: DecoderConfig,
  weights: PreparedWeights,
  { text, textMask }: { readonly text: Value; readonly textMask: Value },
) {
  const { hidden_size: size, num_attention_heads: heads } = decoder;
  const width = size / heads;
  const shape = graph.node('Shape', [text]);
  const textWidth = weights.published.find('enc_to_dec_proj.weight')?.shape[1];
  let projected = graph.node('Reshape', [text, graph.ints([-1, textWidth ?? size])]);
  if (textWidth !== undefined) {
    const matrix = weights.published.get('enc_to_dec_proj.weight', [size, textWidth]);
    const bias = weights.published.get('enc_to_dec_proj.bias', [size]);
    projected = graph.node(
      'Gemm',
      [projected, weights.plain(graph, matrix, weights.activations), weights.plain(graph, bias, weights.activations)],
      { transB: 1 },
    );
  }
  const masked = graph.node('Mul', [projected, graph.node('Reshape', [textMask, graph.ints([-1, 1])])]);
  const zeros = weights.zerosOf(graph, graph.node('Shape', [masked], { start: 0, end: 1 }));
  const clips = graph.node('Slice', [shape, graph.ints([0]), graph.ints([1])]);
  const split = graph.node('Concat', [clips, graph.ints([-1, heads, width])], { axis: 0 });
  const withoutText = (value: Value) => graph.node('Concat', [value, graph.node('Sub', [value, value])], { axis: 0 });

  // [B, S, 1] → [B, 1, 1, S]; all rows without text may look at all of nothing.
  const hides = graph.node('Mul', [
    graph.node('Sub', [one(graph, weights), textMask]),
    constant(graph, weights, MASKED),
  ]);
  const bias = graph.node('Unsqueeze', [graph.node('Transpose', [hides], { perm: [0, 2, 1] }), graph.ints([1])]);
  return {
    mask: withoutText(bias),
    keysAndValues(layer: number) {
      const of = (which: string) =>
        weights.published.get(`decoder.model.decoder.layers.${layer}.encoder_attn.${which}.weight`, [size, size]);
      const [key, value] = weights.linear(graph, masked, [of('k_proj'), of('v_proj')], zeros);
      const perHead = (values: Value) =>
        withoutText(graph.node('Transpose', [graph.node('Reshape', [values, split])], { perm: [0, 2, 1, 3] }));
      return { textKey: perHead(key!), textValue: perHead(value!) };
    },
  };
}

/** One layer of the decoder, for one position: hidden states are [R, size]. */
class Block {
  private readonly heads: number;
  private readonly width: number;

  constructor(
    private readonly graph: Graph,
    private readonly config: DecoderConfig,
    private readonly weights: PreparedWeights,
    private readonly layer: number,
    private readonly zeros: Value,
  ) {
    this.heads = config.num_attention_heads;
    this.width = config.hidden_size / this.heads;
  }

  /** @param lengths int64 [2]: positions before the chunk, and in it so far */
  attendToPast(
    hidden: Value,
    cache: Cache,
    { mask, lengths }: { readonly mask: Value; readonly lengths: Value },
    grown: { readonly key: Value; readonly value: Value },
  ) {
    const { graph, heads, width } = this;
    const matrices = ['q_proj', 'k_proj', 'v_proj'].map((name) => this.matrix(`self_attn.${name}`));
    const [q, k, v] = this.linear(this.norm(hidden, 'self_attn_layer_norm'), matrices);
    const query = this.query(q!);
    const one = graph.ints([-1, heads, 1, width]);
    const key = graph.node('Concat', [grown.key, graph.node('Reshape', [k!, one])], { axis: 2 });
    const value = graph.node('Concat', [grown.value, graph.node('Reshape', [v!, one])], { axis: 2 });
    const toPast = graph.node('Add', [this.scores(query, cache.pastKey), mask]);
    const toNew = this.scores(query, key);
    const shares = graph.node('Softmax', [graph.node('Concat', [toPast, toNew], { axis: 3 })], { axis: 3 });
    const [ofPast, ofNew] = graph.nodeOf(2, 'Split', [shares, lengths], { axis: 3 });
    const seen = graph.node('Add', [
      graph.node('MatMul', [ofPast!, cache.pastValue]),
      graph.node('MatMul', [ofNew!, value]),
    ]);
    return { hidden: this.addTo(hidden, seen, 'self_attn.out_proj'), key, value };
  }

  attendToText(hidden: Value, { textKey, textValue }: Cache, mask: Value): Value {
    const { graph } = this;
    const [q] = this.linear(this.norm(hidden, 'encoder_attn_layer_norm'), [this.matrix('encoder_attn.q_proj')]);
    const scores = graph.node('Add', [this.scores(this.query(q!), textKey), mask]);
    const seen = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: 3 }), textValue]);
    return this.addTo(hidden, seen, 'encoder_attn.out_proj');
  }

  feedForward(hidden: Value): Value {
    const { graph, config } = this;
    const { hidden_size: size, ffn_dim: inner } = config;
    const [wide] = this.linear(this.norm(hidden, 'final_layer_norm'), [this.matrix('fc1', [inner, size])]);
    const [narrow] = this.linear(graph.node('Gelu', [wide!]), [this.matrix('fc2', [size, inner])]);
    return graph.node('Add', [hidden, narrow!]);
  }

  /** Scaled here, once, because products of one row are fast only where they need no factor. */
  private query(q: Value): Value {
    const { graph, heads, width } = this;
    const scaled = graph.node('Mul', [q, constant(graph, this.weights, width ** -0.5)]);
    return graph.node('Reshape', [scaled, graph.ints([-1, heads, 1, width])]);
  }

  private scores(query: Value, key: Value): Value {
    return this.graph.node('FusedMatMul', [query, key], { transB: 1 }, { domain: MICROSOFT });
  }

  private addTo(hidden: Value, seen: Value, projection: string): Value {
    const { graph, config } = this;
    const flat = graph.node('Reshape', [seen, graph.ints([-1, config.hidden_size])]);
    const [projected] = this.linear(flat, [this.matrix(projection)]);
    return graph.node('Add', [hidden, projected!]);
  }

  private linear(x: Value, matrices: readonly PublishedTensor[]): Value[] {
    return this.weights.linear(this.graph, x, matrices, this.zeros);
  }

  private norm(hidden: Value, name: string): Value {
    return layerNorm(this.graph, this.weights, hidden, `${this.prefix}.${name}`, this.config.hidden_size);
  }

  private matrix(name: string, shape = [this.config.hidden_size, this.config.hidden_size]): PublishedTensor {
    return this.weights.published.get(`${this.prefix}.${name}.weight`, shape);
  }

  private get prefix(): string {
    return `decoder.model.decoder.layers.${this.layer}`;
  }
}

/** Sum of the codebooks' embeddings and the position's, [R, size]; both halves of R are alike. */
function embed(graph: Graph, decoder: DecoderConfig, weights: PreparedWeights, tokens: Value, position: Value): Value {
  const { hidden_size: size, vocab_size: vocabulary, num_codebooks: codebooks } = decoder;
  const type = weights.activations;
  const perCodebook = graph.nodeOf(codebooks, 'Split', [tokens], { axis: 1, num_outputs: codebooks });
  const embedded = perCodebook.map((own, codebook) => {
    const table = weights.published.get(`decoder.model.decoder.embed_tokens.${codebook}.weight`, [
      vocabulary + 1,
      size,
    ]);
    return graph.node('Gather', [weights.plain(graph, table, type), graph.node('Squeeze', [own, graph.ints([1])])]);
  });
  let sum = embedded.reduce((left, right) => graph.node('Add', [left, right]));
  if (decoder.scale_embedding) sum = graph.node('Mul', [sum, constant(graph, weights, Math.sqrt(size))]);
  // Sines and cosines of the position, as "Attention Is All You Need" has them, the cosines first.
  const half = size / 2;
  const frequencies = Array.from({ length: half }, (_, i) => Math.exp(i * Math.fround(-Math.log(10_000) / (half - 1))));
  const angles = graph.node('Mul', [graph.node('Cast', [position], { to: 1 }), graph.floats(frequencies, [1, half])]);
  const waves = graph.node('Concat', [graph.node('Cos', [angles]), graph.node('Sin', [angles])], { axis: 1 });
  const place = type === 'float32' ? waves : graph.node('Cast', [waves], { to: 10 });
  const placed = graph.node('Add', [sum, place]);
  return graph.node('Concat', [placed, placed], { axis: 0 });
}

/** Guidance, then temperature, the k likeliest, top-p, and the draw. → int64 [B, C] */
function sample(
  graph: Graph,
  { num_codebooks: codebooks, vocab_size: vocabulary }: DecoderConfig,
  logits: Value,
  given: Readonly<Record<'guidance' | 'temperature' | 'topP' | 'topK' | 'noise' | 'step', Value>>,
): Value {
  const [withText, without] = graph.nodeOf(2, 'Split', [logits], { axis: 0, num_outputs: 2 });
  const pull = graph.node('Mul', [graph.node('Sub', [withText!, without!]), given.guidance]);
  const guided = graph.node('Reshape', [graph.node('Add', [without!, pull]), graph.ints([-1, vocabulary])]);
  const scores = graph.node('Div', [guided, given.temperature]);
  const [likeliest, token] = graph.nodeOf(2, 'TopK', [scores, given.topK], { axis: 1, largest: 1, sorted: 1 });
  const probabilities = graph.node('Softmax', [likeliest!], { axis: 1 });
  const before = graph.node('CumSum', [probabilities, graph.ints([1], [])], { exclusive: 1 });
  const isLeft = graph.node('Less', [before, given.topP]);
  const allowed = graph.node('Where', [isLeft, likeliest!, graph.floats([-1e30], [])]);
  const drawn = graph.node('Add', [allowed, graph.node('Gather', [given.noise, given.step], { axis: 0 })]);
  const best = graph.node('ArgMax', [drawn], { axis: 1, keepdims: 1 });
  return graph.node('Reshape', [
    graph.node('GatherElements', [token!, best], { axis: 1 }),
    graph.ints([-1, codebooks]),
  ]);
}

const LAYER_NORM_EPSILON = 1e-5;

function layerNorm(graph: Graph, weights: PreparedWeights, x: Value, name: string, size: number): Value {
  const { published, activations: type } = weights;
  const scale = weights.plain(graph, published.get(`${name}.weight`, [size]), type);
  const shift = weights.plain(graph, published.get(`${name}.bias`, [size]), type);
  return graph.node('LayerNormalization', [x, scale, shift], { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } });
}

function one(graph: Graph, weights: PreparedWeights): Value {
  return constant(graph, weights, 1);
}

/** A scalar in the element type of the activations. */
function constant(graph: Graph, weights: PreparedWeights, value: number): Value {
  return weights.activations === 'float32' ? graph.floats([value], []) : graph.halfFloat(value);
}

function toFloat32(graph: Graph, type: 'float32' | 'float16', value: Value): Value {
  return type === 'float32' ? value : graph.node('Cast', [value], { to: 1 });
}
