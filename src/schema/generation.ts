import {
  ArgsType,
  Field,
  Float,
  GraphQLISODateTime,
  ID,
  InputType,
  Int,
  ObjectType,
  registerEnumType,
} from 'type-graphql';
import { MAX_CAPTION_CHARACTERS } from '../generation/caption-text';
import { GENERATION_DEFAULTS, GENERATION_LIMITS, type GenerationSpec, type TopUpSpec } from '../generation/plan';
import type { CounterfactualSpec } from '../generation/counterfactual';
import { Attribute } from './attribute';
import { PageInfo } from './page-info';
import { StageEnum } from './provenance';
import { SampleFilter } from './sample-filter';

export enum GenerationStateEnum {
  QUEUED = 'QUEUED',
  RUNNING = 'RUNNING',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELED = 'CANCELED',
}
registerEnumType(GenerationStateEnum, {
  name: 'GenerationState',
  description: 'State of a generation request, or of an item of it. The last three are final.',
  valuesConfig: {
    QUEUED: { description: 'Waits for a worker.' },
    RUNNING: { description: 'Is being made.' },
    SUCCEEDED: { description: 'Is there.' },
    FAILED: { description: 'Some of it could not be made: see `error`. `retryGeneration` tries that again.' },
    CANCELED: { description: 'Some of it was canceled before it was made.' },
  },
});

export enum EngineEnum {
  SOUNDFONT = 'SOUNDFONT',
  MUSICGEN = 'MUSICGEN',
}
registerEnumType(EngineEnum, {
  name: 'Engine',
  description: 'What makes audio.',
  valuesConfig: {
    SOUNDFONT: {
      description:
        'A composer and a General MIDI SoundFont: no weights, no GPU, seconds a clip. Its music follows the attributes; captions it does not read.',
    },
    MUSICGEN: {
      description:
        'MusicGen, which made the audio of ConceptCaps: from the caption. It takes a model that has to be pulled, on the server or with a worker: see `engines`. Slow without a GPU.',
    },
  },
});

export enum PriorityEnum {
  HIGH = 'HIGH',
  NORMAL = 'NORMAL',
  LOW = 'LOW',
}
registerEnumType(PriorityEnum, {
  name: 'Priority',
  description: 'Which items go first. Among equals the first item of every request goes before the second of any.',
  valuesConfig: {
    HIGH: { description: 'Before all others.' },
    NORMAL: { description: 'In turn.' },
    LOW: { description: 'When nothing else waits.' },
  },
});

export enum DeviceEnum {
  CPU = 'CPU',
  GPU = 'GPU',
}
registerEnumType(DeviceEnum, {
  name: 'Device',
  description: 'What an engine runs on.',
  valuesConfig: {
    CPU: { description: 'Any machine.' },
    GPU: { description: 'A machine with a graphics processor.' },
  },
});

@InputType({ description: 'A concept that is to have a number of clean positives.' })
export class ConceptTopUp implements TopUpSpec {
  @Field(() => String, { description: 'A curated concept, or else an attribute, by name.' })
  concept!: string;

  @Field(() => SampleFilter, {
    nullable: true,
    description:
      'The scope of the concept set. New samples satisfy it, so it may ask for attributes, categories, concepts and audio, but not for splits, sources or words of captions.',
  })
  scope?: SampleFilter | null;

  @Field(() => Int, {
    description: `How many clean positives there are to be, ${GENERATION_LIMITS.positives.join(' to ')}; as many new samples are made as lack. The positives of a concept set under CLEAN count the same.`,
  })
  positives!: number;
}

@InputType({
  description:
    'Pieces that are there, changed in one thing and in nothing else: minimal pairs for a probe. At another tempo they have the same notes: a slow piece made fast has no more between its beats than before.',
})
export class Counterfactuals implements CounterfactualSpec {
  @Field(() => [ID], {
    description: 'Ids of the samples to change, at most 1,000: made by the engine, in its present version.',
  })
  samples!: string[];

  @Field(() => String, {
    nullable: true,
    description:
      'A concept, or else an attribute, by name: what the new samples lack. Each of the samples has to have it.',
  })
  remove?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'An attribute, or else a concept, by name: what the new samples have. Given with `remove`, it is swapped.',
  })
  add?: string | null;
}

@InputType({
  description: 'What to generate: exactly one of `attributes`, `combinations`, `topUp` and `counterfactuals`.',
})
export class GenerationInput implements GenerationSpec {
  @Field(() => [String], { nullable: true, description: 'One combination of attributes, by name.' })
  attributes?: string[] | null;

  @Field(() => [[String]], {
    nullable: true,
    description: `Several combinations, at most ${GENERATION_LIMITS.combinations[1]}.`,
  })
  combinations?: string[][] | null;

