import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  Float,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import type { AudioStore } from '../audio/audio-store';
import { NO_CAPACITY, versionsOf } from '../generation/engine-choice';
import type { GenerationRepository, StoredGeneration } from '../generation/generation-repository';
import { unknownGeneration, type GenerationRequests } from '../generation/requests';
import type { Stages } from '../generation/stages';
import { UserError } from '../platform/errors';
import {
  EngineEnum,
  EngineInfo,
  Generation,
  GenerationConnection,
  GenerationError,
  GenerationInput,
  GenerationItem,
  GenerationPreview,
  GenerationStateEnum,
  SliceArguments,
} from '../schema/generation';
import { StageEnum } from '../schema/provenance';
import { Sample } from '../schema/sample';
import type { Access } from './access';
import type { RequestContext } from './context';
import { ATTRIBUTE_OBJECTS, toSample } from './objects';
import { decodeCursor, DEFAULT_PAGE_SIZE, encodeCursor, LAST_SEQ, MAX_PAGE_SIZE, pageSize } from './pagination';

const MAX_SLICE = 1_000;
const CURSOR = 'generation';

export interface GenerationServices {
  readonly requests: GenerationRequests;
  readonly generations: GenerationRepository;
  readonly stages: Stages;
}

@Resolver(() => Generation)
export class GenerationResolver {
  constructor(
    private readonly services: GenerationServices,
    private readonly access: Access,
    private readonly expiry: () => Date,
  ) {}

  @Query(() => Generation, { nullable: true, description: 'A generation request by its id; null where there is none.' })
  async generation(
    @Arg('id', () => ID, { description: 'As in `Generation.id`, for example "g_7k2m..."' }) id: string,
  ): Promise<Generation | null> {
    const stored = await this.services.generations.byId(id);
    return stored && toGeneration(stored);
  }

  @Query(() => [EngineInfo], { description: 'What makes audio here, and what could.' })
  async engines(): Promise<EngineInfo[]> {
    const { generations, stages } = this.services;
    const capacity = await generations.capacity();
    const reasons = new Map(stages.missing.map(({ engine, reason }) => [engine, reason]));
    return [...stages.engines, ...stages.missing].map((facts) => {
      const { engine, description, device, maxDurationSeconds, unsupported, weak } = facts;
      const { workers, slots } = capacity.get(engine) ?? NO_CAPACITY;
      const versions = versionsOf(stages, engine, capacity);
      return {
        engine: engine as EngineEnum,
        description,
        isAvailable: versions.length > 0,
        unavailableReason: versions.length > 0 ? null : (reasons.get(engine) ?? null),
        versions,
        version: versions[0] ?? null,
        device: device as EngineInfo['device'],
        maxDurationSeconds,
        unsupported,
        weak,
        workers,
        slots,
      };
    });
  }

  @Mutation(() => Generation, {
    description: 'Asks for samples to be made. Answers at once; they become part of the data as they are done.',
    complexity: ({ childComplexity }) => 500 + childComplexity,
  })
  async requestGeneration(
    @Arg('input', () => GenerationInput, { description: 'What to generate.' }) input: GenerationInput,
    @Ctx() context: RequestContext,
  ): Promise<Generation> {
    const key = await this.access.charged(context);
    const { idempotencyKey, ...spec } = input;
    return this.known(await this.services.requests.create(spec, idempotencyKey ?? null, key));
  }

