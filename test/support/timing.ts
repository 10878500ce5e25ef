/** Measurements of what the product does, as little as possible of what else goes on on the machine. */

/** Seconds of processor time that this process spends meanwhile: waiting for a turn is none of it. */
export async function processorSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The least of up to three measurements, ending at the first that is within the limit: load disturbs one and not all. */
export async function bestOfThree(limit: number, measure: (attempt: number) => Promise<number>): Promise<number> {
  let best = Infinity;
  for (let attempt = 0; attempt < 3 && best >= limit; attempt++) best = Math.min(best, await measure(attempt));
  return best;
}
