import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { CONCEPTS } from '../src/concepts/concepts';
import { findAttribute } from '../src/concepts/taxonomy';
import { askedConcepts, faultsOf, GUARDED } from '../src/inference/captioner/faithful';
import { enumerated } from '../src/inference/captioner/wording';
import { CAPTION_DEFAULTS } from '../src/inference/captioner/write-caption';
import { ModelProcess } from '../src/inference/model-process';

/**
 * Writes docs/captioner.md: how faithful and how natural captions are, for the authors' captions of held-out rows, this
 * model as it likes and this model under its constraints. Real captions are measured and not written down.
 */
const ROOT = join(__dirname, '..');
const CARD = join(ROOT, 'models', 'captioner', 'model.json');
const CURVE = join(ROOT, 'models', 'captioner', 'curve.jsonl');
const CHECKED = join(ROOT, 'docs', 'captioner-checked.jsonl');
const REPORT = join(ROOT, 'docs', 'captioner.md');
const HELD_OUT = ['validation', 'test'];
const SHOWN = 20;
const CHECKED_CAPTIONS = 100;
const SEED = 1;

const rowSchema = z.object({
  sourceId: z.string(),
  split: z.string().nullable(),
  caption: z.string(),
  attributes: z.array(z.string()),
});
type Row = z.infer<typeof rowSchema>;

interface Checked {
  readonly sourceId: string;
  readonly attributes: readonly string[];
  readonly seed: number;
  readonly caption: string;
  /** What a reader found; empty: said all, and nothing that was not asked for. `null`: not read yet. */
  readonly faults: readonly string[] | null;
}

void new Command('captions')
  .description('Measures the captioner on held-out rows and writes docs/captioner.md.')
  .argument('<rows>', 'rows written by `conceptcaps export`')
  .action(run)
  .parseAsync();

async function run(path: string): Promise<void> {
  const rows = (await readFile(path, 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => rowSchema.parse(JSON.parse(line)))
    .filter(({ split }) => split !== null && HELD_OUT.includes(split));
  const asked = rows.map(({ attributes }) =>
    attributes.map((name) => findAttribute(name)!.index).sort((a, b) => a - b),
  );
  process.stderr.write(`${rows.length} held-out rows\n`);

  const free = await writeAll(asked, false);
  const bound = await writeAll(asked, true);
  const measured = [
    measure(
      "the authors' captions",
      asked,
      rows.map(({ caption }) => caption),
      null,
    ),
    measure('this model as it likes', asked, free.captions, free.milliseconds),
    measure('this model under constraints', asked, bound.captions, bound.milliseconds),
  ];
  const order = shuffled(rows.length);
  const checked = await updateChecked(
    order.slice(0, CHECKED_CAPTIONS).map((at) => rows[at]!),
    order,
    bound.captions,
  );
  const shown = order
    .slice(CHECKED_CAPTIONS, CHECKED_CAPTIONS + SHOWN)
    .map((at) => ({ row: rows[at]!, caption: bound.captions[at]! }));
  const listed = bound.captions.filter((caption, at) => caption === enumerated(asked[at]!)).length;
  await writeFile(REPORT, await reportOf(rows.length, measured, listed, checked, shown));
}

/** Captions of all lists, as many at once as there are cores. */
async function writeAll(lists: readonly number[][], isConstrained: boolean) {
  const captions: string[] = new Array<string>(lists.length);
  const milliseconds: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const models = new ModelProcess();
      for (let at = next++; at < lists.length; at = next++) {
        const started = performance.now();
        const options = isConstrained ? CAPTION_DEFAULTS : { isConstrained, drafts: 1 };
        const tasks = [{ attributes: lists[at]!, seed: SEED + at }];
        captions[at] = (await models.captions(tasks, options))[0]!;
        milliseconds.push(performance.now() - started);
        if (at % 100 === 0) process.stderr.write(`${at} of ${lists.length}\n`);
      }
      await models.close();
    }),
  );
  return { captions, milliseconds };
}

interface Measured {
  readonly name: string;
  readonly coverage: number;
  readonly complete: number;
  readonly leaking: number;
  readonly leaks: number;
  readonly distinct: readonly [number, number];
  readonly repeated: number;
  readonly shared: number;
  readonly words: { readonly mean: number; readonly deviation: number };
  readonly milliseconds: readonly [number, number] | null;
}