  @Mutation(() => Generation, {
    description: 'Cancels what is not settled yet; running work stops within two seconds. What was made stays.',
  })
  async cancelGeneration(
    @Arg('id', () => ID, { description: 'Of the request.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Generation> {
    await this.services.requests.cancel(id, await this.access.charged(context));
    return this.known(id);
  }

  @Mutation(() => Generation, { description: 'Tries again what failed; nothing else of the request changes.' })
  async retryGeneration(
    @Arg('id', () => ID, { description: 'Of the request.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Generation> {
    await this.services.requests.retry(id, await this.access.charged(context));
    return this.known(id);
  }

  @Subscription(() => Generation, {
    description:
      'The request as it is now and whenever it changes, whichever process changes it; ends when it is final. Over WebSocket (graphql-transport-ws) at /graphql, or Server-Sent Events at /graphql/stream.',
    subscribe: ({ args, context }) => {
      const { updates } = context as RequestContext;
      return updates.follow((args as { id: string }).id);
    },
  })
  generationUpdated(
    @Root() stored: StoredGeneration,
    // Read by `subscribe`.
    @Arg('id', () => ID, { description: 'Of the request.' }) _id: string,
  ): Generation {
    return toGeneration(stored);
  }

  @FieldResolver(() => Float, { description: 'How much of it is done, 0 to 1.' })
  async progress(@Root() { seq }: Generation, @Ctx() context: RequestContext): Promise<number> {
    return (await context.generationProgress.load(seq)).progress;
  }

  @FieldResolver(() => StageEnum, {
    nullable: true,
    description: 'What is being done for the first of its running items; null while none is running.',
  })
  async stage(@Root() { seq }: Generation, @Ctx() context: RequestContext): Promise<StageEnum | null> {
    return (await context.generationProgress.load(seq)).stage as StageEnum | null;
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: 'Place of its next item in the line of its engine, from 1; null where nothing of it waits.',
  })
  async queuePosition(@Root() { seq }: Generation, @Ctx() context: RequestContext): Promise<number | null> {
    return (await context.generationProgress.load(seq)).queuePosition;
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description:
      'How long it will take yet at the speed of the latest samples; null where no worker serves the engine, nothing was made yet, or it is final.',
  })
  async estimatedSecondsLeft(@Root() { seq }: Generation, @Ctx() context: RequestContext): Promise<number | null> {
    return (await context.generationProgress.load(seq)).secondsLeft;
  }

  @FieldResolver(() => GenerationError, {
    nullable: true,
    description: 'What went wrong with the first item that failed, or that is tried again; null where nothing did.',
  })
  async error(@Root() { seq }: Generation, @Ctx() context: RequestContext): Promise<GenerationError | null> {
    return (await context.generationProgress.load(seq)).error;
  }

  @FieldResolver(() => [Sample], {
    description: 'The samples that it has given so far, each once, in the order asked for.',
    complexity: ({ args, childComplexity }) => 1 + childComplexity * sliceSize(args as SliceArguments),
  })
  async samples(
    @Root() { seq }: Generation,
    @Args(() => SliceArguments) slice: SliceArguments,
    @Ctx() context: RequestContext,
  ): Promise<Sample[]> {
    checkSlice(slice);
    const expiresAt = this.expiry();
    const seqs = await this.services.generations.sampleSeqs(seq, slice.first, slice.skip);
    return (await context.samples.loadMany(seqs)).map((sample) => {
      if (sample instanceof Error) throw sample;
      return toSample(sample, expiresAt);
    });
  }

  @FieldResolver(() => [GenerationItem], {
    description: 'Its items in the order asked for.',
    complexity: ({ args, childComplexity }) => 1 + childComplexity * sliceSize(args as SliceArguments),
  })
  async items(
    @Root() { seq }: Generation,
    @Args(() => SliceArguments) slice: SliceArguments,
  ): Promise<GenerationItem[]> {
    checkSlice(slice);
    return (await this.services.generations.items(seq, slice.first, slice.skip)).map(({ asked, preview, ...item }) => ({
      ...item,
      heard: preview,
      state: item.state as GenerationStateEnum,
      stage: item.stage as StageEnum | null,
      askedAttributes: asked.map((attribute) => ATTRIBUTE_OBJECTS[attribute]!),
    }));
  }

  private async known(id: string): Promise<Generation> {
    const stored = await this.services.generations.byId(id);
    if (!stored) throw unknownGeneration(id);
    return toGeneration(stored);
  }
}

@Resolver(() => GenerationItem)
export class GenerationItemResolver {
  constructor(
    private readonly store: AudioStore,
    private readonly expiry: () => Date,
  ) {}

  @FieldResolver(() => GenerationPreview, {
    nullable: true,
    description:
      'What is there of the clip while it is made, where the request asked for `previews`: the first after about five seconds of audio, then with every five seconds more, later less often. Null before, and as soon as the item is settled.',
  })
  async preview(@Root() { heard }: GenerationItem): Promise<GenerationPreview | null> {
    if (!heard) return null;
    const expiresAt = this.expiry();
    return {
      url: await this.store.signedUrl(heard.sha256, 'audio/wav', expiresAt),
      expiresAt,
      durationSeconds: heard.durationSeconds,
    };
  }

  @FieldResolver(() => Sample, { nullable: true, description: 'What it became; null until then.' })
  async sample(@Root() { sampleSeq }: GenerationItem, @Ctx() context: RequestContext): Promise<Sample | null> {
    return sampleSeq === null ? null : toSample(await context.samples.load(sampleSeq), this.expiry());
  }
}

@Resolver(() => GenerationConnection)
export class GenerationConnectionResolver {
  constructor(private readonly repository: GenerationRepository) {}

  @Query(() => GenerationConnection, {
    description: 'Generation requests, newest first.',
    complexity: ({ args, childComplexity }) =>
      10 + childComplexity * Math.max(1, Math.min((args as { first?: number }).first ?? 0, MAX_PAGE_SIZE)),
  })
  async generations(
    @Arg('state', () => GenerationStateEnum, { nullable: true, description: 'Only those of this state.' })
    state: GenerationStateEnum | null,
    @Arg('first', () => Int, { defaultValue: DEFAULT_PAGE_SIZE, description: 'This many, at most 200.' }) first: number,
    @Arg('after', () => String, { nullable: true, description: 'Only what comes after this cursor.' })
    after: string | null,
  ): Promise<GenerationConnection> {
    const limit = pageSize(first, 'first');
    const before = after == null ? LAST_SEQ : decodeCursor(CURSOR, after, 'after');
    const found = await this.repository.list(state, before, limit + 1);
    const edges = found
      .slice(0, limit)
      .map((stored) => ({ cursor: encodeCursor(CURSOR, stored.seq), node: toGeneration(stored) }));
    return {
      edges,
      pageInfo: {
        hasNextPage: found.length > limit,
        hasPreviousPage: false,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
      ofState: state ?? null,
    };
  }

  @FieldResolver(() => Int, { description: 'Requests on all pages together.' })
  totalCount(@Root() { ofState }: GenerationConnection): Promise<number> {
    return this.repository.count(ofState);
  }
}

function toGeneration({ engine, priority, state, ...stored }: StoredGeneration): Generation {
  return {
    ...stored,
    engine: engine as EngineEnum,
    priority: priority as Generation['priority'],
    state: state as GenerationStateEnum,
  };
}

function sliceSize({ first }: SliceArguments): number {
  return Math.max(1, Math.min(first, MAX_SLICE));
}

function checkSlice({ first, skip }: SliceArguments): void {
  if (first < 0 || first > MAX_SLICE) {
    throw new UserError('BAD_USER_INPUT', `first must be from 0 to ${MAX_SLICE} (it is ${first}).`, { field: 'first' });
  }
  if (skip < 0) throw new UserError('BAD_USER_INPUT', `skip must be 0 or more (it is ${skip}).`, { field: 'skip' });
}
