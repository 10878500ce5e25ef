import { writeWav } from '../../src/audio/write-wav';
import type {
  AttributeCompleter,
  AudioEngine,
  AudioOptions,
  AudioRequest,
  CaptionWriter,
} from '../../src/inference/stages';
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

/** An engine that makes what `render` does, labelled as a stand-in. */
export function standInEngine(
  render: (request: AudioRequest, options: AudioOptions) => Promise<Uint8Array>,
  facts: Partial<AudioEngine> = {},
): AudioEngine {
  return {
    engine: 'SOUNDFONT',
    name: 'stand-in',
    version: '1',
    isPlaceholder: true,
    description: 'A stand-in.',
    device: 'CPU',
    concurrency: null,
    maxDurationSeconds: 30,
    unsupported: [],
    weak: [],
    score: null,
    models: () => Promise.resolve([]),
    render: async (request, options) => ({ wav: await render(request, options), parameters: { gain: 0.5 } }),
    close: () => Promise.resolve(),
    ...facts,
  };
}

/** A tone whose loudness tells the seed. */
export const tone = ({ durationSeconds, seed }: AudioRequest, _options: AudioOptions): Promise<Uint8Array> =>
  Promise.resolve(writeWav([new Float32Array(8_000 * durationSeconds).fill((1 + (seed % 100)) / 200)], 8_000));
