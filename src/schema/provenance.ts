import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum StageEnum {
  ATTRIBUTES = 'ATTRIBUTES',
  CAPTION = 'CAPTION',
  AUDIO = 'AUDIO',
  STORE = 'STORE',
}
registerEnumType(StageEnum, {
  name: 'GenerationStage',
  description: 'A step of making a sample.',
  valuesConfig: {
    ATTRIBUTES: { description: 'A partial combination of attributes is completed.' },
    CAPTION: { description: 'The attributes are said in a caption.' },
    AUDIO: { description: 'An engine makes the audio.' },
    STORE: { description: 'The audio is stored and the sample added to the data.' },
  },
});

@ObjectType({ description: 'A file that decided what a stage gave.', simpleResolvers: true })
export class Model {
  @Field(() => String, { description: 'Name of the file.' })
  name!: string;

  @Field(() => ID, { description: 'SHA-256 of the file, lower-case hexadecimal.' })
  sha256!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Its licence, as an SPDX identifier where there is one; null where that was not recorded.',
  })
  license!: string | null;
}

@ObjectType({ description: 'A parameter of a stage.', simpleResolvers: true })
export class StageParameter {
  @Field(() => String, { description: 'Its name.' })
  name!: string;

  @Field(() => String, { description: 'Its value as text.' })
  value!: string;
}

@ObjectType({ description: 'What a stage did.', simpleResolvers: true })
export class StageRecord {
  @Field(() => StageEnum, { description: 'Which.' })
  stage!: StageEnum;

  @Field(() => String, {
    description:
      'What did it: "attribute-vae", "captioner" or "given" (a caption of the user\'s own), "soundfont", "musicgen".',
  })
  name!: string;

  @Field(() => String, { description: 'Its version; another one may give something else.' })
  version!: string;

  @Field(() => Boolean, { description: 'Whether it stands in for a learned model that is not there yet.' })
  isPlaceholder!: boolean;

  @Field(() => [Model], { description: 'Files that decided what it gave.' })
  models!: readonly Model[];

  @Field(() => [StageParameter], { description: 'What else decided it.' })
  parameters!: readonly StageParameter[];

  @Field(() => String, {
    nullable: true,
    description: 'Attributes joined by ", ", the caption, or the SHA-256 of the audio; null where it was not kept.',
  })
  output!: string | null;

  @Field(() => Float, { nullable: true, description: 'How long it took; null where it was not kept.' })
  milliseconds!: number | null;
}

@ObjectType({
  description: 'How a generated sample was made: everything that is needed to make it again.',
  simpleResolvers: true,
})
export class Provenance {
  @Field(() => ID, { description: 'Stands for what was asked and what made it: the same recipe, the same sample.' })
  recipe!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The generation request that it was first made for; null for samples older than requests.',
  })
  request!: string | null;

  @Field(() => [String], { description: 'Names of the attributes that were asked for; the others were added.' })
  askedAttributes!: readonly string[];

  @Field(() => String, {
    nullable: true,
    description: "The caption that was asked for, the user's own; null where one was written from the attributes.",
  })
  askedCaption!: string | null;

  @Field(() => String, { description: 'What made the audio: SOUNDFONT or MUSICGEN.' })
  engine!: string;

  @Field(() => String, { description: 'Version of the engine; another one may sound different.' })
  engineVersion!: string;

  @Field(() => Int, { description: 'The seed.' })
  seed!: number;

  @Field(() => Float, { description: 'Length that was asked for, in seconds.' })
  durationSeconds!: number;

  @Field(() => String, {
    nullable: true,
    description:
      'Licences of the models that made the audio, as an SPDX expression, for example "CC-BY-NC-4.0"; null where they were not recorded.',
  })
  license!: string | null;

  @Field(() => [StageRecord], { description: 'The stages that were run, in their order.' })
  stages!: readonly StageRecord[];
}
