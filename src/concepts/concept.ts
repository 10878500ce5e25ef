/**
 * What a concept is. The list of them is data in `concept-list.ts`; how captions mention them is `lexicon.ts`.
 */
export interface ConceptDefinition {
  /** The plain name a person would type, lower case and unique, for example `piano`, `male vocals`, `no drums`. */
  readonly name: string;
  /** One sentence: what is meant, and where the borders are. */
  readonly description: string;
  /** Taxonomy attributes that mean this concept (synonyms and variants). */
  readonly attributes: readonly string[];
  /** Narrower concepts: whoever carries or mentions one of them carries or mentions this one too. */
  readonly includes?: readonly string[];
  /** Phrases by which a caption mentions the concept, in the notation of `lexicon.ts`. */
  readonly lexicon: readonly string[];
  /** Concepts that cannot be true of the same music. Written on one side, meant both ways. */
  readonly contradicts?: readonly string[];
  /** For an absence: a caption that denies one of these ("without drums") mentions this concept. */
  readonly absenceOf?: readonly string[];
}
