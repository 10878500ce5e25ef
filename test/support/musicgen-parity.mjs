/**
 * Runs a tiny MusicGen in plain Node, outside of jest, whose typed arrays the runtime does not take for its own, and
 * compares it with what PyTorch computed of it (parity.json beside the model). Prints the findings as JSON.
 * Usage: node musicgen-parity.mjs DIRECTORY [PRECISION]: a copy of a fixture, beside whose model graphs and weights are
 * written. With a precision nothing but how near its logits are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const runtime = await require('../../dist/inference/onnx.js').loadOnnxRuntime();
const module = (name) => require(`../../dist/inference/musicgen/${name}.js`);
const { prepareModel } = module('prepare');
const { decoderGraph } = module('decoder-graph');
const { PreparedWeights } = module('prepared-weights');
const { Weights } = module('safetensors');
const { MusicGen } = module('musicgen');
const { ClipTokens } = module('clip');
const { DecoderCache } = module('decoder-cache');

const [directory, only] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(join(directory, 'parity.json'), 'utf8'));
const windows = { window: 1500, overlap: 600 };
const GREEDY = { guidance: expected.greedy.guidance, temperature: 1, topK: 250, topP: 1, isGreedy: true };

const greatest = (ours, theirs) => {
  const flat = theirs.flat(Infinity);
  if (ours.length !== flat.length) throw new Error(`${ours.length} values instead of ${flat.length}`);
  return flat.reduce((most, value, at) => Math.max(most, Math.abs(value - ours[at])), 0);
};

/** The model in a precision, its decoder telling its logits as well. */
async function open(precision) {
  const prepared = await prepareModel(directory, precision);
  const weights = new PreparedWeights(await Weights.open(directory), `telling-${precision}.bin`, precision);
  const decoder = join(directory, `telling-${precision}.onnx`);
  const graph = decoderGraph(prepared.config, weights, { givesLogits: true });
  await weights.write();
  writeFileSync(decoder, graph.toModel());
  const model = await MusicGen.load(runtime, directory, { ...prepared, decoder }, { device: 'cpu', threads: 1 });
  // What the last chunk gave, logits included.
  const run = model.decoder.run.bind(model.decoder);
  model.decoder = { run: async (feeds) => (model.last = await run(feeds)), release: () => undefined };
  return model;
}

/** A clip whose first tokens are given, [codebook][position], and whose noise is of the real clip's making, or `noise`. */
class GivenClip {
  constructor(model, inputs, { seed = 0, noise = null } = {}) {
    Object.assign(this, { inputs, noise, position: 0, made: [] });
    this.real = new ClipTokens(model.config.decoder, { frames: 100, seed }, windows);
  }
  get tokens() {
    return BigInt64Array.from(this.inputs, (own) => BigInt(own[this.position]));
  }
  given(steps) {
    const codebooks = this.inputs.length;
    return BigInt64Array.from({ length: steps * codebooks }, (_, i) => {
      const own = this.inputs[i % codebooks];
      const at = this.position + 1 + Math.floor(i / codebooks);
      return at < own.length ? BigInt(own[at]) : -1n;
    });
  }
  writeNoise(noise, steps, choices, offset, stride) {
    if (this.noise === null) return this.real.writeNoise(noise, steps, choices, offset, stride);
    const at = offset + (steps - 1) * stride;
    for (let i = 0; i < this.inputs.length * choices; i++) noise[at + i] = i % choices === this.noise ? 1e6 : 0;
  }
  take(made) {
    this.position += made.length / this.inputs.length;
    this.made.push(...Array.from(made, Number));
  }
}

async function run(model, clips, chunks, sampling) {
  const cache = new DecoderCache(model.cacheShape);
  cache.rearrange(clips.map(() => null));
  for (const steps of chunks) await model.runChunk(clips, cache, steps, sampling);
}

