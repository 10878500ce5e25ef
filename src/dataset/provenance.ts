/** How a generated sample was made: everything that is needed to make it again. */
export interface Provenance {
  /** The same recipe gives the same sample. */
  readonly recipe: string;
  /** Id of the generation request; null for samples made before there were requests. */
  readonly request: string | null;
  readonly askedAttributes: readonly string[];
  readonly engine: string;
  readonly engineVersion: string;
  readonly seed: number;
  readonly durationSeconds: number;
  /** In the order in which they were run. */
  readonly stages: readonly StageRecord[];
}

export interface StageRecord {
  readonly stage: 'ATTRIBUTES' | 'CAPTION' | 'AUDIO';
  readonly name: string;
  readonly version: string;
  readonly isPlaceholder: boolean;
  /** Files that decided the outcome, each with its SHA-256. */
  readonly models: readonly { readonly name: string; readonly sha256: string }[];
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Attributes joined by ", ", the caption, or the SHA-256 of the audio; null where it was not kept. */
  readonly output: string | null;
  readonly milliseconds: number | null;
}
