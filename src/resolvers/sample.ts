import { Arg, Args, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { AudioStore } from '../audio/audio-store';
import { isSampleId } from '../dataset/sample-identity';
import { licenseOf } from '../dataset/sample-license';
import type { SampleCatalog } from '../dataset/sample-catalog';
import type { SampleRepository } from '../dataset/sample-repository';
import { scoreFileName, type Scores, type ScoreUrls } from '../generation/scores';
import { UserError } from '../platform/errors';
import { AttributeCount, CategoryEnum } from '../schema/attribute';
import { OriginEnum } from '../schema/dataset';
import { Provenance } from '../schema/provenance';
import { Audio, Counterfactual, Sample, SampleConnection, Score, SourceRow } from '../schema/sample';
import { PageArguments, SampleFilter } from '../schema/sample-filter';
import type { Category } from '../concepts/taxonomy';
import type { RequestContext } from './context';
import { ATTRIBUTE_OBJECTS, toProvenance, toSample } from './objects';
import { DEFAULT_PAGE_SIZE, encodeCursor, MAX_PAGE_SIZE, pageWindow, SAMPLE_CURSOR } from './pagination';

@Resolver(() => Sample)
export class SampleResolver {
  constructor(
    private readonly samples: SampleRepository,
    private readonly expiry: () => Date,
  ) {}

  @Query(() => Sample, { nullable: true, description: 'One sample by its id; null where there is none.' })
  async sample(
    @Arg('id', () => ID, { description: 'As in `Sample.id`, for example "s_7k2m..."' }) id: string,
  ): Promise<Sample | null> {
    const [stored] = isSampleId(id) ? await this.samples.listByIds([id]) : [];
    return stored ? toSample(stored, this.expiry()) : null;
  }

  @FieldResolver(() => OriginEnum, { description: 'How it came into the data.' })
  async origin(@Root() { sourceNumber }: Sample, @Ctx() context: RequestContext): Promise<OriginEnum> {
    return (await context.sources.load(sourceNumber)).origin as OriginEnum;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Licence under which it may be used, as an SPDX expression where there is one: that of its source or, where it was generated, that of the models that made the audio. Null where it is not known.',
  })
  async license(@Root() { seq, sourceNumber }: Sample, @Ctx() context: RequestContext): Promise<string | null> {
    const source = await context.sources.load(sourceNumber);
    return licenseOf(source, source.origin === 'GENERATED' ? await context.provenance.load(seq) : null);
  }

  @FieldResolver(() => [SourceRow], {
    description: 'Rows in which it stands: the same triplet can be in several configurations.',
  })
  sourceRows(@Root() { seq }: Sample, @Ctx() context: RequestContext): Promise<SourceRow[]> {
    return context.sourceRows.load(seq);
  }

  @FieldResolver(() => Provenance, {
    nullable: true,
    description: 'How it was made; null for samples that were not generated.',
  })
  async provenance(@Root() { seq }: Sample, @Ctx() context: RequestContext): Promise<Provenance | null> {
    const found = await context.provenance.load(seq);
    return found && toProvenance(found);
  }
}

@Resolver(() => Sample)
export class CounterfactualResolver {
  constructor(private readonly expiry: () => Date) {}

  @FieldResolver(() => [Counterfactual], {
    description:
      'The same piece with something changed: what was generated from it, and what it was generated from. `requestGeneration(input: { counterfactuals })` makes more.',
    complexity: ({ childComplexity }) => 2 * childComplexity,
  })
  async counterfactuals(
    @Root() { seq, attributes }: Sample,
    @Ctx() context: RequestContext,
  ): Promise<Counterfactual[]> {
    const others = await context.samples.loadMany(await context.counterfactuals.load(seq));
    const expiresAt = this.expiry();
    return others.map((other) => {
      if (other instanceof Error) throw other;
      const sample = toSample(other, expiresAt);
      return {
        sample,
        removed: attributes.filter((attribute) => !sample.attributes.includes(attribute)),
        added: sample.attributes.filter((attribute) => !attributes.includes(attribute)),
      };
    });
  }
}

@Resolver(() => Sample)
export class ScoreResolver {
  constructor(
    private readonly scores: Scores,
    private readonly urls: ScoreUrls,
    private readonly expiry: () => Date,
  ) {}

