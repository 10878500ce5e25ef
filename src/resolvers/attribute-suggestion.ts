import { Arg, Int, Query, Resolver } from 'type-graphql';
import {
  SUGGESTION_DEFAULTS,
  SUGGESTION_LIMITS,
  type AttributeSuggestions,
  type Combination,
} from '../generation/attribute-suggestions';
import { AttributeCombination, NearestSample, SuggestAttributesInput } from '../schema/attribute-suggestion';
import { ATTRIBUTE_OBJECTS, toSample } from './objects';

@Resolver()
export class AttributeSuggestionResolver {
  constructor(
    private readonly suggestions: AttributeSuggestions,
    private readonly expiry: () => Date,
  ) {}

  @Query(() => [AttributeCombination], {
    description:
      'Completes a partial combination with what goes with it, by the attribute VAE. No suggestion contradicts itself.',
    complexity: ({ childComplexity, args }) =>
      20 + limit((args.input as SuggestAttributesInput).first, SUGGESTION_DEFAULTS.first) * childComplexity,
  })
  async suggestAttributes(
    @Arg('input', () => SuggestAttributesInput, { description: 'What is given, and how to complete it.' })
    input: SuggestAttributesInput,
  ): Promise<AttributeCombination[]> {
    return (await this.suggestions.suggest(input)).map(toCombination);
  }

  @Query(() => AttributeCombination, {
    description: 'How well attributes go together, and which of them do not.',
    complexity: ({ childComplexity }) => 20 + childComplexity,
  })
  async plausibility(
    @Arg('attributes', () => [String], {
      description: `Attributes by name, ${SUGGESTION_LIMITS.judged.join(' to ')}.`,
    })
    attributes: string[],
  ): Promise<AttributeCombination> {
    return toCombination(await this.suggestions.plausibility(attributes));
  }

  @Query(() => [AttributeCombination], {
    description:
      'The way from one combination to another through the latent space of the attribute VAE, both ends included.',
    complexity: ({ childComplexity, args }) =>
      20 + (limit(args.steps, SUGGESTION_DEFAULTS.steps) + 2) * childComplexity,
  })
  async interpolateAttributes(
    @Arg('from', () => [String], { description: 'Attributes to start from, by name.' }) from: string[],
    @Arg('to', () => [String], { description: 'Attributes to end with, by name.' }) to: string[],
    @Arg('steps', () => Int, {
      defaultValue: SUGGESTION_DEFAULTS.steps,
      description: `Combinations in between, ${SUGGESTION_LIMITS.steps.join(' to ')}; those that change nothing are left out.`,
    })
    steps: number,
  ): Promise<AttributeCombination[]> {
    return (await this.suggestions.interpolate(from, to, steps)).map(toCombination);
  }

  @Query(() => [NearestSample], {
    description:
      'Samples whose attributes are nearest in the latent space of the attribute VAE, nearest first, among the 1,000 that have most attributes in common.',
    complexity: ({ childComplexity, args }) => 20 + limit(args.first, SUGGESTION_DEFAULTS.nearest) * childComplexity,
  })
  async nearestSamples(
    @Arg('attributes', () => [String], { description: 'Attributes by name.' }) attributes: string[],
    @Arg('first', () => Int, {
      defaultValue: SUGGESTION_DEFAULTS.nearest,
      description: `Samples wanted, ${SUGGESTION_LIMITS.first.join(' to ')}.`,
    })
    first: number,
  ): Promise<NearestSample[]> {
    const expiresAt = this.expiry();
    const found = await this.suggestions.nearest(attributes, first);
    return found.map(({ sample, distance }) => ({ sample: toSample(sample, expiresAt), distance }));
  }
}

/** What a list costs at most; what is out of range is refused later. */
function limit(asked: unknown, fallback: number): number {
  return typeof asked === 'number' ? Math.max(1, asked) : fallback;
}

function toCombination({ attributes, score, implausiblePairs }: Combination): AttributeCombination {
  return {
    attributes: attributes.map((attribute) => ATTRIBUTE_OBJECTS[attribute]!),
    plausibility: score,
    implausiblePairs: implausiblePairs.map((pair) => ({
      ...pair,
      attributes: pair.attributes.map((attribute) => ATTRIBUTE_OBJECTS[attribute]!),
    })),
  };
}
