/**
 * The stages of generation, as the ConceptCaps paper has them: attributes, caption, audio. Each stands behind a small
 * interface, names itself and its version, and depends on nothing but its input, so that a sample can be made again.
 *
 * What lives in inference/: the stages and their models. What must not: samples, SQL, GraphQL, queues.
 */
export interface Stage {
  /** For example `template-caption`. */
  readonly name: string;
  /** Grows whenever the same input may give another output. */
  readonly version: string;
}

/** Says attributes in words. */
export interface CaptionWriter extends Stage {
  /** @param attributes taxonomy indices, ascending; never empty */
  write(attributes: readonly number[], seed: number): string;
}

export interface AudioRequest {
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
  readonly caption: string;
  /** 32-bit integer. */
  readonly seed: number;
  readonly durationSeconds: number;
}

export type EngineName = 'SOUNDFONT';

/** Makes audio. */
export interface AudioEngine extends Stage {
  readonly engine: EngineName;
  /**
   * A WAV file. Same request, same bytes.
   * @param signal aborting it stops the work within a second and rejects
   * @throws EngineError where the engine failed
   */
  render(request: AudioRequest, signal: AbortSignal): Promise<Uint8Array>;
}

/** The engine could not make this audio. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