  @Field(() => ConceptTopUp, {
    nullable: true,
    description: 'Or as many new positives as a concept set lacks: pass its deficit on.',
  })
  topUp?: ConceptTopUp | null;

  @Field(() => Counterfactuals, {
    nullable: true,
    description:
      'Or the same pieces as those of samples that are there, with one concept removed, added or swapped. Each is linked to its original: see `Sample.counterfactuals` and the strategy COUNTERFACTUAL of concept sets.',
  })
  counterfactuals?: Counterfactuals | null;

  @Field(() => String, {
    nullable: true,
    description: `A caption of your own for all samples of the request, said as it is instead of one that is written: at most ${MAX_CAPTION_CHARACTERS.toLocaleString('en-US')} characters, with \`attributes\` alone. The samples carry the attributes and mention what it mentions. MUSICGEN makes the music from it; that of SOUNDFONT comes from the attributes, whatever the caption says.`,
  })
  caption?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether plausible attributes are added to those asked for. Left out: not for combinations, but with `topUp`.',
  })
  complete?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    description: `Samples of each combination, ${GENERATION_LIMITS.count.join(' to ')}, ${GENERATION_DEFAULTS.count} when left out: of the seeds from \`seed\` on.`,
  })
  count?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: `Seed of the first sample, ${GENERATION_DEFAULTS.seed} when left out. The same attributes, seed and length give the same sample, which is not made twice.`,
  })
  seed?: number | null;

  @Field(() => EngineEnum, {
    nullable: true,
    description: `What makes the audio, ${GENERATION_DEFAULTS.engine} when left out.`,
  })
  engine?: EngineEnum | null;

  @Field(() => Float, {
    nullable: true,
    description: `Length of each clip in seconds, from ${GENERATION_LIMITS.minDurationSeconds} to the engine's longest, ${GENERATION_DEFAULTS.durationSeconds} when left out.`,
  })
  durationSeconds?: number | null;

  @Field(() => PriorityEnum, {
    nullable: true,
    description: `Place in the line, ${GENERATION_DEFAULTS.priority} when left out.`,
  })
  priority?: PriorityEnum | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether the samples have to be new: of the seeds from `seed` on, the first that have not been used for the combination.',
  })
  fresh?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether attributes may contradict each other, for example "slow tempo" and "fast tempo".',
  })
  allowContradictions?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether what is there of a clip can be heard while it is made: see `GenerationItem.preview`. That takes some time of the making. Only MUSICGEN makes a clip piece by piece.',
  })
  previews?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Any text of your own, at most 200 characters. The same request sent again with it, after a broken connection for one, gives the request that was made first.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({ description: 'Why something could not be made, or is tried again.', simpleResolvers: true })
export class GenerationError {
  @Field(() => String, {
    description:
      'ENGINE_FAILED, ENGINE_REFUSED (it can never make this, so that it is not tried again), WORKER_LOST (its workers died), STORAGE_UNAVAILABLE (tried again until it can be stored) or INTERNAL_SERVER_ERROR.',
  })
  code!: string;

  @Field(() => String, { description: 'In words.' })
  message!: string;
}

@ObjectType({ description: 'Items of a request by state.', simpleResolvers: true })
export class GenerationCounts {
  @Field(() => Int, { description: 'Wait.' })
  queued!: number;

  @Field(() => Int, { description: 'Are being made.' })
  running!: number;

  @Field(() => Int, { description: 'Are there.' })
  succeeded!: number;

  @Field(() => Int, { description: 'Could not be made.' })
  failed!: number;

  @Field(() => Int, { description: 'Were canceled.' })
  canceled!: number;
}

@ObjectType({ description: 'One sample of a generation request.', simpleResolvers: true })
export class GenerationItem {
  @Field(() => Int, { description: 'Place in the request, from 0.' })
  position!: number;

  @Field(() => GenerationStateEnum, { description: 'Its state.' })
  state!: GenerationStateEnum;

  @Field(() => [Attribute], { description: 'What it was asked to have, in taxonomy order.' })
  askedAttributes!: readonly Attribute[];

  @Field(() => Int, { description: 'Its seed.' })
  seed!: number;

  @Field(() => StageEnum, { nullable: true, description: 'What is being done; null while it is not running.' })
  stage!: StageEnum | null;

  @Field(() => Float, { description: 'How much of it is done, 0 to 1.' })
  progress!: number;

  @Field(() => Int, { description: 'How often it was begun.' })
  attempts!: number;

  @Field(() => GenerationError, { nullable: true, description: 'What went wrong, last; null where nothing did.' })
  error!: GenerationError | null;

  /** Not a field: what `preview` is made of. */
  heard!: { readonly sha256: string; readonly durationSeconds: number } | null;

