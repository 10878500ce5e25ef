import { METRES, type Metre, type Part, type Plan } from './plan';

/**
 * A plan as a Standard MIDI File (format 1): a track with tempo, metre and sections, then a track a part with its name,
 * program, volume, pan, reverb send and notes. Parts that share a channel but not a program are on ports of their own;
 * players that know no ports give both the later program.
 */
export const TICKS_PER_QUARTER = 480;

const VOLUME = 7;
const PAN = 10;
const REVERB = 91;
const META = { trackName: 0x03, marker: 0x06, port: 0x21, endOfTrack: 0x2f, tempo: 0x51, metre: 0x58 };
const MICROSECONDS_PER_MINUTE = 60_000_000;

interface Event {
  readonly tick: number;
  readonly bytes: readonly number[];
}

export function midiFileOf(plan: Plan): Uint8Array {
  const ports = portsOf(plan.parts);
  const tracks = [conductorOf(plan), ...plan.parts.map((part, i) => trackOf(part, plan.metre, ports[i]!))];
  const header = chunk('MThd', [
    ...bigEndian(1, 2),
    ...bigEndian(tracks.length, 2),
    ...bigEndian(TICKS_PER_QUARTER, 2),
  ]);
  return Uint8Array.from([header, ...tracks.map((track) => chunk('MTrk', track))].flat());
}

function conductorOf({ beatsPerMinute, metre, form }: Plan): number[] {
  const microseconds = Math.round(MICROSECONDS_PER_MINUTE / (beatsPerMinute * METRES[metre].quartersPerBeat));
  // Numerator, denominator as a power of two, MIDI clocks a click, 32nds a quarter.
  const signature = { '4/4': [4, 2, 24, 8], '3/4': [3, 2, 24, 8], '6/8': [6, 3, 36, 8] }[metre];
  return encode([
    { tick: 0, bytes: meta(META.trackName, ascii('conceptcaps')) },
    { tick: 0, bytes: meta(META.metre, signature) },
    { tick: 0, bytes: meta(META.tempo, bigEndian(microseconds, 3)) },
    ...form.map(({ label, startBeats }) => ({
      tick: ticksOf(startBeats, metre),
      bytes: meta(META.marker, ascii(label)),
    })),
  ]);
}

function trackOf({ name, channel, program, volume, pan, reverb, notes }: Part, metre: Metre, port: number): number[] {
  const control = (controller: number, value: number) => ({ tick: 0, bytes: [0xb0 | channel, controller, value] });
  const played = notes.flatMap(({ startBeats, durationBeats, key, velocity }) => {
    const start = ticksOf(startBeats, metre);
    // However short, a note does not end before it began.
    const end = Math.max(start + 1, ticksOf(startBeats + durationBeats, metre));
    return [
      { tick: start, bytes: [0x90 | channel, key, velocity], rank: 1 },
      { tick: end, bytes: [0x80 | channel, key, 0], rank: 0 },
    ];
  });
  return encode([
    { tick: 0, bytes: meta(META.trackName, ascii(name)) },
    { tick: 0, bytes: meta(META.port, [port]) },
    { tick: 0, bytes: [0xc0 | channel, program] },
    ...[control(VOLUME, volume), control(PAN, pan), control(REVERB, reverb)],
    ...played.sort((a, b) => a.tick - b.tick || a.rank - b.rank || a.bytes[1]! - b.bytes[1]!),
  ]);
}

/** The first part with a program on a channel has port 0, the first with another one on it port 1, and so on. */
function portsOf(parts: readonly Part[]): number[] {
  const programs = new Map<number, number[]>();
  return parts.map(({ channel, program }) => {
    const known = programs.get(channel) ?? [];
    if (!known.includes(program)) known.push(program);
    programs.set(channel, known);
    return known.indexOf(program);
  });
}

function ticksOf(beats: number, metre: Metre): number {
  return Math.round(beats * METRES[metre].quartersPerBeat * TICKS_PER_QUARTER);
}

function encode(events: readonly Event[]): number[] {
  let before = 0;
  const bytes = events.flatMap((event) => {
    const delta = event.tick - before;
    before = event.tick;
    return [...variableLength(delta), ...event.bytes];
  });
  return [...bytes, 0, ...meta(META.endOfTrack, [])];
}

function meta(type: number, data: readonly number[]): number[] {
  return [0xff, type, ...variableLength(data.length), ...data];
}

/** Seven bits a byte, the most significant first; all but the last have their eighth bit set. */
function variableLength(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

function chunk(type: string, data: readonly number[]): number[] {
  return [...ascii(type), ...bigEndian(data.length, 4), ...data];
}

function bigEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff);
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0) & 0x7f);
}