  @FieldResolver(() => Score, {
    nullable: true,
    description: 'Its parts and its notes; null for samples without a score, or of an earlier version of their engine.',
    // Composing it again takes milliseconds.
    complexity: ({ childComplexity }) => 100 + childComplexity,
  })
  async score(@Root() sample: Sample, @Ctx() context: RequestContext): Promise<Score | null> {
    const { id, attributes, caption, seq } = sample;
    const piece = { attributes: attributes.map(({ index }) => index), caption };
    const score = this.scores.from(piece, await context.provenance.load(seq));
    if (!score) return null;
    const expiresAt = this.expiry();
    return {
      midiUrl: this.urls.sign(scoreFileName(id, null), expiresAt),
      stems: score.parts.map((part, i) => ({ part, url: this.urls.sign(scoreFileName(id, i), expiresAt) })),
      expiresAt,
    };
  }
}

@Resolver(() => Audio)
export class AudioResolver {
  constructor(private readonly store: AudioStore) {}

  @FieldResolver(() => String, {
    description: 'Streams the bytes, with HTTP range requests, to anyone who has it, until `expiresAt`.',
  })
  url(@Root() audio: Audio): Promise<string> {
    return this.store.signedUrl(audio.sha256, audio.mediaType, audio.expiresAt);
  }
}

@Resolver(() => SampleConnection)
export class SampleConnectionResolver {
  constructor(
    private readonly catalog: SampleCatalog,
    private readonly expiry: () => Date,
  ) {}

  @Query(() => SampleConnection, {
    description: 'Samples that match a filter, oldest first; new samples come at the end.',
    complexity: ({ args, childComplexity }) => MATCH_COMPLEXITY + childComplexity * requestedRows(args),
  })
  async samples(
    @Arg('filter', () => SampleFilter, { nullable: true, description: 'Which samples; all of them when left out.' })
    filter: SampleFilter | null,
    @Args(() => PageArguments) pageArguments: PageArguments,
  ): Promise<SampleConnection> {
    const window = pageWindow(pageArguments);
    const matches = await this.catalog.match(filter);
    const { samples, hasMore } = await this.catalog.page(matches, window);
    if (window.direction === 'backward') samples.reverse();
    const expiresAt = this.expiry();
    const edges = samples.map((stored) => ({
      cursor: encodeCursor(SAMPLE_CURSOR, stored.seq),
      node: toSample(stored, expiresAt),
    }));
    return {
      edges,
      pageInfo: {
        hasNextPage: window.direction === 'forward' && hasMore,
        hasPreviousPage: window.direction === 'backward' && hasMore,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
      dataVersion: matches.version,
      matches,
    };
  }

  @FieldResolver(() => Int, { description: 'Samples that match, on all pages together.' })
  totalCount(@Root() { matches }: SampleConnection): number {
    return matches.rows.count();
  }

  @FieldResolver(() => [AttributeCount], {
    description:
      'How many of the matching samples carry each attribute, most frequent first; those that none carries are left out.',
    complexity: ({ args, childComplexity }) =>
      Math.max(
        FACETS_COMPLEXITY,
        (childComplexity * requestedFacets((args as { first?: number | null }).first)) / DEFAULT_PAGE_SIZE,
      ),
  })
  facets(
    @Root() { matches }: SampleConnection,
    @Arg('category', () => CategoryEnum, { nullable: true, description: 'Only attributes of this category.' })
    category: Category | null,
    @Arg('first', () => Int, { nullable: true, description: 'Only this many.' }) first: number | null,
  ): AttributeCount[] {
    if (first != null && first < 0) {
      throw new UserError('BAD_USER_INPUT', `first must be 0 or more (it is ${first}).`, { field: 'first' });
    }
    return this.catalog
      .facets(matches, category)
      .slice(0, requestedFacets(first))
      .map(({ attribute, count }) => ({ attribute: ATTRIBUTE_OBJECTS[attribute]!, count }));
  }
}

/** What answering a filter costs, whatever is asked of the matching samples. */
const MATCH_COMPLEXITY = 50;
/** What counting costs, however few counts are asked for. */
const FACETS_COMPLEXITY = 20;

/**
 * What a connection's fields are multiplied by: its rows. Facets, which are there once, are multiplied too, so they
 * count for a page less; and a page of no rows counts for a whole one.
 */
function requestedRows({ first, last }: PageArguments): number {
  return Math.max(DEFAULT_PAGE_SIZE, Math.min(first ?? last ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE));
}

function requestedFacets(first: number | null | undefined): number {
  return Math.max(0, Math.min(first ?? ATTRIBUTE_OBJECTS.length, ATTRIBUTE_OBJECTS.length));
}
