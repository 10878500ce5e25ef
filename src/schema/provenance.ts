import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'Milliseconds that each stage took.', simpleResolvers: true })
export class StageMilliseconds {
  @Field(() => Float, { description: 'Writing the caption.' })
  caption!: number;

  @Field(() => Float, { description: 'Making the audio.' })
  audio!: number;
}

@ObjectType({
  description: 'How a generated sample was made: everything that is needed to make it again.',
  simpleResolvers: true,
})
export class Provenance {
  @Field(() => [String], { description: 'Names of the attributes that were asked for; the others were added.' })
  askedAttributes!: readonly string[];

  @Field(() => String, {
    nullable: true,
    description:
      'What added the others; "donor-attributes" took them from a sample that was there, and is a placeholder, not a model. Null where none were to be added.',
  })
  attributeCompleter!: string | null;

  @Field(() => String, { nullable: true, description: 'Its version.' })
  attributeCompleterVersion!: string | null;

  @Field(() => String, { description: 'What made the audio: SOUNDFONT.' })
  engine!: string;

  @Field(() => String, { description: 'Version of the engine; another one may sound different.' })
  engineVersion!: string;

  @Field(() => String, { description: 'What wrote the caption; "template-caption" is a placeholder, not a model.' })
  captionWriter!: string;

  @Field(() => String, { description: 'Its version.' })
  captionWriterVersion!: string;

  @Field(() => Int, { description: 'The seed.' })
  seed!: number;

  @Field(() => Float, { description: 'Length that was asked for, in seconds.' })
  durationSeconds!: number;

  @Field(() => StageMilliseconds, { description: 'How long it took.' })
  stageMilliseconds!: StageMilliseconds;
}
