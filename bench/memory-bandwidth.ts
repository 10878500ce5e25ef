import { Worker } from 'node:worker_threads';

const MEGABYTES = 128;
const ROUNDS = 6;
/** `memcmp` reads two arrays as fast as the memory gives them. */
const READER = `
  const { parentPort } = require('node:worker_threads');
  const one = Buffer.alloc(${MEGABYTES} << 20, 1);
  const two = Buffer.alloc(${MEGABYTES} << 20, 1);
  parentPort.on('message', () => {
    one.compare(two);
    parentPort.postMessage(0);
  });
  parentPort.postMessage(0);
`;

/** Bytes a second that so many threads together read of memory, the best of some rounds. */
export async function memoryBandwidth(threads: number): Promise<number> {
  const workers = Array.from({ length: threads }, () => new Worker(READER, { eval: true }));
  const answered = () =>
    Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  await answered();
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const done = answered();
    for (const worker of workers) worker.postMessage(0);
    await done;
    best = Math.min(best, performance.now() - started);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (threads * 2 * MEGABYTES * 2 ** 20) / (best / 1000);
}
