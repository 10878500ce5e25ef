import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findAttribute } from '../src/concepts/taxonomy';
import { compose } from '../src/inference/soundfont/compose';
import { limit } from '../src/inference/soundfont/limiter';
import { midiFileOf, TICKS_PER_QUARTER } from '../src/inference/soundfont/midi-file';
import { METRES, type Plan } from '../src/inference/soundfont/plan';

const list = (...names: string[]) => names.map((name) => findAttribute(name)!.index);
const SECONDS = 4;
const BAND = ['rock', 'piano', 'violin', 'drums', 'tambourine', 'male voice', 'medium tempo'];
const DIST = join(__dirname, '..', 'dist', 'inference', 'soundfont', 'render.js');

interface Sound {
  readonly sha256: string;
  /** Largest absolute sample. */
  readonly peak: number;
  readonly energy: number;
}

interface Rendering {
  readonly wavSha256: string;
  readonly mix: Sound;
  readonly stems: readonly Sound[];
  /** Largest difference between the mix and the sum of the stems. */
  readonly deviation: number;
}

interface MidiReading {
  readonly timeDivision: number;
  readonly beatsPerMinute: number;
  readonly tracks: readonly {
    readonly name: string;
    readonly port: number;
    readonly programs: readonly (readonly [channel: number, program: number])[];
    readonly noteOns: readonly (readonly [ticks: number, key: number, velocity: number])[];
  }[];
}

/** The synthesizer is an ES module, which jest's runtime cannot import: a process of its own renders and reads. */
const PROBE = `
const { createHash } = require('node:crypto');
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
const bytes = (samples) => Buffer.from(samples.buffer);
const sound = ({ left, right }) => {
  let peak = 0, energy = 0;
  for (const side of [left, right]) for (const s of side) { peak = Math.max(peak, Math.abs(s)); energy += s * s; }
  return { sha256: sha256(bytes(left), bytes(right)), peak, energy };
};
const readMidi = (BasicMIDI, data) => {
  const midi = BasicMIDI.fromArrayBuffer(Uint8Array.from(data).buffer);
  const of = (events, status) => events.filter((event) => event.statusByte >> 4 === status);
  return {
    timeDivision: midi.timeDivision,
    beatsPerMinute: midi.tempoChanges.find(({ ticks }) => ticks === 0 ).tempo,
    tracks: midi.tracks.map(({ name, port, events }) => ({
      name, port,
      programs: of(events, 12).map(({ statusByte, data }) => [statusByte & 15, data[0]]),
      noteOns: of(events, 9).map(({ ticks, data }) => [ticks, data[0], data[1]]),
    })),
  };
};
(async () => {
  const { loadBank, renderMix, renderPlan, renderStems } = require(process.argv[1]);
  const { BasicMIDI } = await import('spessasynth_core');
  const jobs = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  const bank = jobs.some(({ plan }) => plan) ? await loadBank() : null;
  const results = [];
  for (const { plan, seconds, midi } of jobs) {
    if (midi) { results.push(readMidi(BasicMIDI, midi)); continue; }
    const wav = await renderPlan(plan, seconds, bank, () => {});
    const mix = await renderMix(plan, seconds, bank, () => {});
    const stems = await renderStems(plan, seconds, bank);
    let deviation = 0;
    mix.left.forEach((s, i) => {
      deviation = Math.max(deviation, Math.abs(s - stems.reduce((sum, { left }) => sum + left[i], 0)));
    });
    results.push({ wavSha256: sha256(wav), mix: sound(mix), stems: stems.map(sound), deviation });
  }
  process.stdout.write(JSON.stringify(results));
})();
`;

