import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
  const rows: {
    hasDrums: boolean;
    strict: boolean;
    level: boolean;
    exact: boolean;
    otherStrict: boolean;
    otherLevel: boolean;
  }[] = [];
  for (const [i, { attributes }] of clips.entries()) {
    const { stdout } = await promisify(execFile)('aubio', ['tempo', '-i', pathOf(i)]);
    const heard = Number(/([\d.]+) *bpm/.exec(stdout)?.[1] ?? Number.NaN);
    const { beatsPerMinute } = compose(attributes, clips[i]!.seed, SECONDS);
    const isWithin =
      ([low, high]: readonly [number, number]) =>
      (level: number) =>
        heard * level >= low * (1 - TOLERANCE) && heard * level <= high * (1 + TOLERANCE);
    const own = isWithin(tempoRange(attributes));
    const exact = isWithin([beatsPerMinute, beatsPerMinute]);
    // What a wrong range would get: that of the clip half the list away.
    const other = isWithin(tempoRange(clips[(i + CLIPS / 2 + 1) % CLIPS]!.attributes));
    rows.push({
      hasDrums: briefOf(attributes).drums.length > 0,
      strict: own(1),
      level: LEVELS.some(own),
      exact: LEVELS.some(exact),
      otherStrict: other(1),
      otherLevel: LEVELS.some(other),
    });
  }
  const line = (name: string, among: typeof rows) => {
    const share = (test: (row: (typeof rows)[number]) => boolean) => percent(among.filter(test).length / among.length);
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
  ];
}
