import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { Random } from '../src/concepts/random';
import { ATTRIBUTES, CATEGORIES } from '../src/concepts/taxonomy';
import { MEANINGS, UNSUPPORTED_ATTRIBUTES, WEAK_ATTRIBUTES } from '../src/inference/soundfont/attribute-table';
import { compose } from '../src/inference/soundfont/compose';
import { SoundFontEngine } from '../src/inference/soundfont/engine';
import { midiFileOf } from '../src/inference/soundfont/midi-file';
import { attribute, randomList } from './fidelity/clips';
import { measurePresence } from './fidelity/presence';
import { measureProbe } from './fidelity/probe';
import { measureTempo, type TempoTables } from './fidelity/tempo';
import { measureGenres, measureVariety } from './fidelity/variety';

/**
 * `npm run fidelity`: listens to the soundfont engine with other people's tools and writes docs/soundfont-fidelity.md,
 * docs/soundfont-attributes.md and docs/examples/. Needs `aubio` (Debian: aubio-tools) on PATH, and a Python with
 * training/requirements.txt and training/requirements-tempo.txt, named by PYTHON (default python3). About twenty minutes
 * on two cores, most of it for the tempo: seven trackers hear 200 clips and the metronomes. `--only tempo` measures the
 * tempo alone and leaves the rest of the report as it is.
 */
const ROOT = join(__dirname, '..');
const EXAMPLE_SECONDS = 20;

async function main(): Promise<void> {
  const python = process.env.PYTHON ?? 'python3';
  requireTool('aubio', ['--version'], 'Debian has it as aubio-tools');
  // madmom is looked for and not imported: see training/tempo.py.
  requireTool(
    python,
    ['-c', 'import essentia, scipy, importlib.util as u; assert u.find_spec("madmom")'],
    `${python} -m pip install -r training/requirements-tempo.txt`,
  );
  if (process.argv.includes('--only')) {
    if (process.argv.at(-1) !== 'tempo') throw new Error('--only tempo: no other section can be measured alone');
    await measured((engine, folder) => writeTempo(engine, folder, python));
    return;
  }
  requireTool(python, ['-c', 'import numpy, scipy, sklearn'], `${python} -m pip install -r training/requirements.txt`);
  await writeAttributes();
  const examples = await writeExamples();
  if (process.argv.includes('--tables-only')) return;

  await measured(async (engine, folder) => {
    const tempo = await step('tempo', () => measureTempo(engine, folder, python));
    const presence = await step('presence', measurePresence);
    const probe = await step('probe', () => measureProbe(engine, folder, python));
    const variety = await step('variety', () => Promise.resolve(measureVariety()));
    const genres = await step('genres', () => Promise.resolve(measureGenres()));
    await writeReport({ version: engine.version, tempo, presence, probe, variety, genres, examples });
  });
}

