import { Field, Float, GraphQLISODateTime, ID, Int, ObjectType } from 'type-graphql';
import type { SampleMatches } from '../dataset/sample-catalog';
import { Attribute } from './attribute';
import { Concept } from './concept';

import { Node } from './node';
import { PageInfo } from './page-info';

@ObjectType({
  description: 'The sound of a sample. Bytes are never altered after they are stored.',
  simpleResolvers: true,
})
export class Audio {
  @Field(() => GraphQLISODateTime, { description: 'Until when `url` works.' })
  expiresAt!: Date;

  @Field(() => Int, { description: 'Size in bytes.' })
  bytes!: number;

  @Field(() => ID, { description: 'SHA-256 of the bytes, lower-case hexadecimal.' })
  sha256!: string;

  @Field(() => Float, { description: 'Length in seconds, read from the bytes.' })
  durationSeconds!: number;

  @Field(() => Int, { description: 'Sample rate in Hz, read from the bytes.' })
  sampleRate!: number;

  @Field(() => Int, { description: 'Number of channels, read from the bytes.' })
  channels!: number;

  @Field(() => String, { description: 'As in the Content-Type header.' })
  mediaType!: string;

  @Field(() => String, { description: 'Encoding of the audio samples in ffmpeg\'s names, for example "pcm_f32le".' })
  encoding!: string;
}

@ObjectType({ description: 'A row of a source in which a sample stands.', simpleResolvers: true })
export class SourceRow {
  @Field(() => ID, { description: 'Name of the source.' })
  source!: string;

  @Field(() => String, { description: 'Configuration, for example "default" or "audio".' })
  config!: string;

  @Field(() => String, { description: 'Split.' })
  split!: string;

  @Field(() => String, { description: 'File within the source.' })
  file!: string;

  @Field(() => Int, { description: 'Row within the file, from 0.' })
  row!: number;
}

@ObjectType({ implements: Node, description: 'A triplet: attributes, caption, audio.', simpleResolvers: true })
export class Sample extends Node {
  @Field(() => ID, { description: 'The id that the source gave it. Not unique: see `id`.' })
  sourceId!: string;

  @Field(() => String, { description: 'The caption, from which the audio was made.' })
  caption!: string;

  @Field(() => [Attribute], {
    description: 'Its attributes in taxonomy order.',
    complexity: ({ childComplexity }) => 8 * childComplexity,
  })
  attributes!: readonly Attribute[];

  @Field(() => [Concept], {
    description: 'Concepts it carries: by attribute.',
    complexity: ({ childComplexity }) => 8 * childComplexity,
  })
  carries!: readonly Concept[];

  @Field(() => [Concept], {
    description: 'Concepts it mentions: by caption. A denial ("without drums") is no mention.',
    complexity: ({ childComplexity }) => 8 * childComplexity,
  })
  mentions!: readonly Concept[];

  @Field(() => Audio, { nullable: true, description: 'Its sound; null while there is none.' })
  audio!: Audio | null;

  @Field(() => String, {
    nullable: true,
    description: 'Split of the row in which it was first met; null if generated.',
  })
  split!: string | null;

  @Field(() => Int, { description: 'Data version at which it was added.' })
  addedVersion!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Data version from which on it is no longer part of the data; null while it is. It can still be found by id.',
  })
  retiredVersion!: number | null;

  /** Not fields: for the resolvers. */
  seq!: number;
  sourceNumber!: number;
}

@ObjectType({ description: 'A sample and its place in the connection.', simpleResolvers: true })
export class SampleEdge {
  @Field(() => String, { description: 'Pass it as `after` or `before`. Stays valid as data grows.' })
  cursor!: string;

  @Field(() => Sample, { description: 'The sample.' })
  node!: Sample;
}

@ObjectType({ description: 'A page of the samples that match a filter, oldest first (Relay).', simpleResolvers: true })
export class SampleConnection {
  @Field(() => [SampleEdge], { description: 'The page.' })
  edges!: readonly SampleEdge[];

  @Field(() => PageInfo, { description: 'Where the page begins and ends.' })
  pageInfo!: PageInfo;

  @Field(() => Int, { description: 'Data version that was asked.' })
  dataVersion!: number;

  /** Not a field: what total count and facets are counted from. */
  matches!: SampleMatches;
}

@ObjectType({ description: 'The same piece with something changed.', simpleResolvers: true })
export class Counterfactual {
  @Field(() => Sample, { description: 'The other half of the pair.' })
  sample!: Sample;

  @Field(() => [Attribute], { description: 'What this sample has and the other has not.' })
  removed!: readonly Attribute[];

  @Field(() => [Attribute], { description: 'What the other has and this sample has not.' })
  added!: readonly Attribute[];
}

@ObjectType({ description: 'A part of a piece alone.', simpleResolvers: true })
export class Stem {
  @Field(() => String, { description: 'The concept that it plays, for example "piano" or "drums".' })
  part!: string;

  @Field(() => String, {
    description:
      'A WAV file, rendered when it is fetched: the same bytes each time, and whatever other parts there are.',
  })
  url!: string;
}

@ObjectType({
  description: 'What a generated sample was played from. Parts before the limiter add up to the mix.',
  simpleResolvers: true,
})
export class Score {
  @Field(() => String, { description: 'URL of a Standard MIDI File.' })
  midiUrl!: string;

  @Field(() => [Stem], { description: 'Its parts.' })
  stems!: readonly Stem[];

  @Field(() => GraphQLISODateTime, { description: 'Until when the URLs work.' })
  expiresAt!: Date;
}
