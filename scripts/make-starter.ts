import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePublishedParquet } from './published-parquet';

/**
 * Makes starter/default and starter/audio from starter/rows.json. Deterministic: the same bytes every time.
 */
interface StarterRow {
  readonly id: string;
  readonly caption: string;
  readonly attributes: readonly string[];
  readonly audio?: boolean;
}

interface Timbre {
  /** Amplitudes of the partials from the fundamental up. */
  readonly harmonics: readonly number[];
  readonly attackSeconds: number;
  /** Exponential decay per second. */
  readonly decay: number;
  /** Semitones. */
  readonly shift: number;
}

const SAMPLE_RATE_HZ = 16_000;
const SECONDS = 4;
const root = join(__dirname, '..', 'starter');
const rows = JSON.parse(readFileSync(join(root, 'rows.json'), 'utf8')) as StarterRow[];

for (const config of ['default', 'audio']) mkdirSync(join(root, config), { recursive: true });
writePublishedParquet(
  join(root, 'default', 'train-00000-of-00001.parquet'),
  rows.map(({ id, caption, attributes }) => ({ id, caption, attributes: [...attributes].sort() })),
);
writePublishedParquet(
  join(root, 'audio', 'train-00000-of-00001.parquet'),
  rows
    .filter((row) => row.audio)
    .map((row) => ({
      id: row.id,
      caption: row.caption,
      attributes: [...row.attributes].sort(),
      audio: toWav(synthesise(row)),
    })),
);

/** A chord sequence in the row's tempo and mode, in a timbre that recalls its first instrument. */
function synthesise(row: StarterRow): Float64Array {
  const has = (...names: string[]) => names.some((name) => row.attributes.includes(name));
  const bpm = has('slow tempo') ? 66 : has('fast tempo') ? 148 : 104;
  const isMinor = has('melancholic', 'sad', 'poignant', 'hypnotic', 'romantic', 'energetic');
  const roots = isMinor ? [57, 53, 60, 55] : [60, 65, 57, 67];
  const third = (note: number) => (note === 57 ? 3 : 4);
  const out = new Float64Array(SAMPLE_RATE_HZ * SECONDS);
  const beat = 60 / bpm;
  const timbre = timbreOf(row.attributes);
  for (let step = 0; step * beat < SECONDS; step++) {
    const base = roots[Math.floor(step / 2) % roots.length]!;
    const chord = [base, base + third(base), base + 7];
    addNote(out, step * beat, beat * 0.95, chord[step % 3]! + timbre.shift, timbre, 0.35);
    addNote(out, step * beat, beat * 0.95, base - 12 + timbre.shift, timbre, 0.2);
    if (has('acoustic drums', 'electronic drums', 'drums', 'percussion')) addDrum(out, step * beat, step % 2 === 0);
  }
  return out;
}

function timbreOf(attributes: readonly string[]): Timbre {
  const first = attributes[0]!;
  if (['violin', 'cello', 'strings'].includes(first)) {
    return {
      harmonics: [1, 0.6, 0.45, 0.3, 0.2, 0.15],
      attackSeconds: 0.12,
      decay: 0,
      shift: first === 'cello' ? -12 : 12,
    };
  }
  if (first === 'flute') return { harmonics: [1, 0.12, 0.05], attackSeconds: 0.08, decay: 0, shift: 12 };
  if (first === 'trumpets')
    return { harmonics: [0.6, 1, 0.9, 0.7, 0.5, 0.3], attackSeconds: 0.03, decay: 0.5, shift: 0 };
  if (first === 'electric guitar')
    return { harmonics: [1, 0.9, 0.8, 0.7, 0.6, 0.5], attackSeconds: 0.005, decay: 1, shift: -12 };
  if (first === 'electronic drums')
    return { harmonics: [1, 0, 0.5, 0, 0.3, 0, 0.2], attackSeconds: 0.005, decay: 4, shift: -12 };
  return { harmonics: [1, 0.5, 0.3, 0.12, 0.06], attackSeconds: 0.004, decay: 3, shift: 0 };
}

function addNote(out: Float64Array, start: number, length: number, midi: number, timbre: Timbre, gain: number): void {
  const hertz = 440 * 2 ** ((midi - 69) / 12);
  const from = Math.floor(start * SAMPLE_RATE_HZ);
  const count = Math.min(Math.floor(length * SAMPLE_RATE_HZ), out.length - from);
  for (let i = 0; i < count; i++) {
    const t = i / SAMPLE_RATE_HZ;
    const envelope =
      Math.min(1, t / timbre.attackSeconds) * Math.exp(-t * timbre.decay) * Math.min(1, (length - t) / 0.02);
    let value = 0;
    for (const [h, amplitude] of timbre.harmonics.entries()) {
      value += amplitude * Math.sin(2 * Math.PI * hertz * (h + 1) * t);
    }
    out[from + i]! += gain * envelope * value * 0.5;
  }
}

function addDrum(out: Float64Array, start: number, isKick: boolean): void {
  const from = Math.floor(start * SAMPLE_RATE_HZ);
  const count = Math.min(Math.floor(0.15 * SAMPLE_RATE_HZ), out.length - from);
  let noise = 0x2545f491;
  for (let i = 0; i < count; i++) {
    const t = i / SAMPLE_RATE_HZ;
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    const value = isKick ? Math.sin(2 * Math.PI * (50 + 60 * Math.exp(-t * 40)) * t) : noise / 2 ** 31 - 1;
    out[from + i]! += 0.5 * value * Math.exp(-t * (isKick ? 18 : 40));
  }
}

function toWav(samples: Float64Array): Uint8Array {
  const peak = samples.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const data = Buffer.alloc(44 + samples.length * 2);
  data.write('RIFF', 0, 'latin1');
  data.writeUInt32LE(36 + samples.length * 2, 4);
  data.write('WAVEfmt ', 8, 'latin1');
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  data.writeUInt32LE(SAMPLE_RATE_HZ * 2, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36, 'latin1');
  data.writeUInt32LE(samples.length * 2, 40);
  for (const [i, value] of samples.entries()) data.writeInt16LE(Math.round((value / peak) * 0.8 * 32767), 44 + i * 2);
  return new Uint8Array(data);
}
