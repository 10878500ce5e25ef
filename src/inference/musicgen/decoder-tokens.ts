import type { DecoderConfig } from './model-config';
import type { Graph, Value } from './onnx-graph';
import type { PreparedWeights } from './prepared-weights';

/** Hidden states of tokens, and the tokens that follow from hidden states: what is before and behind the decoder's layers. */

/** Sum of the codebooks' embeddings and the position's, [R, size]; both halves of R are alike. */
export function embed(
  graph: Graph,
  decoder: DecoderConfig,
  weights: PreparedWeights,
  tokens: Value,
  position: Value,
): Value {
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
  let sum = graph.node('Sum', embedded);
  if (decoder.scale_embedding) sum = graph.node('Mul', [sum, weights.scalar(graph, Math.sqrt(size))]);
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
export function sample(
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
