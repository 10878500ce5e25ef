import type { Logger } from 'pino';
import { sha256Of, type AudioStore } from '../audio/audio-store';
import { readWavFacts } from '../audio/wav';
import type { Claim, GenerationItems } from './items';

export interface PreviewsOptions {
  readonly items: GenerationItems;
  readonly store: AudioStore;
  readonly log: Logger;
}

/**
 * Puts what is there of a clip where it can be heard, one preview after the other; of those that come meanwhile the latest
 * alone. What goes wrong with a preview is logged, and nothing else: the clip does not depend on it.
 */
export class Previews {
  private latest: Uint8Array | null = null;
  private storing: Promise<void> | null = null;
  private isClosed = false;

  constructor(
    private readonly claim: Claim,
    private readonly options: PreviewsOptions,
  ) {}

  /** @param wav the clip so far, from its beginning */
  offer(wav: Uint8Array): void {
    if (this.isClosed) return;
    this.latest = wav;
    this.storing ??= this.storeAll().finally(() => (this.storing = null));
  }

  /** Takes no more; when it returns nothing of it is under way. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.latest = null;
    await this.storing;
  }

  private async storeAll(): Promise<void> {
    for (let wav = this.latest; wav; wav = this.latest) {
      this.latest = null;
      try {
        await this.store(wav);
      } catch (err) {
        const { request, item } = this.claim;
        this.options.log.warn({ err, request, item }, 'a preview could not be stored');
      }
    }
  }

  private async store(wav: Uint8Array): Promise<void> {
    const { items, store } = this.options;
    const { mediaType, durationSeconds } = readWavFacts(wav);
    const sha256 = sha256Of(wav);
    await items.announceUpload(this.claim, sha256);
    await store.put(sha256, wav, mediaType);
    // The item may be another's by now, and what was announced cleared away before the bytes were there.
    if (!(await items.showPreview(this.claim, sha256, durationSeconds))) await items.announceUpload(this.claim, sha256);
  }
}
