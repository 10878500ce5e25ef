import { signPath, verifyPath, type SignatureVerdict } from '../audio/url-signature';
import type { Provenance } from '../dataset/provenance';
import type { SampleRepository, StoredSample } from '../dataset/sample-repository';
import type { AudioRequest, Scored } from '../inference/stages';
import type { Stages } from './stages';

/**
 * What a generated sample was played from: its parts one by one, and as MIDI. They are not stored but made again from
 * the recipe, the same bytes each time, for as long as the engine is of the version that made the sample.
 */
export interface Score {
  readonly engine: Scored;
  readonly request: AudioRequest;
  /** Names of the parts, in their order. */
  readonly parts: readonly string[];
}

export const SCORES_PATH = '/scores';

export class Scores {
  constructor(
    private readonly samples: SampleRepository,
    private readonly stages: Stages,
  ) {}

  /** Null where there is none, or none any more. */
  async of(sample: StoredSample): Promise<Score | null> {
    return this.from(sample, (await this.samples.provenance([sample.seq])).get(sample.seq) ?? null);
  }

  from(
    { attributes, caption }: Pick<StoredSample, 'attributes' | 'caption'>,
    provenance: Provenance | null,
  ): Score | null {
    if (!provenance) return null;
    const { engine: name, engineVersion, seed, durationSeconds } = provenance;
    const engine = this.stages.engines.find((one) => one.engine === name && one.version === engineVersion);
    if (!engine?.score) return null;
    const request = { attributes, texture: provenance.texture ?? null, caption, seed, durationSeconds };
    return { engine: engine.score, request, parts: engine.score.partsOf(request) };
  }

  /** The score of the sample with this id. */
  async byId(id: string): Promise<Score | null> {
    const [sample] = await this.samples.listByIds([id]);
    return sample ? this.of(sample) : null;
  }
}

/** A file of a score: the MIDI file where `part` is null. */
export function scoreFileName(sampleId: string, part: number | null): string {
  return part === null ? `${sampleId}.mid` : `${sampleId}.${part}.wav`;
}

export function parseScoreFileName(name: string): { readonly sampleId: string; readonly part: number | null } | null {
  const [, sampleId, part] = /^(s_[0-9a-z]{26})\.(?:(\d{1,2})\.wav|mid)$/.exec(name) ?? [];
  return sampleId === undefined ? null : { sampleId, part: part === undefined ? null : Number(part) };
}

/** URLs of score files, `/scores/<file>?expires=…&signature=…`. */
export class ScoreUrls {
  /** @param publicUrl base of the URLs, read late: with PORT=0 it is known only when the server listens */
  constructor(
    private readonly signingKey: Uint8Array,
    private readonly publicUrl: () => string,
  ) {}

  sign(file: string, expiresAt: Date): string {
    const path = `${SCORES_PATH}/${file}`;
    const expires = Math.floor(expiresAt.getTime() / 1000);
    const query = new URLSearchParams({
      expires: String(expires),
      signature: signPath(this.signingKey, path, expires),
    });
    return `${this.publicUrl()}${path}?${query.toString()}`;
  }

  verify(file: string, query: Readonly<Record<string, unknown>>, nowUnixSeconds: number): SignatureVerdict {
    return verifyPath(this.signingKey, `${SCORES_PATH}/${file}`, query.expires, query.signature, nowUnixSeconds);
  }
}
