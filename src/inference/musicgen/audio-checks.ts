import { EngineRefusal } from '../stages';

/**
 * What a clip has to be before it becomes a sample. Nothing is done to its loudness: every clip is as the codec gives it,
 * in 32-bit floating point, as the clips of the published data set are.
 */

/** Root mean square below which a clip counts as silent: -60 dBFS. */
const SILENCE_RMS = 1e-3;
/** Share of samples beyond full scale that makes a clip a clipped one: what plays it cuts them off. */
const CLIPPED_SHARE = 0.01;

/**
 * @param channels samples of each
 * @param samples how many each should have
 * @throws EngineRefusal that says what is wrong with them: the same seed would give the same again
 */
export function checkAudio(channels: readonly Float32Array[], samples: number): void {
  let square = 0;
  let beyond = 0;
  for (const channel of channels) {
    if (channel.length !== samples) {
      throw new EngineRefusal(`the model made ${channel.length} samples of audio instead of ${samples}`);
    }
    for (const sample of channel) {
      if (!Number.isFinite(sample)) throw new EngineRefusal('the model made audio with numbers that are none (NaN)');
      square += sample * sample;
      if (Math.abs(sample) > 1) beyond++;
    }
  }
  const count = samples * channels.length;
  const decibels = (10 * Math.log10(square / count)).toFixed(1);
  if (Math.sqrt(square / count) < SILENCE_RMS) throw new EngineRefusal(`the model made silence (${decibels} dBFS)`);
  if (beyond / count > CLIPPED_SHARE) {
    const percent = ((100 * beyond) / count).toFixed(1);
    throw new EngineRefusal(`the model made clipped audio: ${percent} % of it is beyond full scale`);
  }
}
