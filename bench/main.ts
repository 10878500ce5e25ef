import { cpus } from 'node:os';
import { benchGeneration } from './generation';
import { benchLearned } from './learned';
import { benchMusicgen } from './musicgen';
import { benchServe } from './serve';
import { benchSets } from './sets';
import { benchSoundfont } from './soundfont';

/** `npm run bench` runs them all, `npm run bench -- NAME` one. */
const BENCHES: Record<string, () => Promise<void>> = {
  serve: benchServe,
  sets: benchSets,
  generation: benchGeneration,
  learned: benchLearned,
  soundfont: benchSoundfont,
  musicgen: benchMusicgen,
};

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !BENCHES[name]);
  if (unknown) throw new Error(`there is no benchmark "${unknown}"; there is: ${Object.keys(BENCHES).join(', ')}`);
  process.stdout.write(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model}\n`);
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) await BENCHES[name]!();
}

void main(process.argv.slice(2));
