import { countNumbers, MATRIX_BYTES, memoryNeed } from './memory-budget';
import { parseModelConfig } from './model-config';
import type { Precision } from './prepared-weights';

/** What a MusicGen takes of disk and memory, reckoned from its `config.json` before any of it is there. */
export interface Footprint {
  readonly precision: Precision;
  /** On disk beside the published files: what is converted once, when it is first used. */
  readonly preparedBytes: number;
  /** In memory, with one clip of 30 s at a time. */
  readonly memoryBytes: number;
}

/** The one that is used without a GPU first. */
const PRECISIONS: readonly Precision[] = ['int8', 'int4', 'fp16', 'fp32'];

/**
 * One for each precision.
 * @param json what `config.json` says
 * @param weightBytes of the published weights: whether they are kept in 16 or 32 bits decides what has to be converted
 * @param name of the file, for messages
 * @throws EngineError where that is not the configuration of a MusicGen that can be run here
 */
export function footprintsOf(json: unknown, weightBytes: number, name: string): readonly Footprint[] {
  const config = parseModelConfig(json, name);
  const { matrices, embeddings, text, codec } = countNumbers(config);
  const isHalf = weightBytes < 3 * (matrices + embeddings + text + 2 * codec);
  return PRECISIONS.map((precision) => {
    const isQuantized = precision === 'int8' || precision === 'int4';
    // What is wanted as it was published is read from its own file.
    const isConverted = isHalf !== (precision === 'fp16');
    const decoder =
      (isQuantized || isConverted ? matrices * MATRIX_BYTES[precision] : 0) +
      (isConverted ? embeddings * (precision === 'fp16' ? 2 : 4) : 0);
    const { weightBytes: loaded, clipBytes, codecBytes } = memoryNeed(config, precision);
    return {
      precision,
      preparedBytes: Math.round(decoder + 4 * (codec + (isHalf ? text : 0))),
      memoryBytes: Math.round(loaded + clipBytes + codecBytes),
    };
  });
}
