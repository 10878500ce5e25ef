import { ArgsType, Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { COUNTED_SHARE } from '../concepts/sets/diagnostics';
import { EXCLUSION_REASONS, type ExclusionReason, type Side, type Strategy } from '../concepts/sets/request';
import { DEFAULTS, LIMITS, type ConceptSet as SelectedSet, type ConceptSetSpec } from '../dataset/concept-sets';
import type { ExportFormat } from '../dataset/concept-set-export';
import { Attribute } from './attribute';
import { Sample } from './sample';
import { SampleFilter } from './sample-filter';

export enum StrategyEnum {
  RANDOM = 'RANDOM',
  CLEAN = 'CLEAN',
  MATCHED = 'MATCHED',
  BALANCED = 'BALANCED',
  HARD = 'HARD',
  COUNTERFACTUAL = 'COUNTERFACTUAL',
}
registerEnumType(StrategyEnum, {
  name: 'Strategy',
  description: 'How negatives are chosen.',
  valuesConfig: {
    RANDOM: { description: 'As the literature does: random rows of the scope, those that carry the concept excluded.' },
    CLEAN: {
      description:
        'Random rows that neither carry the concept, nor a synonym, nor mention it; positives whose caption confirms them.',
    },
    MATCHED: {
      description:
        'Clean, and each positive gets a negative of its own that agrees with it in the other attributes as far as the data allow: see `pairs`.',
    },
    BALANCED: {
      description:
        'Clean, and both sides are chosen together so that every other attribute is as frequent on one as on the other.',
    },
    HARD: {
      description: "Clean, and from the concept's nearest siblings: another keyboard for piano, the next tempo.",
    },
    COUNTERFACTUAL: {
      description:
        'Clean, and each positive has for its negative the same piece without the concept: see `pairs`, and `counterfactuals` of `requestGeneration`, which makes them.',
    },
  },
});

export enum SideEnum {
  POSITIVE = 'POSITIVE',
  NEGATIVE = 'NEGATIVE',
}
registerEnumType(SideEnum, {
  name: 'Side',
  description: 'A side of a concept set.',
  valuesConfig: {
    POSITIVE: { description: 'Examples that have the concept.' },
    NEGATIVE: { description: 'Examples that have it not.' },
  },
});

export const ExclusionReasonEnum = Object.fromEntries(
  Object.keys(EXCLUSION_REASONS).map((reason) => [reason, reason]),
) as Record<ExclusionReason, ExclusionReason>;
registerEnumType(ExclusionReasonEnum, {
  name: 'ExclusionReason',
  description: 'Why a row was left out; where several hold, the first in this order counts.',
  valuesConfig: Object.fromEntries(
    Object.entries(EXCLUSION_REASONS).map(([reason, description]) => [reason, { description }]),
  ),
});

export enum ExportFormatEnum {
  JSONL = 'JSONL',
  CSV = 'CSV',
  PARQUET = 'PARQUET',
  WEBDATASET = 'WEBDATASET',
}
registerEnumType(ExportFormatEnum, {
  name: 'ExportFormat',
  description: 'What a set can be downloaded as.',
  valuesConfig: {
    JSONL: { description: 'A manifest, one JSON object a line.' },
    CSV: { description: 'A manifest as CSV (RFC 4180); lists are joined by "; ".' },
    PARQUET: { description: 'A manifest as Parquet.' },
    WEBDATASET: { description: 'A tar of 000001.json and, where there is audio, 000001.wav, and so on (WebDataset).' },
  },
});

const between = ([min, max]: readonly [number, number]) => `${min} to ${max}`;

@InputType({ description: 'What one side has and the other has not: exactly one of the fields.' })
export class ConceptSetTarget {
  @Field(() => String, { nullable: true, description: 'A curated concept, or else an attribute, by name.' })
  concept?: string | null;

  @Field(() => String, { nullable: true, description: 'An attribute of the taxonomy, by name.' })
  attribute?: string | null;

  @Field(() => SampleFilter, { nullable: true, description: 'Whatever this filter matches.' })
  filter?: SampleFilter | null;
}

@InputType({ description: 'Which concept set. Exactly one of `concept`, `attribute` and `filter` is needed.' })
export class ConceptSetInput extends ConceptSetTarget implements ConceptSetSpec {
  @Field(() => ConceptSetTarget, {
    nullable: true,
    description: 'The relative form: negatives have this and not the concept, positives the concept and not this.',
  })
  against?: ConceptSetTarget | null;

  @Field(() => SampleFilter, { nullable: true, description: 'Limits both sides and the random counterparts.' })
  scope?: SampleFilter | null;

  @Field(() => Int, {
    defaultValue: DEFAULTS.positives,
    description: `Positives wanted, ${between(LIMITS.positives)}.`,
  })
  positives!: number;

  @Field(() => Int, {
    nullable: true,
    description: `Negatives wanted, ${between(LIMITS.negatives)}; as many as positives when left out.`,
  })
  negatives?: number | null;

  @Field(() => Int, {
    defaultValue: DEFAULTS.randomSets,
    description: `Random counterparts for the significance test, ${between(LIMITS.randomSets)}: sets of rows without the concept.`,
  })
  randomSets!: number;

  @Field(() => Int, {
    nullable: true,
    description: `Rows in each random set, ${between(LIMITS.randomSetSize)}; as many as negatives when left out.`,
  })
  randomSetSize?: number | null;

  @Field(() => StrategyEnum, { defaultValue: DEFAULTS.strategy, description: 'How negatives are chosen.' })
  strategy!: Strategy;

  @Field(() => Int, { defaultValue: DEFAULTS.seed, description: 'Another seed gives other rows.' })
  seed!: number;

  @Field(() => Boolean, {
    defaultValue: DEFAULTS.captionConfirms,
    description:
      'Whether the caption of a positive has to mention the concept; audio is made from captions. Without effect under RANDOM.',
  })
  captionConfirms!: boolean;

  @Field(() => Int, {
    defaultValue: DEFAULTS.folds,
    description: 'Folds for cross-validation, 2 to 20; 0 for none. Near-duplicates and pairs stay in one fold.',
  })
  folds!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Select from the data as of this version; the newest when left out.',
  })
  dataVersion?: number | null;
}

