import { CONCEPTS } from '../concepts/concepts';
import { ATTRIBUTES } from '../concepts/taxonomy';
import type { StoredSample } from '../dataset/sample-repository';
import type { Attribute } from '../schema/attribute';
import type { Concept } from '../schema/concept';
import { ATTRIBUTE_ID_PREFIX, CONCEPT_ID_PREFIX } from '../schema/node';
import { audioLicenseOf, type Provenance as StoredProvenance } from '../dataset/provenance';
import type { Provenance, StageEnum } from '../schema/provenance';
import type { Sample } from '../schema/sample';

/**
 * Domain values as GraphQL objects. Attributes and concepts are the same few hundred in every answer, so they are
 * made once.
 */
export const ATTRIBUTE_OBJECTS: readonly Attribute[] = ATTRIBUTES.map(({ index, name, category }) => ({
  id: `${ATTRIBUTE_ID_PREFIX}${name}`,
  name,
  category,
  index,
}));

export const CONCEPT_OBJECTS: readonly Concept[] = CONCEPTS.map(({ index, name, description, phrases }) => ({
  id: `${CONCEPT_ID_PREFIX}${name}`,
  name,
  description,
  lexicon: [...phrases],
  index,
}));

/** @param expiresAt until when its audio URL is to work */
export function toSample(stored: StoredSample, expiresAt: Date): Sample {
  return {
    id: stored.id,
    sourceId: stored.sourceId,
    caption: stored.caption,
    attributes: stored.attributes.map((index) => ATTRIBUTE_OBJECTS[index]!),
    carries: stored.carries.map((index) => CONCEPT_OBJECTS[index]!),
    mentions: stored.mentions.map((index) => CONCEPT_OBJECTS[index]!),
    audio: stored.audio && { ...stored.audio, expiresAt },
    split: stored.split,
    addedVersion: stored.addedVersion,
    retiredVersion: stored.retiredVersion,
    seq: stored.seq,
    sourceNumber: stored.source,
  };
}

export function toProvenance(stored: StoredProvenance): Provenance {
  const { stages, ...provenance } = stored;
  return {
    ...provenance,
    askedCaption: stored.askedCaption ?? null,
    license: audioLicenseOf(stored),
    stages: stages.map(({ stage, parameters, models, ...record }) => ({
      ...record,
      stage: stage as StageEnum,
      models: models.map(({ license, ...model }) => ({ ...model, license: license ?? null })),
      parameters: Object.entries(parameters).map(([name, value]) => ({ name, value: String(value) })),
    })),
  };
}
