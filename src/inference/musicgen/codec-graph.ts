import { codebooksPerChannel, type CodecConfig, type MusicGenConfig } from './model-config';
import { Graph, type Value } from './onnx-graph';
import type { PreparedWeights } from './prepared-weights';
import type { PublishedTensor } from './safetensors';

/**
 * The decoder of EnCodec in two parts, for one channel of audio at a time. The recurrent one hears all of a clip; what follows
 * looks only a few frames around itself, so that it can be done tile by tile: whole, it takes a gigabyte for 30 s.
 */
/** int64 [B, codebooks of a channel, T] */
export const CODEC_CODES = 'codes';
/** float [B, channels, T]: what goes out of the first part, and into the second. */
export const CODEC_HIDDEN = 'hidden';
/** float [B, 1, T × samples per frame] */
export const CODEC_SAMPLES = 'samples';

/**
 * Frames on each side of a tile that its samples depend on, and to spare: transposed convolutions reach a frame of their own
 * rate, those after them parts of one.
 */
export const TILE_CONTEXT_FRAMES = 8;
/** Five seconds of the published models. */
export const TILE_FRAMES = 250;

export function codecRecurrentGraph(
  { audio_encoder: config, decoder }: MusicGenConfig,
  weights: PreparedWeights,
): Graph {
  const graph = new Graph('encodec_decoder_recurrent');
  const codebooks = codebooksPerChannel(decoder);
  const codes = graph.input(CODEC_CODES, 'int64', ['clips', codebooks, 'frames']);
  const convolutions = new Convolutions(graph, weights);

  const width = config.codebook_dim ?? config.hidden_size;
  const perCodebook = graph.nodeOf(codebooks, 'Split', [codes], { axis: 1, num_outputs: codebooks });
  const embedded = perCodebook.map((own, codebook) => {
    const table = weights.published.get(`audio_encoder.quantizer.layers.${codebook}.codebook.embed`, [
      config.codebook_size,
      width,
    ]);
    return graph.node('Gather', [weights.plain(graph, table), graph.node('Squeeze', [own, graph.ints([1])])]);
  });
  const summed = embedded.reduce((left, right) => graph.node('Add', [left, right]));
  const x = graph.node('Transpose', [summed], { perm: [0, 2, 1] });
  const channels = widestChannels(config);
  const wide = convolutions.plain(x, 'layers.0', [channels, config.hidden_size, config.kernel_size]);
  const heard = recurrent(
    graph,
    weights,
    wide,
    'audio_encoder.decoder.layers.1.lstm',
    channels,
    config.num_lstm_layers,
  );
  graph.output(CODEC_HIDDEN, heard, 'float32', ['clips', channels, 'frames']);
  return graph;
}

export function codecConvolutionGraph({ audio_encoder: config }: MusicGenConfig, weights: PreparedWeights): Graph {
  const graph = new Graph('encodec_decoder_convolutions');
  const convolutions = new Convolutions(graph, weights);
  let channels = widestChannels(config);
  let x = graph.input(CODEC_HIDDEN, 'float32', ['clips', channels, 'frames']);
  // Numbered as the modules of the published decoder are, activations included; the first two are in the other part.
  let layer = 2;
  for (const ratio of config.upsampling_ratios) {
    layer++;
    x = convolutions.transposed(elu(graph, x), `layers.${layer++}`, [channels, channels / 2, 2 * ratio], ratio);
    channels /= 2;
    for (let i = 0; i < config.num_residual_layers; i++) {
      const block = `layers.${layer++}`;
      const inner = channels / config.compress;
      const kernel = config.residual_kernel_size;
      const dilation = config.dilation_growth_rate ** i;
      const wide = convolutions.plain(elu(graph, x), `${block}.block.1`, [inner, channels, kernel], dilation);
      const narrow = convolutions.plain(elu(graph, wide), `${block}.block.3`, [channels, inner, 1]);
      const past = config.use_conv_shortcut ? convolutions.plain(x, `${block}.shortcut`, [channels, channels, 1]) : x;
      x = graph.node('Add', [past, narrow]);
    }
  }
  layer++;
  x = convolutions.plain(elu(graph, x), `layers.${layer}`, [1, channels, config.last_kernel_size]);
  graph.output(CODEC_SAMPLES, x, 'float32', ['clips', 1, 'samples']);
  return graph;
}

/** Channels before the first doubling of the rate. */
export function widestChannels({ num_filters, upsampling_ratios }: CodecConfig): number {
  return num_filters * 2 ** upsampling_ratios.length;
}

function elu(graph: Graph, x: Value): Value {
  return graph.node('Elu', [x]);
}