function measure(
  name: string,
  lists: readonly number[][],
  captions: readonly string[],
  times: number[] | null,
): Measured {
  let askedCount = 0;
  let missingCount = 0;
  let complete = 0;
  let leaking = 0;
  let leaks = 0;
  lists.forEach((list, at) => {
    const concepts = askedConcepts(list);
    const { missing, leaked } = faultsOf(captions[at]!, concepts);
    askedCount += concepts.length;
    missingCount += missing.length;
    if (missing.length === 0) complete++;
    if (leaked.length > 0) leaking++;
    leaks += leaked.length;
  });
  const texts = captions.map((caption) => caption.toLowerCase().match(/[\p{L}\p{N}'’&]+/gu) ?? []);
  const lengths = texts.map(({ length }) => length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const sorted = times && [...times].sort((a, b) => a - b);
  return {
    name,
    coverage: 1 - missingCount / askedCount,
    complete: complete / lists.length,
    leaking: leaking / lists.length,
    leaks: leaks / lists.length,
    distinct: [distinct(texts, 1), distinct(texts, 2)],
    repeated: repeatedWithin(texts),
    shared: sharedBetween(texts),
    words: {
      mean,
      deviation: Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / lengths.length),
    },
    milliseconds: sorted && [sorted[Math.floor(sorted.length / 2)]!, sorted[Math.floor(sorted.length * 0.99)]!],
  };
}

function grams(words: readonly string[], length: number): string[] {
  return words.slice(0, Math.max(0, words.length - length + 1)).map((_, at) => words.slice(at, at + length).join(' '));
}

/** Different n-grams among all of them. */
function distinct(texts: readonly (readonly string[])[], length: number): number {
  const all = texts.flatMap((words) => grams(words, length));
  return new Set(all).size / all.length;
}

/** Share of 3-grams that stand in their own caption a second time. */
function repeatedWithin(texts: readonly (readonly string[])[]): number {
  let repeated = 0;
  let total = 0;
  for (const words of texts) {
    const own = grams(words, 3);
    repeated += own.length - new Set(own).size;
    total += own.length;
  }
  return repeated / total;
}

/** Share of 4-grams that stand in another caption, too. */
function sharedBetween(texts: readonly (readonly string[])[]): number {
  const captionsWith = new Map<string, number>();
  const own = texts.map((words) => new Set(grams(words, 4)));
  for (const set of own) for (const gram of set) captionsWith.set(gram, (captionsWith.get(gram) ?? 0) + 1);
  const all = own.flatMap((set) => [...set]);
  return all.filter((gram) => captionsWith.get(gram)! > 1).length / all.length;
}

/** Places in an order that is the same every time. */
function shuffled(length: number): number[] {
  return Array.from({ length }, (_, at) => at).sort(
    (a, b) => Math.imul(a + 1, 0x9e3779b1) - Math.imul(b + 1, 0x9e3779b1),
  );
}

/** The captions to be read: verdicts of a caption that is still the same stay. */
async function updateChecked(
  rows: readonly Row[],
  order: readonly number[],
  captions: readonly string[],
): Promise<Checked[]> {
  const before = await readFile(CHECKED, 'utf8').then(
    (text) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Checked),
    () => [],
  );
  const verdicts = new Map(before.map(({ caption, faults }) => [caption, faults]));
  const checked = rows.map(({ sourceId, attributes }, place): Checked => {
    const caption = captions[order[place]!]!;
    return { sourceId, attributes, seed: SEED + order[place]!, caption, faults: verdicts.get(caption) ?? null };
  });
  await writeFile(CHECKED, checked.map((one) => `${JSON.stringify(one)}\n`).join(''));
  return checked;
}

async function reportOf(
  rowCount: number,
  measured: readonly Measured[],
  listed: number,
  checked: readonly Checked[],
  shown: readonly { readonly row: Row; readonly caption: string }[],
): Promise<string> {
  const card = JSON.parse(await readFile(CARD, 'utf8')) as {
    architecture: { parameters: number };
    files: Record<string, { bytes: number }>;
    data: { train: number; dev: number; leftOut: number };
    heldOut: Record<string, { tokenPerplexity: number; wordPerplexity: number }>;
  };
  const curve = (await readFile(CURVE, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { epoch: number; train: number; dev: number; seconds: number });
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const read = checked.filter(({ faults }) => faults !== null);
  const faulty = read.filter(({ faults }) => faults!.length > 0);
  const guarded = CONCEPTS.filter((concept) => GUARDED[concept.index]).length;
  return `# How faithful the captioner is

Written by \`npm run captions -- rows.jsonl\` ([scripts/captioner-report.ts](../scripts/captioner-report.ts)) on the ${rowCount.toLocaleString('en')}
published rows of the validation and test splits, of which none was trained on. The model: a decoder-only transformer of
${(card.architecture.parameters / 1e6).toFixed(1)} million parameters, ${(Object.values(card.files).reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(1)} MB, trained from scratch on ${card.data.train.toLocaleString('en')} rows of the train split; ${card.data.leftOut} rows that share an
id with a held-out one were left out, ${card.data.dev} said when to stop. [training](../training/README.md) has the way.

## By the lexicons

Coverage: asked concepts that the caption says, and captions that say all of them. Leakage: captions that say an
instrument, voice, tempo or genre that was not asked for (${guarded} of the ${CONCEPTS.length} concepts: all but moods), and how many such
concepts a caption says. Under constraints the same lexicons decide what may be written, so that these figures say that
the construction works; what the lexicons do not know is found by reading, below.

| captions | coverage | complete | leaking | leaks a caption |
| --- | --- | --- | --- | --- |
${measured.map((m) => `| ${m.name} | ${percent(m.coverage)} | ${percent(m.complete)} | ${percent(m.leaking)} | ${m.leaks.toFixed(2)} |`).join('\n')}

## By reading

${read.length} of ${checked.length} captions, drawn by a fixed order, were read against their attributes
([captioner-checked.jsonl](captioner-checked.jsonl)): ${read.length - faulty.length} say all that was asked for and no other instrument, voice, tempo or
genre${read.length === 0 ? '' : ` (${percent((read.length - faulty.length) / read.length)})`}; the rest:

${faulty.map(({ attributes, faults }) => `- ${attributes.join(', ')}: ${faults!.join('; ')}`).join('\n') || '- none'}

## As text

Distinct: different words, and pairs of words, among all. Repeated: 3-grams that stand in their own caption before.
Shared: 4-grams that stand in another caption, too. Time: median and 99th percentile of a caption on one core, in a
process of its own. ${listed} of the captions under constraints (${percent(listed / rowCount)}) are no text but a list, a sentence for
each attribute, as is written where no draft came to a good end.

| captions | words | distinct-1 | distinct-2 | repeated | shared | milliseconds |
| --- | --- | --- | --- | --- | --- | --- |
${measured.map((m) => `| ${m.name} | ${m.words.mean.toFixed(0)} ± ${m.words.deviation.toFixed(0)} | ${m.distinct[0].toFixed(3)} | ${m.distinct[1].toFixed(3)} | ${percent(m.repeated)} | ${percent(m.shared)} | ${m.milliseconds ? m.milliseconds.map((ms) => ms.toFixed(0)).join(', ') : ''} |`).join('\n')}

Perplexity of the held-out captions under this model:

| given | a token | a word |
| --- | --- | --- |
${Object.entries(card.heldOut)
  .map(
    ([name, { tokenPerplexity, wordPerplexity }]) =>
      `| ${name.replace(/^given /, '')} | ${tokenPerplexity} | ${wordPerplexity} |`,
  )
  .join('\n')}

## Training

Loss in nats a token; the weights are those of the epoch with the least on the rows that say when to stop.

| epoch | train | stop | seconds |
| --- | --- | --- | --- |
${curve.map(({ epoch, train, dev, seconds }) => `| ${epoch} | ${train} | ${dev} | ${seconds} |`).join('\n')}

## Examples

Not chosen. The id is that of the published row with the same attributes, for its caption to be set beside.

${shown.map(({ row, caption }) => `- \`${row.sourceId}\`: *${row.attributes.join(', ')}*\n\n  ${caption}`).join('\n\n')}
`;
}
