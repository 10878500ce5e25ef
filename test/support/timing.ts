/** Measurements of what the product does, as little as possible of what else goes on on the machine. */

/** Seconds of processor time that this process spends meanwhile: waiting for a turn is none of it. */
export async function processorSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/**
 * The least of three measurements, of which what goes on beside may disturb one and not all.
 * @param enough the first that is less ends it
 */
export async function bestOfThree(measure: (attempt: number) => Promise<number>, enough = -Infinity): Promise<number> {
  let best = Infinity;
  for (let attempt = 0; attempt < 3 && best >= enough; attempt++) best = Math.min(best, await measure(attempt));
  return best;
}