@ObjectType({ description: 'A number for each side.', simpleResolvers: true })
export class SideCounts {
  @Field(() => Int, { description: 'On the positive side.' })
  positives!: number;

  @Field(() => Int, { description: 'On the negative side.' })
  negatives!: number;
}

@ObjectType({ description: 'A positive and the negative that stands beside it.', simpleResolvers: true })
export class SamplePair {
  @Field(() => Sample, { description: 'Has the concept.' })
  positive!: Sample;

  @Field(() => Sample, { description: 'Has it not.' })
  negative!: Sample;

  @Field(() => Int, {
    description: 'Number of other attributes that only one of the two carries: what was kept small.',
  })
  distance!: number;

  @Field(() => [Attribute], { description: 'Those attributes.' })
  differing!: readonly Attribute[];
}

@ObjectType({ description: 'A random counterpart.', simpleResolvers: true })
export class RandomSet {
  @Field(() => [Sample], { description: 'Rows without the concept, no source id twice, none of the positives’.' })
  samples!: readonly Sample[];
}

@ObjectType({ description: 'A fold for cross-validation: test on it, train on the others.', simpleResolvers: true })
export class Fold {
  @Field(() => Int, { description: 'From 0.' })
  number!: number;

  @Field(() => [Sample], { description: 'Its positives.' })
  positives!: readonly Sample[];

  @Field(() => [Sample], { description: 'Its negatives.' })
  negatives!: readonly Sample[];
}

@ObjectType({ description: 'Rows that were left out for one reason.', simpleResolvers: true })
export class Exclusion {
  @Field(() => SideEnum, { description: 'The side that they were left out of.' })
  side!: Side;

  @Field(() => ExclusionReasonEnum, { description: 'Why.' })
  reason!: ExclusionReason;

  @Field(() => Int, { description: 'How many.' })
  count!: number;
}

@ObjectType({ description: 'How often something speaks against the rows of a side.', simpleResolvers: true })
export class ContaminationDetail {
  @Field(() => SideEnum, { description: 'The side.' })
  side!: Side;

  @Field(() => ExclusionReasonEnum, { description: 'What speaks against its rows.' })
  reason!: ExclusionReason;

  @Field(() => Float, { description: 'Share of the rows of this set, 0 to 1.' })
  share!: number;

  @Field(() => Float, { description: 'Share of the rows of the naive set, 0 to 1.' })
  naiveShare!: number;
}

@ObjectType({
  description:
    'Share of rows that are on the wrong side, 0 to 1, beside the naive set for the same input and seed: rows with the one tag that a person would filter by, against rows without it.',
  simpleResolvers: true,
})
export class Contamination {
  @Field(() => Float, { description: 'Positives that carry or mention what contradicts the concept.' })
  positives!: number;

  @Field(() => Float, { description: 'Negatives that carry the concept, a synonym, or mention it.' })
  negatives!: number;

  @Field(() => Float, { description: 'As `positives`, of the naive set.' })
  naivePositives!: number;

  @Field(() => Float, { description: 'As `negatives`, of the naive set.' })
  naiveNegatives!: number;

  @Field(() => [ContaminationDetail], { description: 'The same by reason.' })
  details!: readonly ContaminationDetail[];
}

@ObjectType({ description: 'How evenly the two sides carry an attribute.', simpleResolvers: true })
export class AttributeBalance {
  @Field(() => Attribute, { description: 'The attribute.' })
  attribute!: Attribute;

  @Field(() => Float, { description: 'Share of the positives that carry it, 0 to 1.' })
  positives!: number;

  @Field(() => Float, { description: 'Share of the negatives that carry it, 0 to 1.' })
  negatives!: number;

  @Field(() => Float, {
    description:
      'Standardised mean difference: of the shares, over the root of the mean of their variances. Positive where positives carry it more often.',
  })
  smd!: number;