  /** Not a field: row number. */
  sampleSeq!: number | null;
}

@ObjectType({ description: 'The beginning of a clip that is being made.', simpleResolvers: true })
export class GenerationPreview {
  @Field(() => String, {
    description:
      'Streams the bytes, with HTTP range requests, to anyone who has it, until `expiresAt`; a few seconds after the next preview but one, or after the item is settled, there is nothing to stream any more.',
  })
  url!: string;

  @Field(() => GraphQLISODateTime, { description: 'Until when `url` works at the latest.' })
  expiresAt!: Date;

  @Field(() => Float, { description: 'Length in seconds of what is there.' })
  durationSeconds!: number;
}

@ObjectType({ description: 'A request for samples to be made, and how far it is.', simpleResolvers: true })
export class Generation {
  @Field(() => ID, { description: 'For `generation`, `generationUpdated` and `cancelGeneration`.' })
  id!: string;

  @Field(() => GenerationStateEnum, { description: 'Its state, from those of its items.' })
  state!: GenerationStateEnum;

  @Field(() => EngineEnum, { description: 'What makes the audio.' })
  engine!: EngineEnum;

  @Field(() => PriorityEnum, { description: 'Place in the line.' })
  priority!: PriorityEnum;

  @Field(() => Float, { description: 'Length of each clip in seconds.' })
  durationSeconds!: number;

  @Field(() => GraphQLISODateTime, { description: 'When it was asked for.' })
  createdAt!: Date;

  @Field(() => GraphQLISODateTime, { nullable: true, description: 'When the last item was settled; null until then.' })
  finishedAt!: Date | null;

  @Field(() => GenerationCounts, { description: 'How many samples of it are in which state.' })
  counts!: GenerationCounts;

  /** Not a field: number of the request. */
  seq!: number;
}

@ArgsType()
export class SliceArguments {
  @Field(() => Int, { defaultValue: 100, description: 'At most this many, 0 to 1,000.' })
  first!: number;

  @Field(() => Int, { defaultValue: 0, description: 'After leaving out this many.' })
  skip!: number;
}

@ObjectType({ description: 'A generation request and its place in the connection.', simpleResolvers: true })
export class GenerationEdge {
  @Field(() => String, { description: 'Pass it as `after`.' })
  cursor!: string;

  @Field(() => Generation, { description: 'The request.' })
  node!: Generation;
}

@ObjectType({ description: 'A page of generation requests, newest first (Relay).', simpleResolvers: true })
export class GenerationConnection {
  @Field(() => [GenerationEdge], { description: 'The page.' })
  edges!: readonly GenerationEdge[];

  @Field(() => PageInfo, { description: 'Where the page begins and ends.' })
  pageInfo!: PageInfo;

  /** Not a field: what is counted. */
  ofState!: GenerationStateEnum | null;
}

@ObjectType({ description: 'An attribute that an engine does not do justice to.', simpleResolvers: true })
export class Shortcoming {
  @Field(() => String, { description: 'Name of the attribute.' })
  attribute!: string;

  @Field(() => String, { description: 'In what it falls short.' })
  reason!: string;
}

@ObjectType({ description: 'Something that makes audio.', simpleResolvers: true })
export class EngineInfo {
  @Field(() => EngineEnum, { description: 'Its name in requests.' })
  engine!: EngineEnum;

  @Field(() => String, { description: 'What it is.' })
  description!: string;

  @Field(() => Boolean, {
    description: 'Whether samples can be asked for: it runs on this server, or a worker serves it now.',
  })
  isAvailable!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Why it cannot be had, and what to do about it; null where it can.',
  })
  unavailableReason!: string | null;

  @Field(() => [String], {
    description:
      'Its versions, that of this server first, then those of workers that serve it now; another one may sound different. Empty where it cannot be had.',
  })
  versions!: readonly string[];

  @Field(() => String, {
    nullable: true,
    description: 'The first of `versions`: another one may sound different. Null where it cannot be had.',
  })
  version!: string | null;

  @Field(() => DeviceEnum, { description: 'What its workers need at least.' })
  device!: DeviceEnum;

  @Field(() => Float, { description: 'Longest clip in seconds.' })
  maxDurationSeconds!: number;

  @Field(() => [Shortcoming], { description: 'Attributes that it cannot honour at all: asked for, they are refused.' })
  unsupported!: readonly Shortcoming[];

  @Field(() => [Shortcoming], { description: 'Attributes whose sound falls short of the word.' })
  weak!: readonly Shortcoming[];

  @Field(() => Int, { description: 'Workers that serve it now; without one its items wait.' })
  workers!: number;

  @Field(() => Int, { description: 'Samples that these make at once.' })
  slots!: number;
}
