import { DecoderLayer, layerNorm, type Positions } from './decoder-layer';
import { embed, sample } from './decoder-tokens';
import type { DecoderConfig, MusicGenConfig } from './model-config';
import { type Carried, Graph, type Value } from './onnx-graph';
import type { PreparedWeights } from './prepared-weights';

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

export function decoderGraph(
  { decoder, text_encoder }: MusicGenConfig,
  weights: PreparedWeights,
  options: { readonly givesLogits?: boolean } = {},
): Graph {
  const { num_hidden_layers: layers, num_codebooks: codebooks, num_attention_heads: heads, vocab_size } = decoder;
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
  const cast = (value: Value) => (type === 'float32' ? value : graph.node('Cast', [value], { to: 10 }));
  const mask = cast(pastMask);
  const past = Array.from({ length: layers }, (_, layer): Positions => {
    const { pastKey, pastValue } = cacheNames(layer);
    return {
      key: graph.input(pastKey, type, ['rows', heads, 'past', width]),
      value: graph.input(pastValue, type, ['rows', heads, 'past', width]),
      mask,
    };
  });
  const clips = graph.node('Shape', [tokens], { start: 0, end: 1 });
  const rows = graph.node('Shape', [pastMask], { start: 0, end: 1 });
  const zeros = { all: weights.zerosOf(graph, rows), withText: weights.zerosOf(graph, clips) };
  const texts = textsOf(graph, decoder, weights, { text: cast(text), textMask: cast(textMask) });

  const lmHeads = Array.from({ length: codebooks }, (_, codebook) =>
    weights.published.get(`decoder.lm_heads.${codebook}.weight`, [vocab_size, decoder.hidden_size]),
  );
  const pastLength = graph.node('Shape', [pastMask], { start: 3 });
  const noPositions = graph.node('Expand', [
    cast(graph.floats([0])),
    graph.node('Concat', [rows, graph.ints([heads, 0, width])], { axis: 0 }),
  ]);
  const carried: Carried[] = [{ type: 'int64', first: tokens }];
  past.forEach(() => carried.push({ type, first: noPositions }, { type, first: noPositions }));

  const results = graph.loop(steps, carried, (body, step, [current, ...before]) => {
    const grown = pairs(before);
    const grownTo = body.node('Add', [body.node('Reshape', [step, graph.ints([1])]), graph.ints([1])]);
    const lengths = body.node('Concat', [pastLength, grownTo], { axis: 0 });
    let hidden = embed(body, decoder, weights, current!, body.node('Add', [position, step]));
    const longer = texts.map((read, i) => {
      const layer = new DecoderLayer(body, decoder, weights, i, zeros);
      const attended = layer.attendToPast(hidden, past[i]!, grown[i]!, lengths);
      hidden = layer.feedForward(layer.attendToText(attended.hidden, read));
      return attended;
    });
    const normal = layerNorm(body, weights, hidden, 'decoder.model.decoder.layer_norm', decoder.hidden_size);
    const perCodebook = weights.linear(body, normal, lmHeads, { zeros: zeros.all });
    const joined = body.node('Concat', perCodebook, { axis: 1 });
    const logits = type === 'float32' ? joined : body.node('Cast', [joined], { to: 1 });
    const sampled = sample(body, decoder, logits, { guidance, temperature, topP, topK, noise, step });
    const wanted = body.node('Gather', [given, step], { axis: 0 });
    const next = body.node('Where', [body.node('Less', [wanted, body.ints([0], [])]), sampled, wanted]);
    const told = [{ type: 'int64' as const, value: next }];
    return {
      next: [next, ...longer.flatMap(({ key, value }) => [key, value])],
      told: options.givesLogits ? [...told, { type: 'float32', value: logits }] : told,
    };
  });
  pairs(results.slice(1, carried.length)).forEach(({ key, value }, layer) => {
    const { newKey, newValue } = cacheNames(layer);
    graph.output(newKey, key, type, ['rows', heads, 'steps', width]);
    graph.output(newValue, value, type, ['rows', heads, 'steps', width]);
  });
  const [made, logits] = results.slice(carried.length);
  graph.output(DECODER_TOKENS, made!, 'int64', ['steps', 'clips', codebooks]);
  if (logits) graph.output(DECODER_LOGITS, logits, 'float32', ['steps', 'rows', codebooks * vocab_size]);
  return graph;
}

/** @param values key and value in turn */
function pairs(values: readonly Value[]): Positions[] {
  return Array.from({ length: values.length / 2 }, (_, i) => ({ key: values[2 * i]!, value: values[2 * i + 1]! }));
}

/** Keys and values of the text for each layer, once a chunk; of which rows, `DecoderLayer.attendToText` says. */
function textsOf(
  graph: Graph,
  decoder: DecoderConfig,
  weights: PreparedWeights,
  { text, textMask }: { readonly text: Value; readonly textMask: Value },
): Positions[] {
  const { hidden_size: size, num_attention_heads: heads, num_hidden_layers: layers } = decoder;
  const headWidth = size / heads;
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
  const split = graph.node('Concat', [clips, graph.ints([-1, heads, headWidth])], { axis: 0 });
  const ofRows = (value: Value) =>
    weights.hasExactSums ? value : graph.node('Concat', [value, graph.node('Sub', [value, value])], { axis: 0 });

  // [B, S, 1] → [B, 1, 1, S]; all rows without text may look at all of nothing.
  const hides = graph.node('Mul', [
    graph.node('Sub', [weights.scalar(graph, 1), textMask]),
    weights.scalar(graph, MASKED),
  ]);
  const bias = graph.node('Unsqueeze', [graph.node('Transpose', [hides], { perm: [0, 2, 1] }), graph.ints([1])]);
  const mask = ofRows(bias);
  return Array.from({ length: layers }, (_, layer) => {
    const of = (which: string) =>
      weights.published.get(`decoder.model.decoder.layers.${layer}.encoder_attn.${which}.weight`, [size, size]);
    const [key, value] = weights
      .linear(graph, masked, [of('k_proj'), of('v_proj')], { zeros })
      .map((own) => ofRows(graph.node('Transpose', [graph.node('Reshape', [own, split])], { perm: [0, 2, 1, 3] })));
    return { key: key!, value: value!, mask };
  });
}
