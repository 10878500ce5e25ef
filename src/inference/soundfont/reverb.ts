/**
 * A room: Schroeder's reverberator with Moorer's damped combs in the tuning known as Freeverb, for 32 kHz. Linear and the
 * same from the first sample to the last, so that what it makes of a sum is the sum of what it makes of the parts.
 */
const COMB_FRAMES = [810, 862, 927, 984, 1032, 1082, 1130, 1173];
const ALLPASS_FRAMES = [403, 320, 247, 163];
/** The right side is longer by this: two rooms that differ are heard as one wide room. */
const SPREAD_FRAMES = 17;
/** About two seconds until a sound has faded by 60 dB. */
const FEEDBACK = 0.86;
const DAMPING = 0.3;
const ALLPASS_GAIN = 0.5;
const GAIN = 0.05;

/** Adds the reverberation of `input` to both sides. */
export function addReverb(input: Float32Array, left: Float32Array, right: Float32Array): void {
  addSide(input, left, 0);
  addSide(input, right, SPREAD_FRAMES);
}

function addSide(input: Float32Array, output: Float32Array, spread: number): void {
  const wet = new Float32Array(input.length);
  for (const frames of COMB_FRAMES) addComb(input, wet, frames + spread);
  for (const frames of ALLPASS_FRAMES) allpass(wet, frames + spread);
  for (let i = 0; i < wet.length; i++) output[i]! += wet[i]!;
}

function addComb(input: Float32Array, output: Float32Array, frames: number): void {
  const delay = new Float32Array(frames);
  let damped = 0;
  for (let i = 0, at = 0; i < input.length; i++) {
    const delayed = delay[at]!;
    output[i]! += delayed;
    damped = delayed * (1 - DAMPING) + damped * DAMPING;
    delay[at] = input[i]! * GAIN + damped * FEEDBACK;
    if (++at === frames) at = 0;
  }
}

function allpass(signal: Float32Array, frames: number): void {
  const delay = new Float32Array(frames);
  for (let i = 0, at = 0; i < signal.length; i++) {
    const delayed = delay[at]!;
    const given = signal[i]!;
    delay[at] = given + delayed * ALLPASS_GAIN;
    signal[i] = delayed - given;
    if (++at === frames) at = 0;
  }
}
