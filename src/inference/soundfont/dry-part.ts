import type { BasicSoundBank, SpessaSynthProcessor } from 'spessasynth_core';
import { PERCUSSION_CHANNEL, type Note, type Part } from './plan';
import { addStereo, silence, type Stereo } from './stereo';

/**
 * The sound of one part without reverberation, by a synthesizer that plays nothing else. What a note sounds like depends
 * neither on when it begins nor on what else its part plays, so every distinct note is rendered once, alone, and only for
 * as long as it is heard: of the voices of a full band that would sound at once, a quarter are inaudible tails, and a
 * quarter of the rest repeat a note. Percussion is the exception: a closed hi-hat ends an open one.
 */
export const SAMPLE_RATE_HZ = 32_000;
/** Of the synthesizer's sum. Of forty mixes of random attributes two reached the limiter, for seven samples. */
const GAIN = 1.4;
/** Frames rendered in one call: notes begin and end on its borders, 2 ms apart. */
const BLOCK = 64;
/** Frames rendered and then judged, 16 ms: long enough for a peak of the lowest notes. */
const WINDOW = 8 * BLOCK;
/** Two steps of 16 bits, -84 dBFS. */
const SILENCE = 2 ** -14;
/** Of a note: no instrument of the bank has more than five. */
const VOICES_PER_NOTE = 8;
/** Of percussion, tails included; the quietest gives way. */
const VOICES_OF_PERCUSSION = 64;
/** Where everything but percussion is played. */
const CHANNEL = 0;
const VOLUME_CONTROLLER = 7;
const PAN_CONTROLLER = 10;

/** Notes that are the same but for their beginnings. */
interface DistinctNote extends Pick<Note, 'key' | 'velocity'> {
  readonly heldFrames: number;
  /** In frames, the earliest first. */
  readonly starts: number[];
}

/** Adds the part's sound to `target`. Same part, same samples, whatever other parts there are. */
export async function renderDry(
  part: Part,
  beatsPerMinute: number,
  bank: BasicSoundBank,
  target: Stereo,
  onProgress: (share: number) => void,
): Promise<void> {
  const isPercussion = part.channel === PERCUSSION_CHANNEL;
  const synth = await synthesizerOf(part, isPercussion, bank);
  if (isPercussion) playTogether(synth, eventsOf(part, beatsPerMinute), target, onProgress);
  else playOneByOne(synth, distinctNotes(part, beatsPerMinute, target.left.length), target, onProgress);
}

async function synthesizerOf(part: Part, isPercussion: boolean, bank: BasicSoundBank): Promise<SpessaSynthProcessor> {
  const { SpessaSynthProcessor } = await import('spessasynth_core');
  const synth = new SpessaSynthProcessor(SAMPLE_RATE_HZ, {
    eventsEnabled: false,
    effectsEnabled: false,
    maxBufferSize: BLOCK,
  });
  await synth.processorInitialized;
  synth.setSystemParameter('voiceCap', isPercussion ? VOICES_OF_PERCUSSION : VOICES_PER_NOTE);
  synth.setSystemParameter('gain', GAIN);
  synth.soundBankManager.addSoundBank(bank, 'main');
  const channel = isPercussion ? PERCUSSION_CHANNEL : CHANNEL;
  synth.programChange(channel, part.program);
  synth.controllerChange(channel, VOLUME_CONTROLLER, part.volume);
  synth.controllerChange(channel, PAN_CONTROLLER, part.pan);
  return synth;
}

function playOneByOne(
  synth: SpessaSynthProcessor,
  notes: readonly DistinctNote[],
  target: Stereo,
  onProgress: (share: number) => void,
): void {
  const window = silence(WINDOW);
  notes.forEach((note, index) => {
    playNote(synth, note, target, window);
    onProgress((index + 1) / notes.length);
  });
}

/** Renders a note window by window, until its tail is silent, and adds each to all places where the note sounds. */
function playNote(
  synth: SpessaSynthProcessor,
  { key, velocity, heldFrames, starts }: DistinctNote,
  target: Stereo,
  window: Stereo,
): void {
  const frames = target.left.length - starts[0]!;
  // Not `process`, which would make these pairs anew for every block.
  const output = [[window.left, window.right]];
  let hasSounded = false;
  let isOver = false;
  let frame = 0;
  synth.noteOn(CHANNEL, key, velocity);
  while (frame < frames && !isOver) {
    const isHeld = frame < heldFrames;
    const length = isHeld ? Math.min(WINDOW, heldFrames - frame) : WINDOW;
    if (frame === heldFrames) synth.noteOff(CHANNEL, key);
    for (let at = 0; at < length; at += BLOCK) synth.processSplit(output, window.left, window.right, at, BLOCK);
    for (const start of starts) addStereo(window, length, target, start + frame);
    const isQuiet = isSilent(window);
    hasSounded ||= !isQuiet;
    isOver = !isHeld && (synth.voiceCount === 0 || (hasSounded && isQuiet));
    window.left.fill(0);
    window.right.fill(0);
    frame += length;
  }
  synth.stopAllChannels(true);
}

function isSilent({ left, right }: Stereo): boolean {
  for (let i = 0; i < left.length; i++) {
    if (Math.abs(left[i]!) >= SILENCE || Math.abs(right[i]!) >= SILENCE) return false;
  }
  return true;
}

function distinctNotes({ notes }: Part, beatsPerMinute: number, frames: number): DistinctNote[] {
  const borderAt = (beats: number) => Math.ceil(frameAt(beats, beatsPerMinute) / BLOCK) * BLOCK;
  const distinct = new Map<string, DistinctNote>();
  for (const { startBeats, durationBeats, key, velocity } of notes) {
    const start = borderAt(startBeats);
    if (start >= frames) continue;
    const heldFrames = borderAt(startBeats + durationBeats) - start;
    const name = `${key}/${velocity}/${heldFrames}`;
    const known = distinct.get(name);
    if (known) known.starts.push(start);
    else distinct.set(name, { key, velocity, heldFrames, starts: [start] });
  }
  return [...distinct.values()];
}

interface Event {
  readonly frame: number;
  readonly key: number;
  /** 0 ends the note. */
  readonly velocity: number;
}

function playTogether(
  synth: SpessaSynthProcessor,
  events: readonly Event[],
  { left, right }: Stereo,
  onProgress: (share: number) => void,
): void {
  const frames = left.length;
  let next = 0;
  for (let frame = 0; frame < frames; frame += BLOCK) {
    for (; next < events.length && events[next]!.frame <= frame; next++) {
      const { key, velocity } = events[next]!;
      if (velocity > 0) synth.noteOn(PERCUSSION_CHANNEL, key, velocity);
      else synth.noteOff(PERCUSSION_CHANNEL, key);
    }
    synth.process(left, right, frame, Math.min(BLOCK, frames - frame));
    onProgress(frame / frames);
  }
}

function eventsOf({ notes }: Part, beatsPerMinute: number): Event[] {
  const events = notes.flatMap(({ startBeats, durationBeats, key, velocity }) => [
    { frame: frameAt(startBeats, beatsPerMinute), key, velocity },
    { frame: frameAt(startBeats + durationBeats, beatsPerMinute), key, velocity: 0 },
  ]);
  // Ends before beginnings: a repeated note must not be cut by the end of the one before.
  return events.sort((a, b) => a.frame - b.frame || a.velocity - b.velocity || a.key - b.key);
}

function frameAt(beats: number, beatsPerMinute: number): number {
  return Math.round((beats * 60 * SAMPLE_RATE_HZ) / beatsPerMinute);
}
