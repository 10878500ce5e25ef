import { readFileSync } from 'node:fs';
import { Random } from '../src/concepts/random';
import { ATTRIBUTES } from '../src/concepts/taxonomy';
import { ModelProcess } from '../src/inference/model-process';
import { percentile, printTable } from './table';

/** The learned stages on one core, in the process that runs them, at the side of whoever asks it. */
const COMPLETIONS = 1_000;
const COMPLETIONS_BOUND_MS = 200;
const CAPTIONS = 40;
const CAPTION_BOUND_MS = 1_000;
const BATCHES = [1, 4, 8];

export async function benchLearned(): Promise<void> {
  const started = performance.now();
  const models = new ModelProcess();
  const random = new Random(1);
  const list = (length: number) =>
    [...new Set(Array.from({ length }, () => random.below(ATTRIBUTES.length)))].sort((a, b) => a - b);
  const completion = (seed: number) => ({
    given: list(2),
    forbidden: [],
    seed,
    temperature: 1,
    threshold: null,
    count: null,
  });
  const timed = async (work: () => Promise<unknown>) => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };

  await models.complete([completion(0)]);
  const vaeReady = performance.now() - started;
  await models.captions([{ attributes: list(5), seed: 0 }]);
  const allReady = performance.now() - started;
  const many: number[] = [];
  const one: number[] = [];
  for (let round = 0; round < 10; round++) {
    const wanted = Array.from({ length: COMPLETIONS }, (_, seed) => completion(seed));
    many.push(await timed(() => models.complete(wanted)));
    one.push(await timed(() => models.complete([completion(round)])));
  }
  printTable(
    'Completing partial combinations',
    ['what', 'median ms', 'worst ms', 'bound ms'],
    [
      [`${COMPLETIONS} at once`, ...middleAndWorst(many), String(COMPLETIONS_BOUND_MS)],
      ['one', ...middleAndWorst(one), ''],
    ],
  );

  const rows: string[][] = [];
  for (const size of BATCHES) {
    const times: number[] = [];
    for (let first = 0; first < CAPTIONS; first += size) {
      const tasks = Array.from({ length: size }, (_, at) => ({ attributes: list(7), seed: first + at }));
      times.push(await timed(() => models.captions(tasks)));
    }
    const seconds = times.reduce((sum, ms) => sum + ms, 0) / 1_000;
    rows.push([
      String(size),
      ...middleAndWorst(times),
      size === 1 ? String(CAPTION_BOUND_MS) : '',
      (CAPTIONS / seconds).toFixed(1),
    ]);
  }
  printTable(
    'Captions of about seven attributes',
    ['at once', 'median ms', 'worst ms', 'bound ms', 'captions a second'],
    rows,
  );
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${models.pid}/status`, 'utf8'))?.[1];
  printTable(
    'The process of the models',
    ['ready to complete, ms', 'ready to write, ms', 'peak MB'],
    [[vaeReady.toFixed(0), allReady.toFixed(0), (Number(peak) / 1024).toFixed(0)]],
  );
  await models.close();
}

function middleAndWorst(times: readonly number[]): [string, string] {
  return [percentile(times, 0.5).toFixed(0), Math.max(...times).toFixed(0)];
}
