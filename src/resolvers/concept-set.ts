import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { findAttribute } from '../concepts/taxonomy';
import { describeTarget } from '../dataset/concept-set';
import { EXPORT_FORMATS } from '../dataset/concept-set-export';
import type { ConceptSetUrls } from '../dataset/concept-set-url';
import type { ConceptSets, ConceptSet as SelectedSet } from '../dataset/concept-sets';
import { UserError } from '../platform/errors';
import {
  AttributeBalance,
  Balance,
  ConceptSet,
  ConceptSetExport,
  ConceptSetInput,
  WorstArguments,
} from '../schema/concept-set';
import type { Sample } from '../schema/sample';
import type { Access } from './access';
import type { RequestContext } from './context';
import { ATTRIBUTE_OBJECTS, toSample } from './objects';

@Resolver(() => ConceptSet)
export class ConceptSetResolver {
  constructor(
    private readonly sets: ConceptSets,
    private readonly urls: ConceptSetUrls,
    private readonly expiry: () => Date,
    private readonly access: Access,
  ) {}

  @Query(() => ConceptSet, {
    description: 'Positive and negative examples of a concept. Too few rows are no error: see `deficit`.',
    complexity: ({ args, childComplexity }) => selectionComplexity(args) + childComplexity * rowComplexity(args),
  })
  async conceptSet(
    @Arg('input', () => ConceptSetInput, { description: 'Which set.' }) input: ConceptSetInput,
  ): Promise<ConceptSet> {
    return this.present(await this.sets.select(input));
  }

  @Query(() => ConceptSet, {
    nullable: true,
    description: 'A frozen set by its id, for ever the same; null where there is none.',
    complexity: ({ childComplexity }) => 50 + childComplexity * 25,
  })
  async frozenConceptSet(
    @Arg('id', () => ID, { description: 'As in `ConceptSet.id`, for example "cs_7k2m..."' }) id: string,
  ): Promise<ConceptSet | null> {
    const set = await this.sets.frozen(id);
    return set && this.present(set);
  }

  @Mutation(() => ConceptSet, {
    description: 'Selects a set and keeps it for ever under its id. Freezing the same set again gives the same.',
    complexity: ({ args, childComplexity }) => selectionComplexity(args) + childComplexity * rowComplexity(args),
  })
  async freezeConceptSet(
    @Arg('input', () => ConceptSetInput, { description: 'Which set.' }) input: ConceptSetInput,
    @Ctx() context: RequestContext,
  ): Promise<ConceptSet> {
    await this.access.charged(context);
    return this.present(await this.sets.freeze(input));
  }

  @FieldResolver(() => [ConceptSetExport], { description: 'Downloads of the set, one in each format.' })
  exports(@Root() { set }: ConceptSet): ConceptSetExport[] {
    const expiresAt = this.expiry();
    return EXPORT_FORMATS.map((format) => ({ format, url: this.urls.sign(set, format, expiresAt), expiresAt }));
  }

  private present(set: SelectedSet): ConceptSet {
    const { content, samples } = set;
    const { input, diagnostics, folds } = content;
    const expiresAt = this.expiry();
    const objects = new Map<string, Sample>();
    const toObject = (id: string): Sample => {
      let object = objects.get(id);
      if (!object) objects.set(id, (object = toSample(samples.get(id)!, expiresAt)));
      return object;
    };
    const ofFold = (ids: readonly string[], assigned: readonly number[], fold: number) =>
      ids.filter((_id, i) => assigned[i] === fold).map(toObject);
    return {
      id: set.id,
      frozenAt: set.frozenAt,
      dataVersion: content.dataVersion,
      selectionVersion: content.selectionVersion,
      conceptListSha256: content.conceptListSha256,
      target: describeTarget(input.target),
      strategy: input.strategy,
      seed: input.seed,
      positives: content.positives.map(toObject),
      negatives: content.negatives.map(toObject),
      pairs: content.pairs.map(({ positive, negative, differing }) => ({
        positive: toObject(positive),
        negative: toObject(negative),
        distance: differing.length,
        differing: differing.map(attributeObject),
      })),
      randomSets: content.randomSets.map((ids) => ({ samples: ids.map(toObject) })),
      randomSetsAreDisjoint: content.randomSetsAreDisjoint,
      folds: folds
        ? Array.from({ length: input.folds }, (_fold, number) => ({
            number,
            positives: ofFold(content.positives, folds.positives, number),
            negatives: ofFold(content.negatives, folds.negatives, number),
          }))
        : [],
      considered: content.considered,
      available: content.available,
      deficit: {
        positives: input.positives - content.positives.length,
        negatives: input.negatives - content.negatives.length,
      },
      diagnostics: {
        exclusions: content.exclusions,
        contamination: diagnostics.contamination,
        balance: {
          ...diagnostics.balance,
          attributes: diagnostics.balance.attributes.map((line) => ({
            ...line,
            attribute: attributeObject(line.attribute),
          })),
        },
      },
      set,
    };
  }
}

@Resolver(() => Balance)
export class BalanceResolver {
  @FieldResolver(() => [AttributeBalance], {
    description:
      'The other attributes that either side carries, worst first; those that count in the means before the rest.',
  })
  worst(@Root() { attributes }: Balance, @Args(() => WorstArguments) { first }: WorstArguments): AttributeBalance[] {
    if (first < 0 || first > 200) {
      throw new UserError('BAD_USER_INPUT', `first must be from 0 to 200 (it is ${first}).`, { field: 'first' });
    }
    return attributes.slice(0, first);
  }
}

/** A name of a frozen set is always one of the taxonomy, which is fixed. */
function attributeObject(name: string) {
  return ATTRIBUTE_OBJECTS[findAttribute(name)!.index]!;
}

/** Choosing takes far longer than answering: about 15 ms for 50 + 50, half a second for the largest sets. */
function selectionComplexity(args: object): number {
  const { positives, negatives } = (args as { input: ConceptSetInput }).input;
  return 500 + 2 * Math.max(0, positives + (negatives ?? positives));
}

/**
 * What every field is multiplied by: a quarter of the largest side, as much of what is asked for (sizes, diagnostics)
 * is there once. Known before the input has been checked.
 */
function rowComplexity(args: object): number {
  const { input } = args as { input: ConceptSetInput };
  const negatives = input.negatives ?? input.positives;
  const random = input.randomSets * (input.randomSetSize ?? negatives);
  return Math.max(1, input.positives, negatives, random) / 4;
}
