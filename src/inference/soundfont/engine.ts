import { EngineError, type AudioEngine, type AudioOptions, type AudioRequest } from '../stages';
import type { Model } from '../stages';
import { RenderProcesses } from './render-processes';
import { bankModel } from './render';

/**
 * The engine that works everywhere: attributes become a short piece of music, rendered with a General MIDI SoundFont.
 * The version grows with every change to composer, tables or renderer that changes a sound.
 */
export class SoundFontEngine implements AudioEngine {
  readonly engine = 'SOUNDFONT';
  readonly name = 'soundfont';
  readonly version = '2';
  readonly isPlaceholder = false;
  readonly description = 'A composer and a General MIDI SoundFont: no weights, no GPU, seconds a clip.';
  readonly device = 'CPU';
  readonly maxDurationSeconds = 30;
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

  render({ attributes, seed, durationSeconds }: AudioRequest, options: AudioOptions): Promise<Uint8Array> {
    return this.processes.render({ attributes, seed, durationSeconds }, options);
  }

  close(): Promise<void> {
    return this.processes.close();
  }
}
