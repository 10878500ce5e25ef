/**
 * The stages of generation, as the ConceptCaps paper has them: attributes, caption, audio. Each stands behind a small
 * interface, names itself, its version and its models, and depends on nothing but its input, so that a sample can be
 * made again.
 *
 * What lives in inference/: the stages and their models. What must not: samples, SQL, GraphQL, queues.
 */
export interface Stage {
  /** For example `template-caption`. */
  readonly name: string;
  /** Grows whenever the same input may give another output. */
  readonly version: string;
  /** Whether it stands in for a learned model that is not there yet. */
  readonly isPlaceholder: boolean;
  /** Files that decide what it gives. */
  models(): Promise<readonly Model[]>;
}

export interface Model {
  readonly name: string;
  /** Lower-case hexadecimal SHA-256 of the file. */
  readonly sha256: string;
  /** SPDX identifier of its licence; null where that is not known. */
  readonly license: string | null;
}

/** Completes a partial combination of attributes plausibly. */
export interface AttributeCompleter extends Stage {
  /** @returns taxonomy indices, ascending: those given and others, none of them forbidden */
  complete(request: CompletionRequest): Promise<Completion>;
}

export interface CompletionRequest {
  /** Taxonomy indices; kept, whatever they are. */
  readonly given: readonly number[];
  readonly forbidden: readonly number[];
  /** 32-bit integer. */
  readonly seed: number;
}

export interface Completion {
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
  /** What else decided the outcome, for the provenance. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** Says attributes in words. */
export interface CaptionWriter extends Stage {
  /** @throws EngineError where there is no caption to be had; the reason of `signal` where that is aborted */
  write(request: CaptionRequest): Promise<WrittenCaption>;
}

export interface CaptionRequest {
  /** Taxonomy indices, ascending; never empty. */
  readonly attributes: readonly number[];
  /** 32-bit integer. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

export interface WrittenCaption {
  readonly caption: string;
  /** Who wrote it: another one where the one that was asked fell back on it. */
  readonly by: Stage;
  /** What else decided the outcome, for the provenance. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

/** How much is played between the beats. */
export type Texture = 'full' | 'spare';

export interface AudioRequest {
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
  /** Of engines with a score: that of the piece whose counterfactual it is; null: as the attributes have it. */
  readonly texture: Texture | null;
  readonly caption: string;
  /** 32-bit integer. */
  readonly seed: number;
  readonly durationSeconds: number;
}

export interface AudioOptions {
  /** Aborting it stops the work within a second and rejects with its reason. */
  readonly signal: AbortSignal;
  /** Called now and then with the share that is done, 0 to 1. */
  readonly onProgress: (share: number) => void;
  /**
   * Called now and then with the clip so far, from its beginning, as a WAV file; only by engines that make audio piece by
   * piece. Left out: none is made, which saves the time that it takes.
   */
  readonly onPreview?: (wav: Uint8Array) => void;
}

/** Every engine that there is; workers serve some of them. */
export const ENGINE_NAMES = ['SOUNDFONT', 'MUSICGEN'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** What is known of an engine wherever requests for it are taken, also where it cannot run. */
export interface EngineFacts {
  readonly engine: EngineName;
  /** As it is named in recipes and in the provenance. */
  readonly name: string;
  readonly description: string;
  /** What a worker needs to serve it. */
  readonly device: 'CPU' | 'GPU';
  readonly maxDurationSeconds: number;
  /** Attributes that it cannot honour at all, and those whose sound falls short of the word. */
  readonly unsupported: readonly Shortcoming[];
  readonly weak: readonly Shortcoming[];
}

/** Makes audio. */
export interface AudioEngine extends Stage, EngineFacts {
  readonly name: string;
  /**
   * Clips that a worker hands to it at once, for an engine that makes them side by side better than one by one; null: as
   * many as the worker makes samples at once.
   */
  readonly concurrency: number | null;
  /** Null for engines whose audio has no parts. */
  readonly score: Scored | null;
  /**
   * Same request, same bytes. Runs off the event loop, and where native code crashes only this rejects.
   * @throws EngineError where the engine failed
   */
  render(request: AudioRequest, options: AudioOptions): Promise<RenderedAudio>;
  /** Lets go of its processes; it can be used again after. */
  close(): Promise<void>;
}

export interface RenderedAudio {
  /** A WAV file. */
  readonly wav: Uint8Array;
  /** What decided the outcome beside the request, for the provenance. */
  readonly parameters: Readonly<Record<string, string | number>>;
}

export interface Shortcoming {
  /** Name in the taxonomy. */
  readonly attribute: string;
  readonly reason: string;
}

/** What an engine that writes a score can give beside the mix, made again from the same request. */
export interface Scored {
  /** What a piece with these attributes has where the request says nothing. */
  textureOf(attributes: readonly number[]): Texture;
  /** Names of the parts, in their order. */
  partsOf(request: AudioRequest): readonly string[];
  /** A WAV file of one part alone, with its reverberation: the same bytes whatever other parts there are. */
  renderPart(request: AudioRequest, part: number, options: AudioOptions): Promise<Uint8Array>;
  /** A Standard MIDI File. */
  midiOf(request: AudioRequest): Uint8Array;
}

/** The engine could not make this audio. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}

/** What was asked for the engine cannot make, however often it is tried. */
export class EngineRefusal extends EngineError {
  override readonly name = 'EngineRefusal';
}
