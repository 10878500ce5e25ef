import { Random } from '../../concepts/random';
import { mix } from '../../concepts/seeded-order';
import { DelayPattern } from './delay-pattern';
import type { DecoderConfig } from './model-config';

/**
 * The tokens of one clip while they are made, chunk by chunk. What is longer than the model's window is made window by
 * window, each going on from the end of the one before. Pure: what is sampled depends on the seed and on what was made
 * so far, never on chunks or on other clips.
 */
export interface ClipPlan {
  readonly frames: number;
  /** 32-bit integer. */
  readonly seed: number;
}

/** Windows, in frames. The published models were trained on 30 s of 50 frames a second. */
export interface WindowSizes {
  readonly window: number;
  /** What a window takes over from the one before. */
  readonly overlap: number;
}

const SAMPLED = -1n;

export class ClipTokens {
  /** Codes by codebook and frame. */
  private readonly codes: Int32Array[];
  private window = 0;
  /** Frames before the window. */
  private start = 0;
  private pattern: DelayPattern;
  /** Positions of the window that the decoder has read. */
  private read = 0;
  private current: BigInt64Array;
  private finished = false;

  constructor(
    private readonly config: DecoderConfig,
    readonly plan: ClipPlan,
    private readonly sizes: WindowSizes,
  ) {
    const { num_codebooks: codebooks } = config;
    this.codes = Array.from({ length: codebooks }, () => new Int32Array(plan.frames));
    this.pattern = new DelayPattern(config, Math.min(plan.frames, sizes.window));
    this.current = this.nothing();
  }

  /** Positions that are in the cache: 0 at the beginning of each window. */
  get position(): number {
    return this.read;
  }

  /** Steps until the window ends; more than that may be made, to no effect. */
  get stepsLeft(): number {
    return this.finished ? 0 : this.pattern.steps - this.read;
  }

  get isFinished(): boolean {
    return this.finished;
  }

  /** Frames whose codes are all there. */
  get framesDone(): number {
    if (this.finished) return this.plan.frames;
    const complete = this.read + this.pattern.frames - this.pattern.steps;
    return Math.max(this.kept, this.start + Math.max(0, complete));
  }

  /** [codebooks]: what stands at the position that is read next. */
  get tokens(): BigInt64Array {
    return this.current;
  }

  /** [steps, codebooks] tokens that are given after each of the next steps; negative where they are to be sampled. */
  given(steps: number): BigInt64Array {
    const { num_codebooks: codebooks, pad_token_id: none } = this.config;
    const given = new BigInt64Array(steps * codebooks);
    for (let step = 0; step < steps; step++) {
      for (let codebook = 0; codebook < codebooks; codebook++) {
        const frame = this.pattern.frameAt(this.read + step + 1, codebook);
        let token = SAMPLED;
        if (frame === null) token = BigInt(none);
        else if (this.start + frame < this.kept) token = BigInt(this.codes[codebook]![this.start + frame]!);
        given[step * codebooks + codebook] = token;
      }
    }
    return given;
  }

  /**
   * Noise of the Gumbel distribution for the next steps, [steps, codebooks, choices] written at `offset` and then every
   * `stride` numbers; a function of seed, window, position, codebook and rank alone.
   */
  writeNoise(noise: Float32Array, steps: number, choices: number, offset: number, stride: number): void {
    const { num_codebooks: codebooks } = this.config;
    for (let step = 0; step < steps; step++) {
      for (let codebook = 0; codebook < codebooks; codebook++) {
        const random = new Random(
          mix(mix(this.read + step + 1, this.window * codebooks + codebook), this.plan.seed | 0),
        );
        const at = offset + step * stride + codebook * choices;
        for (let rank = 0; rank < choices; rank++) {
          // Never 0 and never 1.
          noise[at + rank] = -Math.log(-Math.log(random.uniform() + 2 ** -33));
        }
      }
    }
  }

  /** Takes the tokens that the next steps have made, [steps, codebooks]. */
  take(made: BigInt64Array): void {
    const { num_codebooks: codebooks } = this.config;
    const steps = made.length / codebooks;
    for (let step = 0; step < steps; step++) {
      for (let codebook = 0; codebook < codebooks; codebook++) {
        const frame = this.pattern.frameAt(this.read + step + 1, codebook);
        if (frame !== null) this.codes[codebook]![this.start + frame] = Number(made[step * codebooks + codebook]);
      }
    }
    this.read += steps;
    this.current = made.slice(-codebooks);
    if (this.stepsLeft <= 0) this.nextWindow();
  }

  /** [codebooks][frames] codes of the first so many frames. */
  codesOf(frames: number): Int32Array[] {
    return this.codes.map((own) => own.slice(0, frames));
  }

  /** Frames that earlier windows have made. */
  private get kept(): number {
    return this.window === 0 ? 0 : this.start + this.sizes.overlap;
  }

  private nextWindow(): void {
    const done = this.start + this.pattern.frames;
    if (done >= this.plan.frames) {
      this.finished = true;
      return;
    }
    this.window++;
    this.start = done - this.sizes.overlap;
    this.pattern = new DelayPattern(this.config, Math.min(this.plan.frames - this.start, this.sizes.window));
    this.read = 0;
    this.current = this.nothing();
  }

  private nothing(): BigInt64Array {
    return new BigInt64Array(this.config.num_codebooks).fill(BigInt(this.config.pad_token_id));
  }
}
