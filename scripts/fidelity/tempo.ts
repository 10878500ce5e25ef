import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeWav } from '../../src/audio/write-wav';
import { Random } from '../../src/concepts/random';
import { ATTRIBUTES } from '../../src/concepts/taxonomy';
import { MEANINGS } from '../../src/inference/soundfont/attribute-table';
import { briefOf, tempoRange } from '../../src/inference/soundfont/brief';
import { compose } from '../../src/inference/soundfont/compose';
import type { SoundFontEngine } from '../../src/inference/soundfont/engine';
import { attribute, percent, pick, randomList, renderAll, type Clip } from './clips';

/** The tempo that aubio hears in clips, against the range of beats per minute that was asked for. */
const CLIPS = 200;
const SECONDS = 20;
const TOLERANCE = 0.05;
const SAMPLE_RATE = 32_000;
const CLICK_SAMPLES = 640;
/** Beats may be counted in halves, doubles or by threes: the same pulse at another level. */
const LEVELS = [1, 2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3];

export async function measureTempo(engine: SoundFontEngine, folder: string): Promise<string[]> {
  const random = new Random(1);
  const tempi = ATTRIBUTES.filter(({ category, index }) => category === 'tempo' && MEANINGS[index]!.bpm);
  const clips = Array.from({ length: CLIPS }, (_clip, i): Clip => {
    const own = tempi[i % tempi.length]!.index;
    const given = i % 2 === 0 ? [own, attribute(pick(['drums', 'acoustic drums', 'electronic drums'], random))] : [own];
    return { attributes: randomList(random, given, { genre: 1, instrument: 3 }), seed: i, durationSeconds: SECONDS };
  });
  const pathOf = (i: number) => join(folder, `tempo-${i}.wav`);
  await renderAll(engine, clips, pathOf);
  const rows: Row[] = [];
  const clicks: Row[] = [];
  const clickPath = join(folder, 'clicks.wav');
  for (const [i, { attributes }] of clips.entries()) {
    const { beatsPerMinute } = compose(attributes, clips[i]!.seed, SECONDS);
    // What was asked for, and what a wrong range would get: that of the clip half the list away.
    const ranges = [tempoRange(attributes), tempoRange(clips[(i + CLIPS / 2 + 1) % CLIPS]!.attributes)] as const;
    const hasDrums = briefOf(attributes).drums.length > 0;
    rows.push(judge(await tempoIn(pathOf(i)), beatsPerMinute, ranges, hasDrums));
    await writeFile(clickPath, metronome(beatsPerMinute));
    clicks.push(judge(await tempoIn(clickPath), beatsPerMinute, ranges, hasDrums));
  }
  const line = (name: string, among: typeof rows) => {
    const share = (test: (row: Row) => boolean) => percent(among.filter(test).length / among.length);
    return `| ${name} | ${among.length} | ${share((row) => row.strict)} | ${share((row) => row.level)} | ${share((row) => row.exact)} | ${share((row) => row.otherStrict)} | ${share((row) => row.otherLevel)} |`;
  };
  return [
    '| clips | number | within 5 % of the asked range | … at any level of the pulse | within 5 % of the piece’s own tempo, any level | control: another clip’s range | … any level |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    line('all', rows),
    line(
      'with percussion',
      rows.filter(({ hasDrums }) => hasDrums),
    ),
    line(
      'without',
      rows.filter(({ hasDrums }) => !hasDrums),
    ),
    line('a bare metronome at the tempi of all', clicks),
  ];
}

interface Row {
  readonly hasDrums: boolean;
  readonly strict: boolean;
  readonly level: boolean;
  readonly exact: boolean;
  readonly otherStrict: boolean;
  readonly otherLevel: boolean;
}

type Range = readonly [number, number];

function judge(heard: number, tempo: number, [asked, other]: readonly [Range, Range], hasDrums: boolean): Row {
  const isWithin =
    ([low, high]: Range) =>
    (level: number) =>
      heard * level >= low * (1 - TOLERANCE) && heard * level <= high * (1 + TOLERANCE);
  return {
    hasDrums,
    strict: isWithin(asked)(1),
    level: LEVELS.some(isWithin(asked)),
    exact: LEVELS.some(isWithin([tempo, tempo])),
    otherStrict: isWithin(other)(1),
    otherLevel: LEVELS.some(isWithin(other)),
  };
}

/** In beats a minute; NaN where there is none. */
async function tempoIn(path: string): Promise<number> {
  const { stdout } = await promisify(execFile)('aubio', ['tempo', '-i', path]);
  return Number(/([\d.]+) *bpm/.exec(stdout)?.[1] ?? Number.NaN);
}

/** A click on every beat and nothing else: what the tracker makes of a tempo that could not be plainer. */
function metronome(beatsPerMinute: number): Uint8Array {
  const clicks = new Float32Array(SECONDS * SAMPLE_RATE);
  const beat = (60 / beatsPerMinute) * SAMPLE_RATE;
  for (let start = 0; start < clicks.length; start += beat) {
    const first = Math.round(start);
    for (let at = first; at < Math.min(first + CLICK_SAMPLES, clicks.length); at++) {
      clicks[at] = Math.sin((2 * Math.PI * 1_000 * (at - first)) / SAMPLE_RATE) * (1 - (at - first) / CLICK_SAMPLES);
    }
  }
  return writeWav([clicks], SAMPLE_RATE);
}