/** Codes of whole clips, made side by side in chunks. */
async function generate(model, plans, sampling, chunk = 32) {
  const clips = [];
  for (const { text, ...plan } of plans) {
    clips.push({ text: await model.encodeText(text), tokens: new ClipTokens(model.config.decoder, plan, windows) });
  }
  const cache = new DecoderCache(model.cacheShape);
  cache.rearrange(clips.map(() => null));
  while (clips.some(({ tokens }) => !tokens.isFinished)) {
    const steps = Math.min(chunk, Math.max(...clips.map(({ tokens }) => tokens.stepsLeft)));
    await model.runChunk(clips, cache, steps, sampling);
  }
  return clips.map(({ tokens }) => tokens.codesOf(tokens.plan.frames).map((own) => Array.from(own)));
}

const { prompts, encoder, decoder, greedy, audio, sampling } = expected;

/** Logits behind `position`, read in two chunks, of the row of a prompt in a batch of prompts 0 and 1. */
async function logitsOf(model, { prompt, position }) {
  const clips = [];
  for (const each of [0, 1])
    clips.push({ text: await model.encodeText(prompts[each].text), tokens: new GivenClip(model, decoder.inputs) });
  const chunks = position < 5 ? [position + 1] : [5, position - 4];
  await run(model, clips, chunks, GREEDY);
  const { data, dims } = model.last.logits;
  const [steps, rows, width] = dims;
  const row = (at) =>
    Array.from(data.subarray(((steps - 1) * rows + at) * width, ((steps - 1) * rows + at + 1) * width));
  return { conditional: row(prompt), unconditional: row(2 + prompt) };
}
/** How far the logits of a precision are from PyTorch's, as a share of their own spread. */
async function errorOf(model) {
  let error = 0;
  let spread = 0;
  for (const position of decoder.logits) {
    const ours = await logitsOf(model, position);
    position.conditional.flat().forEach((value, i) => {
      error += (ours.conditional[i] - value) ** 2;
      spread += value ** 2;
    });
  }
  return Math.sqrt(error / spread);
}

if (only) {
  process.stdout.write(JSON.stringify({ error: await errorOf(await open(only)) }));
  process.exit(0);
}

const model = await open('fp32');
const codebooks = decoder.inputs.length;
const vocabulary = model.config.decoder.vocab_size;
const textOf = (prompt) => model.encodeText(prompts[prompt].text);
const found = {};

found.tokensDiffer = prompts
  .filter(({ text, ids }) => model.tokensOf(text).join() !== ids.join())
  .map(({ text }) => text);

found.encoder = 0;
for (const { prompt, positions, hidden } of encoder) {
  const { hidden: ours } = await textOf(prompt);
  const size = model.config.text_encoder.d_model;
  const rows = positions.flatMap((at) => Array.from(ours.subarray(at * size, (at + 1) * size)));
  found.encoder = Math.max(found.encoder, greatest(rows, hidden));
}

found.logits = 0;
for (const one of decoder.logits) {
  const ours = await logitsOf(model, one);
  for (const half of ['conditional', 'unconditional']) {
    found.logits = Math.max(found.logits, greatest(ours[half], one[half]));
  }
}

const plans = greedy.prompts.map((prompt) => ({ text: prompts[prompt].text, frames: greedy.frames, seed: 0 }));
const codes = await generate(model, plans, GREEDY);
found.greedyFrames = greedy.frames;
found.greedyDiffer = codes.flat(2).filter((code, i) => code !== greedy.codes.flat(2)[i]).length;

const decoded = await model.decode(audio.codes.map((own) => Int32Array.from(own)));
found.audio = Math.max(
  ...decoded.map((channel, i) =>
    greatest(
      channel.filter((_, at) => at % audio.every === 0),
      audio.values[i],
    ),
  ),
);
// In tiles of less than half of it, each with what is around it.
const tiled = await model.decode(
  audio.codes.map((own) => Int32Array.from(own)),
  17,
);
found.tiles = Math.max(...decoded.map((channel, i) => greatest(tiled[i], Array.from(channel))));
found.samples = decoded.map(({ length }) => length);
found.expectedSamples = audio.rms.map(() => audio.samples);