function probe<T>(jobs: readonly object[]): T[] {
  const output = execFileSync(process.execPath, ['-e', PROBE, DIST], {
    cwd: join(__dirname, '..'),
    input: JSON.stringify(jobs),
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(output.toString()) as T[];
}

const render = (...plans: Plan[]) => probe<Rendering>(plans.map((plan) => ({ plan, seconds: SECONDS })));

describe('the renderer', () => {
  it('gives the same bytes for the same plan, in whatever process', () => {
    const plan = compose(list(...BAND), 5, SECONDS);
    const [first, second] = render(plan, plan);
    expect(second).toEqual(first);
    expect(render(plan)).toEqual([first]);
  });

  it('gives the stem of a part bit for bit the same whatever else plays', () => {
    const plan = compose(list(...BAND), 5, SECONDS);
    const swapped = compose(list(...BAND.filter((name) => name !== 'violin'), 'flute'), 5, SECONDS);
    const [band, other, ...alone] = render(plan, swapped, ...plan.parts.map((part) => ({ ...plan, parts: [part] })));
    const stemsOf = ({ parts }: Plan, { stems }: Rendering) => new Map(parts.map(({ name }, i) => [name, stems[i]!]));
    const stems = stemsOf(plan, band!);
    expect(stems.size).toBe(5);
    plan.parts.forEach(({ name }, i) => {
      expect(stems.get(name)!.peak).toBeGreaterThan(0.01);
      expect(alone[i]!.stems).toEqual([stems.get(name)]);
    });
    for (const [name, stem] of stemsOf(swapped, other!)) {
      if (name !== 'flute') expect([name, stem]).toEqual([name, stems.get(name)]);
    }
    expect(other!.mix.sha256).not.toBe(band!.mix.sha256);
  });

  it('gives a note the same sound whatever other notes its part has, the same one among them', () => {
    const plan = compose(list('piano'), 5, SECONDS);
    const note = { durationBeats: 0.5, velocity: 90 };
    const part = { ...plan.parts[0]!, notes: [0, 1, 2].map((startBeats) => ({ ...note, startBeats, key: 60 })) };
    const chord = [64, 67].map((key) => ({ ...note, startBeats: 1, key }));
    const notes = [...part.notes, ...chord];
    const [together, alone] = render(
      { ...plan, parts: [{ ...part, notes }] },
      { ...plan, parts: notes.map((one) => ({ ...part, notes: [one] })) },
    );
    expect(together!.mix.peak).toBeGreaterThan(0.01);
    expect(together!.mix.peak).toBeCloseTo(alone!.mix.peak, 5);
    expect(together!.mix.energy / alone!.mix.energy).toBeCloseTo(1, 5);
    expect(alone!.deviation).toBeLessThan(1e-5);
  });

  it('lets a note ring until it is inaudible, and a short one as well', () => {
    const plan = compose(list('piano'), 5, SECONDS);
    const part = { ...plan.parts[0]!, reverb: 0 };
    const held = (durationBeats: number) => ({
      ...plan,
      parts: [{ ...part, notes: [{ startBeats: 0, durationBeats, key: 60, velocity: 90 }] }],
    });
    const [short, long] = render(held(0.001), held(1));
    expect(short!.mix.peak).toBeGreaterThan(0.01);
    expect(long!.mix.energy).toBeGreaterThan(2 * short!.mix.energy);
  });

  it('mixes the stems and nothing else, where the limiter is not reached', () => {
    const [soft] = render(compose(list(...BAND, 'soft'), 5, SECONDS));
    expect(soft!.mix.peak).toBeLessThan(0.98);
    expect(soft!.deviation).toBeLessThan(1e-5);
  });

  it('renders loud music louder than soft music, and nothing beyond the ceiling', () => {
    const loudest = compose(
      list('metal', 'aggressive', 'drums', 'bass', 'electric guitar', 'guitar', 'piano'),
      5,
      SECONDS,
    );
    const shouted = { ...loudest, parts: loudest.parts.map((part) => ({ ...part, volume: 127 })) };
    const [soft, loud, shout] = render(
      compose(list('piano', 'drums', 'soft'), 5, SECONDS),
      compose(list('piano', 'drums', 'intense'), 5, SECONDS),
      shouted,
    );
    expect(loud!.mix.energy).toBeGreaterThan(4 * soft!.mix.energy);
    expect(shout!.deviation).toBeGreaterThan(0.01);
    for (const { mix } of [soft!, loud!, shout!]) expect(mix.peak).toBeLessThanOrEqual(0.981);
  });
});

describe('the limiter', () => {
  it('turns down what is too loud and leaves the rest as it is', () => {
    const isLoud = (i: number) => i > 9_000 && i < 9_100;
    const signal = Float32Array.from({ length: 20_000 }, (_, i) => (isLoud(i) ? 1.7 : 0.5) * (i % 2 ? 1 : -1));
    const limited = Float32Array.from(signal);
    limit([limited]);
    expect(limited.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)).toBeLessThanOrEqual(0.981);
    expect(limited.slice(0, 8_000)).toEqual(signal.slice(0, 8_000));
    expect(limited.slice(15_000)).toEqual(signal.slice(15_000));
  });
});

describe('the MIDI file', () => {
  it('says what the plan says, read by another program', () => {
    const lists = [BAND, ['guitar', 'guitar solo', 'acoustic drums', 'electronic drums'], ['gospel', 'piano']];
    const plans = lists.flatMap((names) => [0, 1, 2, 3, 4].map((seed) => compose(list(...names), seed, 20)));
    expect(new Set(plans.map(({ metre }) => metre))).toEqual(new Set(['4/4', '6/8']));
    const readings = probe<MidiReading>(plans.map((plan) => ({ midi: [...midiFileOf(plan)] })));
    plans.forEach((plan, i) => {
      const { timeDivision, beatsPerMinute, tracks } = readings[i]!;
      const ticksPerBeat = METRES[plan.metre].quartersPerBeat * TICKS_PER_QUARTER;
      expect(timeDivision).toBe(TICKS_PER_QUARTER);
      expect(beatsPerMinute).toBeCloseTo((plan.beatsPerMinute * ticksPerBeat) / TICKS_PER_QUARTER, 1);
      const ordered = (rows: readonly (readonly number[])[]) => rows.map((row) => row.join(' ')).sort();
      const programs = new Map<string, number>();
      expect(tracks.slice(1).map(({ name }) => name)).toEqual(plan.parts.map(({ name }) => name));
      plan.parts.forEach(({ notes, channel, program }, part) => {
        const track = tracks[part + 1]!;
        expect(track.programs).toEqual([[channel, program]]);
        expect(ordered(track.noteOns)).toEqual(
          ordered(notes.map(({ startBeats, key, velocity }) => [Math.round(startBeats * ticksPerBeat), key, velocity])),
        );
        // A channel of a port has one program.
        const place = `${track.port}/${channel}`;
        expect(programs.get(place) ?? program).toBe(program);
        programs.set(place, program);
      });
    });
  });
});
