import { codebooksPerChannel, type DecoderConfig } from './model-config';

/**
 * Where the tokens of a frame stand: codebook k one step after codebook k - 1 ("delay pattern", arXiv 2306.05284), the two
 * channels of stereo side by side. Position 0 and whatever is before a codebook's first or after its last frame holds the
 * token that stands for none.
 */
export class DelayPattern {
  private readonly perChannel: number;
  private readonly channels: number;

  constructor(
    config: DecoderConfig,
    /** Frames of the window. */
    readonly frames: number,
  ) {
    this.perChannel = codebooksPerChannel(config);
    this.channels = config.audio_channels;
  }

  /** Steps that make all frames: each makes the tokens of one position, from position 1 on. */
  get steps(): number {
    return this.frames + this.perChannel - 1;
  }

  /** The frame whose token of that codebook stands at a position; null: none. */
  frameAt(position: number, codebook: number): number | null {
    const frame = position - 1 - this.delayOf(codebook);
    return frame >= 0 && frame < this.frames ? frame : null;
  }

  positionOf(frame: number, codebook: number): number {
    return frame + 1 + this.delayOf(codebook);
  }

  private delayOf(codebook: number): number {
    return Math.floor(codebook / this.channels);
  }
}