async function measured(measure: (engine: SoundFontEngine, folder: string) => Promise<void>): Promise<void> {
  const engine = new SoundFontEngine();
  const folder = await mkdtemp(join(tmpdir(), 'conceptcaps-fidelity-'));
  try {
    await measure(engine, folder);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Report {
  readonly version: string;
  readonly tempo: TempoTables;
  readonly presence: readonly string[];
  readonly probe: readonly string[];
  readonly variety: readonly string[];
  readonly genres: readonly string[];
  readonly examples: readonly string[];
}

async function writeReport({ version, tempo, presence, probe, variety, genres, examples }: Report): Promise<void> {
  const text = `# How true the soundfont engine is

Written by \`npm run fidelity\` ([scripts/soundfont-fidelity.ts](../scripts/soundfont-fidelity.ts)) for version ${version} of the
engine. Seeded: another run gives the same clips. What each attribute is meant to sound like is in
[soundfont-attributes.md](soundfont-attributes.md).

## Tempo

${tempoSection(tempo)}

## Presence

Measured on the rendered audio of 100 lists: the stem of each part, and the mix less the stems of what was asked for.

${presence.join('\n')}

## As data of a probe

Balanced accuracy of a linear probe (logistic regression on mean and deviation of 40 log-mel bands,
[training/probe.py](../training/probe.py)), 100 + 100 clips of 5 s, five folds, the two clips of a pair in one fold. Random
negatives are other lists without the concept; counterfactuals are the same piece without it (for slow, fast and sad: with
another tempo or mood in its place). Against counterfactuals the probe has nothing but the concept to go by, and nothing
else in its way; tempo hardly shows in such statistics of five seconds. Slow pieces are told from random ones by being played on
their beats, too; their counterfactuals are played so as well.

${probe.join('\n')}

## Variety

500 seeds of one list (piano, bass guitar, drums, violin, pop, happy), 20 s each, all pairs, on the plans. Drums and chords
of one genre are meant to be alike, the notes are not.

${variety.join('\n')}

## Genres

${genres.join('\n')}

## Examples

MIDI files of 20 s; players sound different from the engine, the notes are the same.

${examples.join('\n')}
`;
  await writeMarkdown(join(ROOT, 'docs', 'soundfont-fidelity.md'), text);
}

function tempoSection({ meetTarget, summary, full }: TempoTables): string {
  return `Tempo of 200 clips of 20 s, over all tempo attributes that name a tempo, each with a genre and up to three instruments, as
the trackers of three projects hear it, with their default settings and no hint of what was asked for: Essentia's, madmom's
([training/tempo.py](../training/tempo.py)) and aubio's. Slower pieces have less than 80 beats a minute, half and double are
those of the piece's own tempo, and the metronome is a click on every beat and nothing else: a test of the tracker, by how
often it finds its tempo.

The target is 95 % within 5 % of the range asked for. Met by: ${meetTarget.join(', ') || 'none of them'}. The pulse is there: at
some level of it Essentia's and madmom's find the tempo of nine pieces in ten or more. What they disagree on is which level the
beat is. What is between the beats of a slow piece is heard as beats itself, and its tempo as twice as fast: slow pieces are
played on their beats since version 4 of the engine, but for those in 6/8. (Version 3 had eighths and sixteenths in all of them,
and slow began at 56 beats a minute: Essentia's multifeature found 30.6 % of the slower pieces and madmom's beats 61.2 %.) What is
left are slow pieces with something between the beats that was asked for (a groovy bass) or in their tune, and, by madmom's
networks, slow ones in 6/8 and faster ones that they count half, most of all where nothing is beaten. aubio's loses the metronome
too and is no judge.

${summary.join('\n')}

In full. A tracker that counts halves or doubles hears the same pulse at another level, so both are given, and beside them
what a wrong range gets: the ranges are wide, and with seven levels most tempi fit some range. What tells more is the share
within 5 % of the one tempo that the piece has.

${full.join('\n')}`;
}

/** Measures the tempo alone; the other sections stay as they are. */
async function writeTempo(engine: SoundFontEngine, folder: string, python: string): Promise<void> {
  const tempo = await step('tempo', () => measureTempo(engine, folder, python));
  const path = join(ROOT, 'docs', 'soundfont-fidelity.md');
  const report = await readFile(path, 'utf8');
  if (!report.includes(`for version ${engine.version} of`)) {
    throw new Error('the report is of another version of the engine: measure all of it');
  }
  await writeMarkdown(
    path,
    report.replace(/(?<=^## Tempo\n).*?(?=^## )/ms, () => `\n${tempoSection(tempo)}\n\n`),
  );
}

async function writeExamples(): Promise<string[]> {
  const random = new Random(6);
  const folder = join(ROOT, 'docs', 'examples');
  await mkdir(folder, { recursive: true });
  const genres = [
    'rock',
    'jazz',
    'techno',
    'classical',
    'reggae',
    'folk',
    'hip hop',
    'latin dance music',
    'ambient',
    'blues',
  ];
  const lines: string[] = [];
  for (const [seed, genre] of genres.entries()) {
    const list = randomList(random, [attribute(genre)], { mood: 1, tempo: 1, instrument: 4 });
    const file = `${genre.replaceAll(' ', '-')}.mid`;
    await writeFile(join(folder, file), midiFileOf(compose(list, seed, EXAMPLE_SECONDS)));
    lines.push(
      `- [${file}](examples/${file}): ${list.map((index) => ATTRIBUTES[index]!.name).join(', ')} (seed ${seed})`,
    );
  }
  return lines;
}

async function writeAttributes(): Promise<void> {
  const rows = CATEGORIES.flatMap((category) => [
    `## ${category[0]!.toUpperCase()}${category.slice(1)}`,
    '',
    '| attribute | what one hears | settings | where it is weak |',
    '| --- | --- | --- | --- |',
    ...ATTRIBUTES.filter((one) => one.category === category).map(({ index, name }) => {
      const { note, weakness, unsupported, ...settings } = MEANINGS[index]!;
      const shown = Object.entries(settings).map(([key, value]) => `${key}: ${describe(value)}`);
      const weak = unsupported === undefined ? (weakness ?? '') : `**not honoured**: ${unsupported}`;
      return `| ${name} | ${note} | ${shown.join('; ')} | ${weak} |`;
    }),
    '',
  ]);
  const text = `# What attributes mean to the soundfont engine

Written by \`npm run fidelity\` from the table of the engine,
[src/inference/soundfont/attributes](../src/inference/soundfont/attributes), where a musician can correct it; what a setting
means is in [meaning.ts](../src/inference/soundfont/attributes/meaning.ts), the styles are in
[styles.ts](../src/inference/soundfont/styles.ts). Of 200 attributes ${UNSUPPORTED_ATTRIBUTES.length} cannot be honoured and is refused, and
${WEAK_ATTRIBUTES.length} fall short of the word, as their rows say.

${rows.join('\n')}`;
  await writeMarkdown(join(ROOT, 'docs', 'soundfont-attributes.md'), text);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.map(describe).join(' ');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(describe).join(' ');
  return value === true ? 'yes' : String(value);
}

async function writeMarkdown(path: string, text: string): Promise<void> {
  await writeFile(path, await format(text, { ...(await resolveConfig(path)), parser: 'markdown' }));
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  process.stdout.write(`${name} ...`);
  const started = performance.now();
  const result = await work();
  process.stdout.write(` ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  return result;
}

function requireTool(command: string, args: readonly string[], wayOut: string): void {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    throw new Error(`${[command, ...args].join(' ')} does not run: ${wayOut}`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