/** Weights are published as directions and lengths (weight normalisation, arXiv 1602.07868). */
class Convolutions {
  constructor(
    private readonly graph: Graph,
    private readonly weights: PreparedWeights,
  ) {}

  /** Keeps the length: the ends are mirrored. `shape` is [outputs, inputs, kernel]. */
  plain(x: Value, name: string, shape: readonly [number, number, number], dilation = 1): Value {
    const { graph } = this;
    const padding = (shape[2] - 1) * dilation;
    const right = Math.floor(padding / 2);
    const pads = graph.ints([0, 0, padding - right, 0, 0, right]);
    const padded = padding === 0 ? x : graph.node('Pad', [x, pads], { mode: 'reflect' });
    return graph.node('Conv', [padded, this.kernel(name, shape), this.bias(name, shape[0])], {
      dilations: [dilation],
      kernel_shape: [shape[2]],
    });
  }

  /** Multiplies the length by `stride`. `shape` is [inputs, outputs, kernel]. */
  transposed(x: Value, name: string, shape: readonly [number, number, number], stride: number): Value {
    const surplus = shape[2] - stride;
    const right = Math.floor(surplus / 2);
    return this.graph.node('ConvTranspose', [x, this.kernel(name, shape), this.bias(name, shape[1])], {
      strides: [stride],
      kernel_shape: [shape[2]],
      pads: [surplus - right, right],
    });
  }

  private kernel(name: string, shape: readonly number[]): Value {
    const { published } = this.weights;
    const base = `audio_encoder.decoder.${name}.conv`;
    const direction = published.get([`${base}.weight_v`, `${base}.parametrizations.weight.original1`], shape);
    const length = published.get([`${base}.weight_g`, `${base}.parametrizations.weight.original0`], [shape[0]!, 1, 1]);
    return this.weights.derived(this.graph, `${base}.weight`, shape, () => this.multiply(direction, length));
  }

  private bias(name: string, outputs: number): Value {
    const bias = this.weights.published.get(`audio_encoder.decoder.${name}.conv.bias`, [outputs]);
    return this.weights.plain(this.graph, bias);
  }

  private async multiply(direction: PublishedTensor, length: PublishedTensor): Promise<Float32Array> {
    const v = await this.weights.published.read(direction);
    const g = await this.weights.published.read(length);
    const size = v.length / g.length;
    const kernel = new Float32Array(v.length);
    for (let row = 0; row < g.length; row++) {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += v[i]! * v[i]!;
      const factor = g[row]! / Math.sqrt(sum);
      for (let i = row * size; i < (row + 1) * size; i++) kernel[i] = v[i]! * factor;
    }
    return kernel;
  }
}

/** LSTM layers over time, with what goes in added to what comes out. x: [B, channels, T] */
function recurrent(
  graph: Graph,
  weights: PreparedWeights,
  x: Value,
  name: string,
  channels: number,
  layers: number,
): Value {
  const { published } = weights;
  let y = graph.node('Transpose', [x], { perm: [2, 0, 1] });
  for (let layer = 0; layer < layers; layer++) {
    const matrix = (which: string) => {
      const tensor = published.get(`${name}.weight_${which}_l${layer}`, [4 * channels, channels]);
      return weights.derived(graph, `${tensor.name}#gates`, [1, 4 * channels, channels], async () =>
        reorderGates(await published.read(tensor)),
      );
    };
    const biases = ['ih', 'hh'].map((which) => published.get(`${name}.bias_${which}_l${layer}`, [4 * channels]));
    const bias = weights.derived(graph, `${name}.bias_l${layer}#gates`, [1, 8 * channels], async () => {
      const both = new Float32Array(8 * channels);
      both.set(reorderGates(await published.read(biases[0]!)), 0);
      both.set(reorderGates(await published.read(biases[1]!)), 4 * channels);
      return both;
    });
    const [all] = graph.nodeOf(3, 'LSTM', [y, matrix('ih'), matrix('hh'), bias], { hidden_size: channels });
    // [T, directions, B, channels]
    y = graph.node('Squeeze', [all!, graph.ints([1])]);
  }
  return graph.node('Add', [x, graph.node('Transpose', [y], { perm: [1, 2, 0] })]);
}

/** PyTorch has the gates as input, forget, cell, output; ONNX as input, output, forget, cell. */
function reorderGates(numbers: Float32Array): Float32Array {
  const quarter = numbers.length / 4;
  const gate = (i: number) => numbers.subarray(i * quarter, (i + 1) * quarter);
  const reordered = new Float32Array(numbers.length);
  [gate(0), gate(3), gate(1), gate(2)].forEach((own, i) => reordered.set(own, i * quarter));
  return reordered;
}
