/**
 * Runs the built-in models in plain Node, outside of jest, whose typed arrays the runtime does not take for its own.
 * Reads the vectors of test/fixtures/model-parity.json and prints the greatest difference of each.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const runtime = await require('../../dist/inference/onnx.js').loadOnnxRuntime();
const { openAttributeVae, rowsOf } = require('../../dist/inference/attribute-vae/vae.js');
const { openCaptioner } = require('../../dist/inference/learned-models.js');
const { verifiedFiles } = require('../../dist/inference/built-in-models.js');

const fixture = JSON.parse(readFileSync(new URL('../fixtures/model-parity.json', import.meta.url), 'utf8'));
const greatest = (ours, theirs) => {
  const flat = theirs.flat();
  if (ours.length !== flat.length) throw new Error(`${ours.length} values instead of ${flat.length}`);
  return flat.reduce((most, value, at) => Math.max(most, Math.abs(value - ours[at])), 0);
};

const { pathOf } = await verifiedFiles('attribute-vae');
const vae = await openAttributeVae(runtime, { encoder: pathOf('encoder.onnx'), decoder: pathOf('decoder.onnx') });
const { rows, mean, logVariance, logits } = fixture.attributeVae;
const posterior = await vae.encode(rowsOf(rows));
const found = {
  mean: greatest(posterior.mean, mean),
  logVariance: greatest(posterior.logVariance, logVariance),
  logits: greatest(await vae.decode(Float32Array.from(mean.flat())), logits),
};

const { conditions, tokens, compared, logits: expected } = fixture.captioner;
const model = await openCaptioner(runtime);
const drafting = await model.draft([conditions, conditions.slice(1)]);
const seen = [drafting.first[0]];
// A token that is taken back leaves no trace.
await drafting.step([tokens.at(-1), tokens.at(-1)]);
drafting.takeBack(0, 1);
drafting.takeBack(1, 1);
for (const token of tokens) seen.push((await drafting.step([token, null]))[0]);
found.captioner = greatest(
  seen.flatMap((values) => compared.map((token) => values[token])),
  expected,
);
process.stdout.write(JSON.stringify(found));
