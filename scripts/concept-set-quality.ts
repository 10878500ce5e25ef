import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONCEPTS } from '../src/concepts/concepts';
import type { IndexView } from '../src/concepts/concept-index';
import { diagnose, type AttributeBalance, type Diagnostics } from '../src/concepts/sets/diagnostics';
import type { ConceptSetRequest, Strategy } from '../src/concepts/sets/request';
import { selectConceptSet } from '../src/concepts/sets/select';
import { indexPublishedRows } from './published-index';

/**
 * Measures concept sets on the real rows and writes docs/concept-set-quality.md: `npm run quality [-- FOLDER]`.
 */
const FOLDER = process.argv[2] ?? join(__dirname, '..', '..', 'shared', 'data', 'conceptcaps');
const REPORT = join(__dirname, '..', 'docs', 'concept-set-quality.md');
const SIZE = 50;
const MINIMUM_POSITIVES = 30;
const SEEDS = [1, 2, 3, 4, 5];
const STRATEGIES = ['RANDOM', 'CLEAN', 'MATCHED', 'BALANCED'] as const;
const AIM = { balancedMean: 0.04, balancedWorst: 0.2, matchedMean: 0.12 };

interface Measured {
  /** Over the seeds: mean of the means, and of the worst. */
  readonly mean: number;
  readonly worst: number;
  /** Largest over the seeds. */
  readonly highestMean: number;
  readonly highestWorst: number;
  /** With the attributes of contradicting concepts counted too. */
  readonly strictMean: number;
  readonly contamination: { readonly positives: number; readonly negatives: number };
  readonly naive: { readonly positives: number; readonly negatives: number };
  readonly found: number;
}

interface Line {
  readonly name: string;
  readonly positives: number;
  readonly isOpposed: boolean;
  readonly by: Readonly<Record<(typeof STRATEGIES)[number], Measured>>;
}

async function main(): Promise<void> {
  if (!existsSync(FOLDER)) throw new Error(`there are no published rows at ${FOLDER}`);
  const { index } = await indexPublishedRows(FOLDER);
  const view = index.now();
  const lines: Line[] = [];
  for (const { index: concept, name, contradicts } of CONCEPTS) {
    const positives = selectConceptSet(view, request(concept, 'CLEAN', 1)).available.positives;
    if (positives < MINIMUM_POSITIVES) continue;
    const by = Object.fromEntries(STRATEGIES.map((strategy) => [strategy, measure(view, concept, strategy)]));
    lines.push({ name, positives, isOpposed: contradicts.length > 0, by: by as Line['by'] });
    process.stderr.write(`${name}\n`);
  }
  writeFileSync(REPORT, report(index.size, lines));
  process.stdout.write(`Wrote ${REPORT}\n`);
}

function request(concept: number, strategy: Strategy, seed: number): ConceptSetRequest {
  return {
    target: { kind: 'concept', concept },
    against: null,
    scope: { kind: 'and', conditions: [] },
    positives: SIZE,
    negatives: SIZE,
    randomSets: 0,
    randomSetSize: SIZE,
    strategy,
    seed,
    captionConfirms: true,
  };
}

function measure(view: IndexView, concept: number, strategy: Strategy): Measured {
  const runs = SEEDS.map((seed) => {
    const asked = request(concept, strategy, seed);
    const selection = selectConceptSet(view, asked);
    return { ...diagnose(view, asked, selection), found: selection.positives.length };
  });
  const over = (value: (run: Diagnostics) => number) => average(runs.map(value));
  return {
    mean: over(({ balance }) => balance.meanAbsSmd),
    worst: over(({ balance }) => balance.maxAbsSmd),
    highestMean: Math.max(...runs.map(({ balance }) => balance.meanAbsSmd)),
    highestWorst: Math.max(...runs.map(({ balance }) => balance.maxAbsSmd)),
    strictMean: over(({ balance }) => strictMean(balance.attributes)),
    contamination: {
      positives: over(({ contamination }) => contamination.positives),
      negatives: over(({ contamination }) => contamination.negatives),
    },
    naive: {
      positives: over(({ contamination }) => contamination.naivePositives),
      negatives: over(({ contamination }) => contamination.naiveNegatives),
    },
    found: Math.min(...runs.map(({ found }) => found)),
  };
}

