import { Field, ObjectType } from 'type-graphql';

@ObjectType({ description: 'Where a page of a connection begins and ends (Relay).', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, {
    description: 'Whether more follow. Known when paging forwards; false when paging backwards.',
  })
  hasNextPage!: boolean;

  @Field(() => Boolean, {
    description: 'Whether more come before. Known when paging backwards; false when paging forwards.',
  })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge; null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last edge; pass it as `after` to go on.' })
  endCursor!: string | null;
}
