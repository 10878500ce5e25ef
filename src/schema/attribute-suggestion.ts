import { Field, Float, InputType, Int, ObjectType } from 'type-graphql';
import { SUGGESTION_DEFAULTS, SUGGESTION_LIMITS, type SuggestionSpec } from '../generation/attribute-suggestions';
import { Attribute } from './attribute';
import { Sample } from './sample';

@InputType({ description: 'A partial combination of attributes, and how it is to be completed.' })
export class SuggestAttributesInput implements SuggestionSpec {
  @Field(() => [String], {
    description: `Attributes that every suggestion has, by name, ${SUGGESTION_LIMITS.given.join(' to ')}.`,
  })
  attributes!: string[];

  @Field(() => [String], { nullable: true, description: 'Attributes that no suggestion has, by name.' })
  without?: string[] | null;

  @Field(() => Int, {
    nullable: true,
    description: `Suggestions wanted, ${SUGGESTION_LIMITS.first.join(' to ')}, ${SUGGESTION_DEFAULTS.first} when left out: of the seeds from \`seed\` on.`,
  })
  first?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: `Seed of the first suggestion, ${SUGGESTION_DEFAULTS.seed} when left out. The same seed gives the same suggestion.`,
  })
  seed?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: `How daring, ${SUGGESTION_LIMITS.temperature.join(' to ')}, ${SUGGESTION_DEFAULTS.temperature} when left out: below 1 the usual comes more often, above 1 the unusual.`,
  })
  temperature?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: `Instead of a draw, everything that is at least as probable as this, ${SUGGESTION_LIMITS.threshold.join(' to ')}.`,
  })
  threshold?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: `Attributes of each suggestion in all, ${SUGGESTION_LIMITS.count.join(' to ')}. Left out: as many as come by their probabilities, at least 3.`,
  })
  count?: number | null;
}

@ObjectType({
  description: 'Two attributes of a combination that seldom go together.',
  simpleResolvers: true,
})
export class ImplausiblePair {
  @Field(() => [Attribute], { description: 'The two.' })
  attributes!: readonly Attribute[];

  @Field(() => Boolean, { description: 'Whether they cannot be true of the same music.' })
  isContradictory!: boolean;

  @Field(() => Float, { description: 'How many times as often as by chance they go together, by the model.' })
  lift!: number;
}

@ObjectType({
  description: 'A combination of attributes, and how well they go together by the attribute VAE.',
  simpleResolvers: true,
})
export class AttributeCombination {
  @Field(() => [Attribute], { description: 'In the order of the taxonomy.' })
  attributes!: readonly Attribute[];

  @Field(() => Float, {
    description:
      'From 0 to 1: the share of combinations of as many attributes, taken from published rows that the model was not trained on, that go together no better. Half of the real ones are above 0.5.',
  })
  plausibility!: number;

  @Field(() => [ImplausiblePair], { description: 'What speaks most against it, worst first; at most 3 pairs.' })
  implausiblePairs!: readonly ImplausiblePair[];
}

@ObjectType({ description: 'A sample and how far it is.', simpleResolvers: true })
export class NearestSample {
  @Field(() => Sample, { description: 'The sample.' })
  sample!: Sample;

  @Field(() => Float, {
    description: 'Euclidean distance in the latent space of the attribute VAE; 0 for the same attributes.',
  })
  distance!: number;
}
