import type { OnnxRuntime } from '../onnx';
import { Graph, MICROSOFT } from './onnx-graph';

const LENGTH = 64;
const [LARGEST_UNSIGNED, LARGEST_SIGNED] = [255, 127];

/**
 * Whether sums of unsigned bytes times signed ones overflow here, as they do on x64 processors without VNNI: products are
 * added in pairs into 16 bits there. ONNX Runtime knows a slower way that does not ("session.x64quantprecision"), but
 * would take it on every processor with AVX2, so that it is asked for only where this has found it needed.
 */
export async function byteSumsOverflow(runtime: OnnxRuntime): Promise<boolean> {
  const graph = new Graph('byte_sums');
  const bytes = graph.input('bytes', 'uint8', [1, LENGTH]);
  const largest = Array.from({ length: LENGTH }, () => LARGEST_SIGNED);
  const matrix = graph.signedBytesHere(largest, [LENGTH, 1]);
  const one = graph.floats([1], []);
  const sum = graph.node('MatMulIntegerToFloat', [bytes, matrix, one, one], {}, { domain: MICROSOFT });
  graph.output('sum', sum, 'float32', [1, 1]);
  const session = await runtime.InferenceSession.create(graph.toModel(), { intraOpNumThreads: 1 });
  try {
    const input = new runtime.Tensor('uint8', new Uint8Array(LENGTH).fill(LARGEST_UNSIGNED), [1, LENGTH]);
    const { sum: found } = await session.run({ bytes: input });
    return found!.data[0] !== LENGTH * LARGEST_UNSIGNED * LARGEST_SIGNED;
  } finally {
    await session.release();
  }
}
