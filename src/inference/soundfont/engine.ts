import {
  EngineError,
  type AudioEngine,
  type AudioOptions,
  type AudioRequest,
  type Model,
  type RenderedAudio,
  type Scored,
} from '../stages';
import { UNSUPPORTED_ATTRIBUTES, WEAK_ATTRIBUTES } from './attribute-table';
import { briefOf } from './brief';
import { compose } from './compose';
import { midiFileOf } from './midi-file';
import { RenderProcesses } from './render-processes';
import { bankModel } from './render';

/**
 * The engine that works everywhere: attributes become a short piece of music, rendered with a General MIDI SoundFont.
 * The version grows with every change to composer, tables or renderer that changes a sound.
 */
export class SoundFontEngine implements AudioEngine {
  readonly engine = 'SOUNDFONT';
  readonly name = 'soundfont';
  readonly version = '4';
  readonly isPlaceholder = false;
  readonly description = 'A composer and a General MIDI SoundFont: no weights, no GPU, seconds a clip.';
  readonly device = 'CPU';
  readonly concurrency = null;
  readonly maxDurationSeconds = 30;
  readonly unsupported = UNSUPPORTED_ATTRIBUTES;
  readonly weak = WEAK_ATTRIBUTES;
  private readonly processes = new RenderProcesses();
  private bank: Promise<readonly Model[]> | null = null;

  models(): Promise<readonly Model[]> {
    this.bank ??= bankModel().then(
      (model) => [model],
      (error: unknown) => {
        this.bank = null;
        throw new EngineError('the SoundFont cannot be read', { cause: error });
      },
    );
    return this.bank;
  }

  async render(request: AudioRequest, options: AudioOptions): Promise<RenderedAudio> {
    const { attributes, seed, durationSeconds, texture } = request;
    return {
      wav: await this.processes.render({ attributes, seed, durationSeconds, texture, part: null }, options),
      parameters: { texture: texture ?? briefOf(attributes).texture },
    };
  }

  /** Composing takes milliseconds and is done here; a part is rendered as the mix is. */
  readonly score: Scored = {
    textureOf: (attributes) => briefOf(attributes).texture,
    partsOf: (request) => planOf(request).parts.map(({ concept }) => concept),
    midiOf: (request) => midiFileOf(planOf(request)),
    renderPart: ({ attributes, seed, durationSeconds, texture }, part, options) =>
      this.processes.render({ attributes, seed, durationSeconds, texture, part }, options),
  };

  close(): Promise<void> {
    return this.processes.close();
  }
}

function planOf({ attributes, seed, durationSeconds, texture }: AudioRequest) {
  return compose(attributes, seed, durationSeconds, texture);
}
