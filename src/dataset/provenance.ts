/** How a generated sample was made: everything that is needed to make it again. */
export interface Provenance {
  readonly askedAttributes: readonly string[];
  readonly attributeCompleter: string | null;
  readonly attributeCompleterVersion: string | null;
  readonly engine: string;
  readonly engineVersion: string;
  readonly captionWriter: string;
  readonly captionWriterVersion: string;
  readonly seed: number;
  readonly durationSeconds: number;
  /** Milliseconds that each stage took. */
  readonly stageMilliseconds: { readonly caption: number; readonly audio: number };
}
