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
import { runTraining } from './training';

/** The tempo that trackers hear in clips, against the range of beats per minute that was asked for. */
const CLIPS = 200;
const SECONDS = 20;
const TOLERANCE = 0.05;
const TARGET = 0.95;
/** In beats a minute: slower ones are those that trackers count twice as fast, the others those that they count half as fast. */
const SLOW = 80;
const CLICK_RATE = 44_100;
const CLICK_SECONDS = 0.03;
const CLICK_DECAY = 0.006;
/** Beats may be counted in halves, doubles or by threes: the same pulse at another level. */
const LEVELS = [1, 2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3];

/** Lines of Markdown: what tells most of each tracker, and all of it. */
export interface TempoTables {
  /** Trackers by which the target is met. */
  readonly meetTarget: readonly string[];
  readonly summary: readonly string[];
  readonly full: readonly string[];
}

/** @param python one with training/requirements-tempo.txt */
export async function measureTempo(engine: SoundFontEngine, folder: string, python: string): Promise<TempoTables> {
  const random = new Random(1);
  const tempi = ATTRIBUTES.filter(({ category, index }) => category === 'tempo' && MEANINGS[index]!.bpm);
  const clips = Array.from({ length: CLIPS }, (_clip, i): Clip => {
    const own = tempi[i % tempi.length]!.index;
    const given = i % 2 === 0 ? [own, attribute(pick(['drums', 'acoustic drums', 'electronic drums'], random))] : [own];
    return { attributes: randomList(random, given, { genre: 1, instrument: 3 }), seed: i, durationSeconds: SECONDS };
  });
  const all = clips.map((_clip, i) => i);
  const paths = all.map((i) => join(folder, `tempo-${i}.wav`));
  await renderAll(engine, clips, (i) => paths[i]!);
  const tempoOf = clips.map(({ attributes, seed }) => compose(attributes, seed, SECONDS).beatsPerMinute);
  // One for each tempo: a tracker hears the same metronome alike.
  const clickTempi = [...new Set(tempoOf)];
  const clickPaths = clickTempi.map((tempo) => join(folder, `clicks-${tempo}.wav`));
  for (const [i, tempo] of clickTempi.entries()) await writeFile(clickPaths[i]!, metronome(tempo));
  const hasDrums = clips.map(({ attributes }) => briefOf(attributes).drums.length > 0);

  const judged = (heard: readonly number[]) =>
    all.map((i) => {
      // What was asked for, and what a wrong range would get: that of the clip half the list away.
      const other = clips[(i + CLIPS / 2 + 1) % CLIPS]!.attributes;
      return judge(heard[i]!, tempoOf[i]!, [tempoRange(clips[i]!.attributes), tempoRange(other)]);
    });
  const meetTarget: string[] = [];
  const summary = [
    '| tracker | within 5 % of the asked range | slower pieces | … counted double | faster pieces | … counted half | a bare metronome, within 5 % of its tempo |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  const full = [
    '| tracker | clips | number | within 5 % of the asked range | … at any level of the pulse | within 5 % of the piece’s own tempo | … any level | control: another clip’s range | … any level |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const [tracker, heard] of await hear([...paths, ...clickPaths], python)) {
    const rows = judged(heard.slice(0, CLIPS));
    const some = (test: (i: number) => boolean) => rows.filter((_row, i) => test(i));
    const groups = {
      all: rows,
      percussion: some((i) => hasDrums[i]!),
      without: some((i) => !hasDrums[i]),
      slower: some((i) => tempoOf[i]! < SLOW),
      faster: some((i) => tempoOf[i]! >= SLOW),
      clicks: judged(tempoOf.map((tempo) => heard[CLIPS + clickTempi.indexOf(tempo)]!)),
    };
    if (shareOf(rows, 'strict') >= TARGET) meetTarget.push(tracker);
    summary.push(summaryLine(tracker, groups));
    full.push(...Object.entries(GROUPS).map(([group, name]) => fullLine(tracker, name, groups[group as Group])));
  }
  return { meetTarget, summary, full };
}