// Sampling: whose turn it is, rank by rank, and how often, over many seeds.
const context = decoder.inputs.map((own) => own.slice(0, sampling.position + 1));
const text = await textOf(sampling.prompt);
const steps = sampling.position + 1;
const lastOf = (clip) => clip.made.slice(-codebooks);
found.cuts = [];
for (const { topK, topP, codebooks: wanted } of sampling.cuts) {
  const how = { guidance: sampling.guidance, temperature: sampling.temperature, topK, topP, isGreedy: false };
  const ranks = Math.min(topK, vocabulary);
  const probes = Array.from({ length: ranks }, (_, noise) => ({
    text,
    tokens: new GivenClip(model, context, { noise }),
  }));
  await run(model, probes, [steps], how);
  // A rank that is cut off gives way to the likeliest.
  const allowed = wanted.map((_, codebook) => {
    const drawn = probes.map(({ tokens }) => lastOf(tokens)[codebook]);
    return drawn.filter((token, rank) => rank === 0 || token !== drawn[0]);
  });
  const draws = 4096;
  const counts = wanted.map(() => new Map());
  for (let seed = 0; seed < draws; seed += 256) {
    const clips = Array.from({ length: 256 }, (_, i) => ({
      text,
      tokens: new GivenClip(model, context, { seed: seed + i }),
    }));
    await run(model, clips, [steps], how);
    for (const { tokens } of clips) {
      lastOf(tokens).forEach((token, codebook) => {
        counts[codebook].set(token, (counts[codebook].get(token) ?? 0) + 1);
      });
    }
  }
  const masks = wanted.map(({ ids }, codebook) => ids.join() === allowed[codebook].join());
  found.cuts.push({ topK, topP, masks, fits: wanted.map((own, codebook) => chiSquare(own, counts[codebook], draws)) });
}

/** How far the counts are from the probabilities, in standard deviations of chi-square; rare tokens together. */
function chiSquare({ ids, probabilities }, counts, draws) {
  let square = 0;
  let cells = 0;
  let rare = { expected: 0, seen: 0 };
  const add = (expected, seen) => {
    square += (seen - expected) ** 2 / expected;
    cells++;
  };
  ids.forEach((id, i) => {
    const expected = probabilities[i] * draws;
    const seen = counts.get(id) ?? 0;
    if (expected >= 5) add(expected, seen);
    else rare = { expected: rare.expected + expected, seen: rare.seen + seen };
  });
  if (rare.expected > 0) add(rare.expected, rare.seen);
  const freedom = cells - 1;
  return freedom === 0 ? 0 : (square - freedom) / Math.sqrt(2 * freedom);
}

// A clip is the same alone, beside others, beside one that came earlier, and where a longer one goes on.
const paper = { guidance: 3.5, temperature: 1.2, topK: 250, topP: 0.95, isGreedy: false };
const one = { text: prompts[0].text, frames: 90, seed: 7 };
const others = [1, 2].map((prompt, i) => ({ text: prompts[prompt].text, frames: 150, seed: 70 + i }));
const [alone] = await generate(model, [one], paper);
const [, beside] = await generate(model, [others[0], one, others[1]], paper);
const [longer] = await generate(model, [{ ...one, frames: 150 }], paper);
const [again] = await generate(model, [one], paper);
const [another] = await generate(model, [{ ...one, seed: 8 }], paper);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
found.again = same(alone, again);
found.beside = same(alone, beside);
// The last frames of the shorter one know that it ends: its first codebooks have ended before the others.
const shared = 90 - codebooks;
found.prefix = same(...[alone, longer].map((codes) => codes.map((own) => own.slice(0, shared))));
found.otherSeed = same(alone, another);

// In fewer bits.
found.precisions = {};
for (const precision of ['int8', 'int4', 'fp16']) {
  const other = await open(precision);
  const [first] = await generate(other, [one], paper);
  const [, second] = await generate(other, [others[0], one], paper);
  found.precisions[precision] = { error: await errorOf(other), beside: same(first, second) };
}
process.stdout.write(JSON.stringify(found, null, 1));
