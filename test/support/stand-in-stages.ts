import type { AttributeCompleter, CaptionWriter } from '../../src/inference/stages';
import { ATTRIBUTES } from '../../src/concepts/taxonomy';

/** Stands in for the captioner where a test or a benchmark is about something else: as fast as there are words. */
export const LISTED_ATTRIBUTES: CaptionWriter = {
  name: 'listed-attributes',
  version: '1',
  isPlaceholder: true,
  models: () => Promise.resolve([]),
  write: ({ attributes }) =>
    Promise.resolve({
      caption: `A piece of music with ${attributes.map((attribute) => ATTRIBUTES[attribute]!.name).join(', ')}.`,
      by: LISTED_ATTRIBUTES,
      parameters: {},
    }),
};

/** Stands in where nothing is completed. */
export const NO_COMPLETER: AttributeCompleter = {
  name: 'no-completer',
  version: '1',
  isPlaceholder: true,
  models: () => Promise.resolve([]),
  complete: () => Promise.reject(new Error('nothing is completed here')),
};
