/** Two sides of the same length, samples of -1 to 1 where nothing is too loud. */
export interface Stereo {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

export function silence(frames: number): Stereo {
  return { left: new Float32Array(frames), right: new Float32Array(frames) };
}

/** Adds the first frames of a sound to another from `at` on, as many as have room. */
export function addStereo(sound: Stereo, frames: number, target: Stereo, at: number): void {
  const { left, right } = target;
  const end = Math.min(frames, left.length - at);
  for (let i = 0; i < end; i++) {
    left[at + i]! += sound.left[i]!;
    right[at + i]! += sound.right[i]!;
  }
}