  @Field(() => Float, { description: 'The same of the naive set.' })
  naiveSmd!: number;

  @Field(() => Boolean, {
    description:
      'Whether it belongs to a concept that contradicts the one asked for: a part of the difference that is wanted, in no mean.',
  })
  isOpposed!: boolean;

  @Field(() => Boolean, {
    description: `Whether it is in the means: not opposed, and carried by at least ${COUNTED_SHARE * 100} % of the two sides.`,
  })
  counts!: boolean;
}

@ArgsType()
export class WorstArguments {
  @Field(() => Int, { defaultValue: 10, description: 'How many, 0 to 200.' })
  first!: number;
}

@ObjectType({
  description: `How much the two sides differ in everything but the concept. Means and maxima are over the other attributes that at least ${COUNTED_SHARE * 100} % of the two sides carry.`,
  simpleResolvers: true,
})
export class Balance {
  @Field(() => Float, { description: 'Mean of |SMD|.' })
  meanAbsSmd!: number;

  @Field(() => Float, { description: 'Largest |SMD|.' })
  maxAbsSmd!: number;

  @Field(() => Float, { description: 'Mean of |SMD| of the naive set: before matching.' })
  naiveMeanAbsSmd!: number;

  @Field(() => Float, { description: 'Largest |SMD| of the naive set.' })
  naiveMaxAbsSmd!: number;

  /** Not a field: all attributes, worst first. */
  attributes!: readonly AttributeBalance[];
}

@ObjectType({ description: 'What a set is worth.', simpleResolvers: true })
export class ConceptSetDiagnostics {
  @Field(() => [Exclusion], { description: 'Why rows that were considered are not available.' })
  exclusions!: readonly Exclusion[];

  @Field(() => Contamination, { description: 'Rows on the wrong side.' })
  contamination!: Contamination;

  @Field(() => Balance, { description: 'Differences in everything else.' })
  balance!: Balance;
}

@ObjectType({ description: 'A download.', simpleResolvers: true })
export class ConceptSetExport {
  @Field(() => ExportFormatEnum, { description: 'As what.' })
  format!: ExportFormat;

  @Field(() => String, {
    nullable: true,
    description:
      'Downloads it, for anyone who has the URL, until `expiresAt`. Null where the input is too long for a URL: freeze the set then.',
  })
  url!: string | null;

  @Field(() => Date, { description: 'When the URL stops working; ask for the set again then.' })
  expiresAt!: Date;
}

@ObjectType({
  description:
    'Positive and negative examples of a concept for TCAV, random counterparts, and what they are worth. The same input, seed and data version give the same rows in the same order, on every server of this selection version.',
  simpleResolvers: true,
})
export class ConceptSet {
  @Field(() => ID, {
    description: 'Digest of input, data version and rows. To be cited once the set is frozen, and found by it then.',
  })
  id!: string;

  @Field(() => Date, { nullable: true, description: 'When it was frozen; null for a set that is only answered.' })
  frozenAt!: Date | null;

  @Field(() => Int, { description: 'Data version that it was selected from.' })
  dataVersion!: number;

  @Field(() => Int, {
    description: 'Version of the selection: another one may select other rows from the same data. Frozen sets stay.',
  })
  selectionVersion!: number;

  @Field(() => String, { description: 'SHA-256 of the concept list and lexicon that it was selected by.' })
  conceptListSha256!: string;

  @Field(() => String, { description: 'What the positives have: the name of the concept or attribute, or the filter.' })
  target!: string;

  @Field(() => StrategyEnum, { description: 'How negatives were chosen.' })
  strategy!: Strategy;

  @Field(() => Int, { description: 'The seed.' })
  seed!: number;

  @Field(() => [Sample], { description: 'Examples that have the concept, in the order of the seed.' })
  positives!: readonly Sample[];

  @Field(() => [Sample], { description: 'Examples that have it not.' })
  negatives!: readonly Sample[];

  @Field(() => [SamplePair], { description: 'Each positive with its negative under MATCHED; empty otherwise.' })
  pairs!: readonly SamplePair[];

  @Field(() => [RandomSet], { description: 'The random counterparts asked for.' })
  randomSets!: readonly RandomSet[];

  @Field(() => Boolean, { description: 'Whether no row is in two random sets: false where the scope has too few.' })
  randomSetsAreDisjoint!: boolean;

  @Field(() => [Fold], { description: 'The folds asked for; empty for none.' })
  folds!: readonly Fold[];

  @Field(() => SideCounts, {
    description:
      'Rows of the scope that were looked at: for positives those that carry the concept, for negatives all.',
  })
  considered!: SideCounts;

  @Field(() => SideCounts, {
    description: 'Rows that could stand on each side, one a source id: those considered less the exclusions.',
  })
  available!: SideCounts;

  @Field(() => SideCounts, { description: 'How many fewer there are than were asked for.' })
  deficit!: SideCounts;

  @Field(() => ConceptSetDiagnostics, { description: 'What it is worth.' })
  diagnostics!: ConceptSetDiagnostics;

  /** Not a field: for the exports. */
  set!: SelectedSet;
}
