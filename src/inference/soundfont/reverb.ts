import { addStereo, silence, type Stereo } from './stereo';

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
  const wet = silence(input.length);
  for (const frames of COMB_FRAMES) addCombs(input, wet, frames);
  for (const frames of ALLPASS_FRAMES) {
    allpass(wet.left, frames);
    allpass(wet.right, frames + SPREAD_FRAMES);
  }
  addStereo(wet, input.length, { left, right }, 0);
}

/** A comb of each side, in one pass: a processor works on the other while it waits for the one. */
function addCombs(input: Float32Array, { left, right }: Stereo, frames: number): void {
  const leftDelay = new Float32Array(frames);
  const rightDelay = new Float32Array(frames + SPREAD_FRAMES);
  let leftDamped = 0;
  let rightDamped = 0;
  for (let i = 0, atLeft = 0, atRight = 0; i < input.length; i++) {
    const given = input[i]! * GAIN;
    const leftDelayed = leftDelay[atLeft]!;
    const rightDelayed = rightDelay[atRight]!;
    left[i]! += leftDelayed;
    right[i]! += rightDelayed;
    leftDamped = leftDelayed * (1 - DAMPING) + leftDamped * DAMPING;
    rightDamped = rightDelayed * (1 - DAMPING) + rightDamped * DAMPING;
    leftDelay[atLeft] = given + leftDamped * FEEDBACK;
    rightDelay[atRight] = given + rightDamped * FEEDBACK;
    if (++atLeft === leftDelay.length) atLeft = 0;
    if (++atRight === rightDelay.length) atRight = 0;
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
