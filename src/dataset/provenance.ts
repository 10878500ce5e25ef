/** How a generated sample was made: everything that is needed to make it again. */
export interface Provenance {
  /** The same recipe gives the same sample. */
  readonly recipe: string;
  /** Id of the generation request; null for samples made before there were requests. */
  readonly request: string | null;
  readonly askedAttributes: readonly string[];
  /** The user's own; null where it was written here, missing in records older than such captions. */
  readonly askedCaption?: string | null;
  readonly engine: string;
  readonly engineVersion: string;
  readonly seed: number;
  readonly durationSeconds: number;
  /** Of a counterfactual, where its own attributes have another one; missing in records older than textures. */
  readonly texture?: 'full' | 'spare' | null;
  /** In the order in which they were run. */
  readonly stages: readonly StageRecord[];
}

export interface StageRecord {
  readonly stage: 'ATTRIBUTES' | 'CAPTION' | 'AUDIO';
  readonly name: string;
  readonly version: string;
  readonly isPlaceholder: boolean;
  /** Files that decided the outcome, each with its SHA-256. */
  readonly models: readonly ModelRecord[];
  readonly parameters: Readonly<Record<string, string | number>>;
  /** Attributes joined by ", ", the caption, or the SHA-256 of the audio; null where it was not kept. */
  readonly output: string | null;
  readonly milliseconds: number | null;
}

export interface ModelRecord {
  readonly name: string;
  readonly sha256: string;
  /** SPDX identifier; null where it is not known, missing in records older than licences. */
  readonly license?: string | null;
}

/**
 * The licences of the models that made the audio, as an SPDX expression: what they ask of those who use the sample.
 * Null where none is known.
 */
export function audioLicenseOf({ stages }: Provenance): string | null {
  const models = stages.filter(({ stage }) => stage === 'AUDIO').flatMap((stage) => stage.models);
  const licenses = new Set(models.map(({ license }) => license ?? null).filter((license) => license !== null));
  return licenses.size === 0 ? null : [...licenses].sort().join(' AND ');
}
