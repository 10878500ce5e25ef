/**
 * One measurement of MusicGen, in a process of its own so that its memory can be told from others'.
 * Usage: node musicgen-run.mjs DIRECTORY PRECISION CLIPS SECONDS THREADS [DEVICE]; prints a line of JSON.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const runtime = await require('../dist/inference/onnx.js').loadOnnxRuntime();
const module = (name) => require(`../dist/inference/musicgen/${name}.js`);
const { prepareModel } = module('prepare');
const { MusicGen, SAMPLING } = module('musicgen');
const { ClipTokens } = module('clip');
const { DecoderCache } = module('decoder-cache');
const { CHUNK_STEPS } = module('memory-budget');

const [directory, precision, clipCount, seconds, threads, device = 'cpu'] = process.argv.slice(2);
const started = performance.now();
const prepared = await prepareModel(directory, precision);
const preparedAt = performance.now();
const model = await MusicGen.load(runtime, directory, prepared, { device, threads: Number(threads) });
const loadedAt = performance.now();

async function make(frames) {
  const begun = performance.now();
  const text = await model.encodeText('a bright violin over a driving techno beat');
  const clips = Array.from({ length: Number(clipCount) }, (_, seed) => ({
    text,
    tokens: new ClipTokens(model.config.decoder, { frames, seed }, { window: 1500, overlap: 600 }),
  }));
  const cache = new DecoderCache(model.cacheShape);
  cache.rearrange(clips.map(() => null));
  cache.reserve(clips[0].tokens.stepsLeft);
  const encodedAt = performance.now();
  let steps = 0;
  const perStep = [];
  while (!clips[0].tokens.isFinished) {
    const chunk = Math.min(CHUNK_STEPS, clips[0].tokens.stepsLeft);
    const before = performance.now();
    await model.runChunk(clips, cache, chunk, SAMPLING);
    perStep.push((performance.now() - before) / chunk);
    steps += chunk;
  }
  const sampledAt = performance.now();
  for (const { tokens } of clips) await model.decode(tokens.codesOf(frames));
  const doneAt = performance.now();
  const codes = clips.map(({ tokens }) => tokens.codesOf(frames).map((own) => Array.from(own)));
  return {
    codes,
    steps,
    msPerStep: (sampledAt - encodedAt) / steps,
    bestMsPerStep: Math.min(...perStep),
    textMs: encodedAt - begun,
    codecMs: doneAt - sampledAt,
    wallMs: doneAt - begun,
  };
}

// What is allocated once is not counted.
await make(40);
const { codes, ...measured } = await make(Math.round(50 * Number(seconds)));
const peakMb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
process.stdout.write(
  JSON.stringify({
    ...measured,
    prepareMs: preparedAt - started,
    loadMs: loadedAt - preparedAt,
    peakMb,
    firstClip: codes[0].map((own) => own.slice(0, 40)),
  }),
);
process.exit(0);
