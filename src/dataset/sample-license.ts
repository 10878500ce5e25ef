import { audioLicenseOf, type Provenance } from './provenance';
import type { SampleRepository, StoredSample, StoredSource } from './sample-repository';

/**
 * Under which licence a sample may be used: that of its source or, where it was generated, that of the models that made
 * the audio. Null where it is not known.
 */
export function licenseOf(source: StoredSource | undefined, made: Provenance | null | undefined): string | null {
  return (made && audioLicenseOf(made)) ?? source?.license ?? null;
}

/** Licences of samples, by row number. */
export async function licensesOf(
  repository: SampleRepository,
  sources: ReadonlyMap<number, StoredSource>,
  samples: readonly StoredSample[],
): Promise<Map<number, string | null>> {
  const generated = samples.filter(({ source }) => sources.get(source)?.origin === 'GENERATED');
  const made = await repository.provenance(generated.map(({ seq }) => seq));
  return new Map(samples.map(({ seq, source }) => [seq, licenseOf(sources.get(source), made.get(seq))]));
}