function strictMean(attributes: readonly AttributeBalance[]): number {
  return average(
    attributes
      .filter(
        ({ counts, isOpposed, positives, negatives }) => counts || (isOpposed && (positives + negatives) / 2 >= 0.05),
      )
      .map(({ smd }) => Math.abs(smd)),
  );
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function report(rows: number, lines: readonly Line[]): string {
  const full = lines.filter(({ positives }) => positives >= SIZE);
  const percent = (share: number) => (100 * share).toFixed(0);
  const f = (value: number) => value.toFixed(3);
  const of = (strategy: (typeof STRATEGIES)[number], value: (measured: Measured) => number, among = full) =>
    average(among.map(({ by }) => value(by[strategy])));
  const within = (test: (line: Line) => boolean) => `${full.filter(test).length} of ${full.length}`;
  const balancedMisses = full.filter(
    ({ by }) => by.BALANCED.mean >= AIM.balancedMean || by.BALANCED.highestWorst >= AIM.balancedWorst,
  );
  const matchedMisses = full.filter(({ by }) => by.MATCHED.mean >= AIM.matchedMean);
  const opposed = full.filter(({ isOpposed }) => isOpposed);
  return [
    '# What concept sets are worth',
    '',
    `Written by \`npm run quality\` over ${rows.toLocaleString('en-US')} published rows: all ${lines.length} curated concepts with at least ${MINIMUM_POSITIVES} clean positives (one a source id), sets of ${SIZE} + ${SIZE} (fewer positives where there are fewer), mean over seeds ${SEEDS.join(', ')}.`,
    '',
    '- **Contamination**: share of rows on the wrong side. Negatives that carry the concept by any attribute or mention it in the caption; positives that carry or mention what contradicts it. *Naive* is today’s practice: rows with the one tag of that name against rows without it.',
    '- **|SMD|**: standardised mean difference of the other attributes that at least 5 % of the two sides carry; mean and worst. Attributes of concepts that contradict the one asked for are part of the wanted difference and left out; the last section counts them in.',
    '',
    '## Summary',
    '',
    `Over the ${full.length} concepts with at least ${SIZE} positives:`,
    '',
    '| strategy | contaminated positives % | contaminated negatives % | mean \\|SMD\\| | worst \\|SMD\\|, mean over concepts | worst of all |',
    '| --- | --- | --- | --- | --- | --- |',
    `| naive | ${percentOf(of('CLEAN', ({ naive }) => naive.positives))} | ${percentOf(of('CLEAN', ({ naive }) => naive.negatives))} | | | |`,
    ...STRATEGIES.map(
      (strategy) =>
        `| ${strategy} | ${percentOf(of(strategy, ({ contamination }) => contamination.positives))} | ${percentOf(of(strategy, ({ contamination }) => contamination.negatives))} | ${f(of(strategy, ({ mean }) => mean))} | ${f(of(strategy, ({ worst }) => worst))} | ${f(Math.max(...full.map(({ by }) => by[strategy].highestWorst)))} |`,
    ),
    '',
    `- Contamination of CLEAN, MATCHED and BALANCED is 0 for ${within(({ by }) => (['CLEAN', 'MATCHED', 'BALANCED'] as const).every((s) => by[s].contamination.positives + by[s].contamination.negatives === 0))} concepts.`,
    `- BALANCED, aim: mean under ${AIM.balancedMean} and worst under ${AIM.balancedWorst} in every seed. Met by ${full.length - balancedMisses.length} of ${full.length}${misses(balancedMisses, ({ name, positives, by }) => `${name} (${positives} positives: mean ${f(by.BALANCED.mean)}, worst ${f(by.BALANCED.highestWorst)})`)}`,
    `- MATCHED, aim: mean under ${AIM.matchedMean}. Met by ${full.length - matchedMisses.length} of ${full.length}${misses(matchedMisses, ({ name, positives, by }) => `${name} (${positives} positives: ${f(by.MATCHED.mean)})`)}`,
    '',
    '## By concept',
    '',
    'Contamination in % of positives / negatives; |SMD| as mean / worst.',
    '',
    `| concept | positives | naive | ours | ${STRATEGIES.join(' | ')} |`,
    `| --- | --- | --- | --- | ${STRATEGIES.map(() => '---').join(' | ')} |`,
    ...lines.map(({ name, positives, by }) => {
      const ours = by.BALANCED.contamination;
      const cells = STRATEGIES.map((strategy) => `${f(by[strategy].mean)} / ${f(by[strategy].worst)}`);
      return `| ${name} | ${positives} | ${percent(by.CLEAN.naive.positives)} / ${percent(by.CLEAN.naive.negatives)} | ${percent(ours.positives)} / ${percent(ours.negatives)} | ${cells.join(' | ')} |`;
    }),
    '',
    '## With contradicting attributes counted in',
    '',
    'Where a concept contradicts others (slow × fast, vocals × no vocals), its positives cannot carry their attributes. A negative may: that is what it is to be not slow. Counting those attributes as imbalance gives these means:',
    '',
    `| concept | ${STRATEGIES.join(' | ')} |`,
    `| --- | ${STRATEGIES.map(() => '---').join(' | ')} |`,
    ...opposed.map(
      ({ name, by }) => `| ${name} | ${STRATEGIES.map((strategy) => f(by[strategy].strictMean)).join(' | ')} |`,
    ),
    '',
  ].join('\n');
}

function percentOf(share: number): string {
  return (100 * share).toFixed(1);
}

function misses<T>(lines: readonly T[], toText: (line: T) => string): string {
  return lines.length === 0 ? '.' : `; missed by ${lines.map(toText).join(', ')}.`;
}

void main();