const GROUPS = {
  all: 'all',
  percussion: 'with percussion',
  without: 'without',
  slower: `slower than ${SLOW} beats a minute`,
  faster: 'faster',
  clicks: 'a bare metronome at the tempi of all',
} as const;
type Group = keyof typeof GROUPS;

function summaryLine(tracker: string, groups: Readonly<Record<Group, readonly Row[]>>): string {
  const { all, slower, faster, clicks } = groups;
  const shares = [
    share(all, 'strict'),
    share(slower, 'strict'),
    share(slower, 'isDouble'),
    share(faster, 'strict'),
    share(faster, 'isHalf'),
    share(clicks, 'own'),
  ];
  return `| ${tracker} | ${shares.join(' | ')} |`;
}

function fullLine(tracker: string, name: string, among: readonly Row[]): string {
  const tests = ['strict', 'level', 'own', 'ownLevel', 'otherStrict', 'otherLevel'] as const;
  return `| ${tracker} | ${name} | ${among.length} | ${tests.map((test) => share(among, test)).join(' | ')} |`;
}

function share(among: readonly Row[], test: keyof Row): string {
  return percent(shareOf(among, test));
}

function shareOf(among: readonly Row[], test: keyof Row): number {
  return among.filter((row) => row[test]).length / among.length;
}

interface Row {
  readonly strict: boolean;
  readonly level: boolean;
  readonly own: boolean;
  readonly ownLevel: boolean;
  readonly otherStrict: boolean;
  readonly otherLevel: boolean;
  /** Twice the piece's own tempo is heard, or half of it. */
  readonly isDouble: boolean;
  readonly isHalf: boolean;
}

type Range = readonly [number, number];

function judge(heard: number, tempo: number, [asked, other]: readonly [Range, Range]): Row {
  const isWithin =
    ([low, high]: Range) =>
    (level: number) =>
      heard * level >= low * (1 - TOLERANCE) && heard * level <= high * (1 + TOLERANCE);
  return {
    strict: isWithin(asked)(1),
    level: LEVELS.some(isWithin(asked)),
    own: isWithin([tempo, tempo])(1),
    ownLevel: LEVELS.some(isWithin([tempo, tempo])),
    otherStrict: isWithin(other)(1),
    otherLevel: LEVELS.some(isWithin(other)),
    isDouble: isWithin([tempo, tempo])(1 / 2),
    isHalf: isWithin([tempo, tempo])(2),
  };
}

/** What each tracker hears, in beats a minute; NaN where it finds no beat. */
async function hear(paths: readonly string[], python: string): Promise<[tracker: string, heard: number[]][]> {
  const byPython = await runTraining<Record<string, (number | null)[]>>(python, 'tempo.py', paths);
  return [
    ...Object.entries(byPython).map(([tracker, heard]): [string, number[]] => [
      tracker,
      heard.map((tempo) => tempo ?? Number.NaN),
    ]),
    ['aubio', await byAubio(paths)],
  ];
}

async function byAubio(paths: readonly string[]): Promise<number[]> {
  const heard: number[] = [];
  for (const path of paths) {
    const { stdout } = await promisify(execFile)('aubio', ['tempo', '-i', path]);
    heard.push(Number(/([\d.]+) *bpm/.exec(stdout)?.[1] ?? Number.NaN));
  }
  return heard;
}

/** A click on every beat and nothing else: what the tracker makes of a tempo that could not be plainer. */
function metronome(beatsPerMinute: number): Uint8Array {
  const clicks = new Float32Array(SECONDS * CLICK_RATE);
  const beat = (60 / beatsPerMinute) * CLICK_RATE;
  for (let start = 0; start < clicks.length; start += beat) {
    const first = Math.round(start);
    for (let at = first; at < Math.min(first + CLICK_SECONDS * CLICK_RATE, clicks.length); at++) {
      const t = (at - first) / CLICK_RATE;
      clicks[at] = 0.8 * Math.sin(2 * Math.PI * 1_000 * t) * Math.exp(-t / CLICK_DECAY);
    }
  }
  return writeWav([clicks], CLICK_RATE);
}
