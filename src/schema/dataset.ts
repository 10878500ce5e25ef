import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';

export enum OriginEnum {
  STARTER = 'STARTER',
  IMPORTED = 'IMPORTED',
  GENERATED = 'GENERATED',
}
registerEnumType(OriginEnum, {
  name: 'Origin',
  description: 'How samples came into the data.',
  valuesConfig: {
    STARTER: {
      description:
        'The small set shipped with this project so that a new database is not empty; the first import retires it.',
    },
    IMPORTED: { description: 'Imported from a published data set.' },
    GENERATED: { description: 'Generated on demand by this server.' },
  },
});

@ObjectType({ description: 'Where samples come from, and under which terms.', simpleResolvers: true })
export class Source {
  @Field(() => ID, { description: 'Its name, unique in this database.' })
  name!: string;

  @Field(() => OriginEnum, { description: 'How its samples came into the data.' })
  origin!: OriginEnum;

  @Field(() => String, {
    nullable: true,
    description: 'License of the data, as an SPDX identifier where there is one.',
  })
  license!: string | null;

  @Field(() => String, { nullable: true, description: 'What to cite.' })
  citation!: string | null;

  @Field(() => String, { nullable: true, description: 'Where it was published.' })
  url!: string | null;

  @Field(() => String, { nullable: true, description: 'Revision imported last, where the source has revisions.' })
  revision!: string | null;

  @Field(() => Int, { description: 'Samples from this source that are part of the data now.' })
  sampleCount!: number;

  @Field(() => Int, { description: 'Distinct source ids among them: the id of a data set is not unique to a row.' })
  distinctSourceIdCount!: number;
}

@ObjectType({ description: 'A split and its size.', simpleResolvers: true })
export class Split {
  @Field(() => String, { description: 'As published: "train", "validation", "test".' })
  name!: string;

  @Field(() => Int, { description: 'Samples in it now.' })
  sampleCount!: number;
}

@ObjectType({ description: 'Facts about all the data on this server.', simpleResolvers: true })
export class Dataset {
  @Field(() => Int, { description: 'Data version: a number that grows with every change to the data.' })
  version!: number;

  @Field(() => Int, { description: 'Samples that are part of the data now.' })
  sampleCount!: number;

  @Field(() => Int, { description: 'Distinct source ids among them, counted within each source.' })
  distinctSourceIdCount!: number;

  @Field(() => Int, { description: 'Samples with audio.' })
  audioCount!: number;

  @Field(() => [Source], {
    description: 'Where the samples come from, in the order in which they were first imported.',
  })
  sources!: readonly Source[];

  @Field(() => [Split], { description: 'Splits by name.' })
  splits!: readonly Split[];
}
