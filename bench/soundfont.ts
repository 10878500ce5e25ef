import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findAttribute } from '../src/concepts/taxonomy';
import type { RenderAnswer, RenderJob } from '../src/inference/soundfont/render-child';
import { percentile, printTable } from './table';

/** A rendering process of the soundfont engine: what it takes to start, and how fast it renders. */
const CHILD = join(__dirname, '..', 'dist', 'inference', 'soundfont', 'render-child.js');
const SECONDS = 30;
const CLIPS = 8;
const SPEED_BOUND = 25;
const BANDS: Readonly<Record<string, readonly string[]>> = {
  'piano alone': ['piano', 'sad'],
  'small band': ['piano', 'bass guitar', 'drums', 'pop'],
  'full band': ['piano', 'bass guitar', 'drums', 'electric guitar', 'strings', 'trumpets', 'female voice', 'pop'],
};

export async function benchSoundfont(): Promise<void> {
  const speeds: string[][] = [];
  const starts: string[][] = [];
  for (const [name, attributes] of Object.entries(BANDS)) {
    const child = fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const job = (seed: number): RenderJob => ({
      attributes: attributes.map((one) => findAttribute(one)!.index).sort((a, b) => a - b),
      seed,
      durationSeconds: SECONDS,
      texture: null,
      part: null,
    });
    const first = await timed(child, job(1_000));
    const times: number[] = [];
    for (let seed = 0; seed < CLIPS; seed++) times.push(await timed(child, job(seed)));
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    child.kill('SIGKILL');
    const speed = SECONDS / percentile(times, 0.5);
    speeds.push([
      name,
      percentile(times, 0.5).toFixed(2),
      speed.toFixed(0),
      name === 'full band' ? String(SPEED_BOUND) : '',
    ]);
    starts.push([name, first.toFixed(2), (Number(peak) / 1024).toFixed(0)]);
  }
  printTable(
    `A clip of ${SECONDS} s in stereo at 32 kHz, one process`,
    ['what', 's', 'times real time', 'target'],
    speeds,
  );
  printTable('A rendering process', ['what', 'its first clip, start included, s', 'peak MB'], starts);
}

/** Seconds until the clip is there. */
async function timed(child: ChildProcess, job: RenderJob): Promise<number> {
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    const listen = (answer: RenderAnswer) => {
      if ('progress' in answer) return;
      child.off('message', listen);
      if ('wav' in answer) resolve();
      else reject(new Error(answer.error));
    };
    child.on('message', listen);
    child.send(job);
  });
  return (performance.now() - started) / 1000;
}
