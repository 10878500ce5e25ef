import { Field, ObjectType } from 'type-graphql';
import { Node } from './node';

@ObjectType({
  implements: Node,
  description:
    'What a researcher means by a word: a curated group of attributes with the phrases by which captions mention it. ' +
    'A sample carries a concept by attribute and mentions it by caption.',
  simpleResolvers: true,
})
export class Concept extends Node {
  @Field(() => String, { description: 'The plain name, for example "male vocals".' })
  name!: string;

  @Field(() => String, { description: 'What is meant, and where the borders are.' })
  description!: string;

  @Field(() => [String], {
    description:
      'Phrases by which a caption mentions it. (s): optional ending; {a|b}: either; [a]: optional word; ~2: up to two words between; <a>: has to be there, but is no part of the mention.',
  })
  lexicon!: string[];

  /** Not a field: position in the curated list, for the resolvers. */
  index!: number;
}
