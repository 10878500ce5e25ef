import { execFile, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readModelConfig, type MusicGenConfig } from '../src/inference/musicgen/model-config';
import type { Precision } from '../src/inference/musicgen/prepared-weights';
import { memoryBandwidth } from './memory-bandwidth';
import { randomMusicGen } from './random-musicgen';
import { printTable } from './table';

/**
 * MusicGen small of the real shapes with random weights, and PyTorch's transformers on the same files. On a GPU:
 * MUSICGEN_DEVICE=cuda. The peer needs TRAINING_PYTHON, a Python with training/requirements.txt.
 */
const ROOT = join(__dirname, '..');
const DIRECTORY = join(ROOT, '.cache', 'musicgen-small');
const SECONDS = 2;
const LONG_SECONDS = 10;
const CLIPS = [1, 4, 8];
const THREADS = availableParallelism();
/** Bytes of a number of a matrix; in four bits 32 numbers share a scale. */
const MATRIX_BYTES: Readonly<Record<Precision, number>> = { fp32: 4, fp16: 2, int8: 1, int4: 0.625 };
const PYTORCH_SETTINGS = ['fp32', 'bf16', 'int8'];

interface Run {
  readonly steps: number;
  readonly msPerStep: number;
  readonly bestMsPerStep: number;
  readonly codecMs: number;
  readonly wallMs: number;
  readonly prepareMs: number;
  readonly loadMs: number;
  readonly peakMb: number;
  readonly firstClip: readonly (readonly number[])[];
}

interface PyTorchRun {
  readonly setting: string;
  readonly peakRssMb: number;
  readonly batches: readonly { readonly batch: number; readonly msPerStep: number; readonly realTimeFactor: number }[];
}

export async function benchMusicgen(): Promise<void> {
  await randomMusicGen('small', DIRECTORY);
  const config = await readModelConfig(DIRECTORY);
  const device = process.env.MUSICGEN_DEVICE === 'cuda' ? 'cuda' : 'cpu';
  const precisions: readonly Precision[] = device === 'cuda' ? ['fp16'] : ['fp32', 'int8', 'int4'];
  const rows: string[][] = [];
  const once: string[][] = [];
  const alone = new Map<string, string>();
  let isSame = true;
  for (const precision of precisions) {
    for (const clips of CLIPS) {
      const bandwidth = device === 'cpu' ? await memoryBandwidth(THREADS) : null;
      const run = await measure(precision, clips, SECONDS, device);
      const made = JSON.stringify(run.firstClip);
      if (clips === 1) alone.set(precision, made);
      else isSame &&= alone.get(precision) === made;
      const bound = bandwidth && (1000 * bytesPerStep(config, precision, clips, run.steps)) / bandwidth;
      rows.push([
        `ONNX Runtime ${precision}`,
        String(clips),
        run.msPerStep.toFixed(1),
        run.bestMsPerStep.toFixed(1),
        (run.wallMs / 1000 / SECONDS / clips).toFixed(2),
        run.peakMb.toFixed(0),
        bound ? bound.toFixed(1) : '',
        bound ? (run.msPerStep / bound).toFixed(1) : '',
        bandwidth ? (bandwidth / 1e9).toFixed(1) : '',
      ]);
      if (clips === 1) {
        once.push([precision, (run.prepareMs / 1000).toFixed(1), (run.loadMs / 1000).toFixed(1)]);
      }
    }
  }
  for (const { setting, peakRssMb, batches } of await measurePyTorch()) {
    for (const { batch, msPerStep, realTimeFactor } of batches) {
      const [ms, factor] = [msPerStep.toFixed(1), realTimeFactor.toFixed(2)];
      rows.push([`transformers ${setting}`, String(batch), ms, '', factor, peakRssMb.toFixed(0), '', '', '']);
    }
  }
  printTable(
    `Clips of ${SECONDS} s, musicgen-small with random weights, ${THREADS} threads`,
    ['what', 'clips', 'ms a step', 'best', 's a second of audio', 'peak MB', 'bound ms', 'of bound', 'GB/s'],
    rows,
  );
  process.stdout.write(`The first clip has the same tokens alone and beside others: ${isSame ? 'yes' : 'NO'}\n`);
  printTable('Before the first clip, s', ['precision', 'weights converted, once', 'loaded'], once);
  const long: string[][] = [];
  for (const [precision, clips] of precisions.length > 1 ? LONG_RUNS : ([['fp16', 1]] as const)) {
    const { wallMs, msPerStep, codecMs, peakMb } = await measure(precision, clips, LONG_SECONDS, device);
    const target = precision === 'int8' && clips === 1 ? '30' : '';
    long.push([
      precision,
      String(clips),
      ...[wallMs / 1000, msPerStep, codecMs / 1000].map((n) => n.toFixed(1)),
      peakMb.toFixed(0),
      target,
    ]);
  }
  printTable(
    `Clips of ${LONG_SECONDS} s, from the caption to the samples`,
    ['precision', 'clips', 's', 'ms a step', 'of it the codec, s', 'peak MB', 'target, s'],
    long,
  );
}

const LONG_RUNS = [
  ['int8', 1],
  ['int4', 1],
  ['int8', 4],
] as const;

/** What has to be read of memory at every step: the matrices that are used in it, and the cache, half full on average. */
function bytesPerStep({ decoder }: MusicGenConfig, precision: Precision, clips: number, steps: number): number {
  const { hidden_size: d, ffn_dim, num_hidden_layers: layers, num_codebooks, vocab_size } = decoder;
  // Of the attention to the text keys and values are made once a chunk.
  const matrices = layers * (6 * d * d + 2 * d * ffn_dim) + num_codebooks * vocab_size * d;
  const cache = (2 * clips * layers * 2 * d * (precision === 'fp16' ? 2 : 4) * steps) / 2;
  return matrices * MATRIX_BYTES[precision] + cache;
}

async function measure(precision: Precision, clips: number, seconds: number, device: string): Promise<Run> {
  const args = [join(__dirname, 'musicgen-run.mjs'), DIRECTORY, precision, clips, seconds, THREADS, device];
  const { stdout } = await promisify(execFile)(process.execPath, args.map(String), { maxBuffer: 1e8 });
  return JSON.parse(stdout) as Run;
}

async function measurePyTorch(): Promise<PyTorchRun[]> {
  const python = process.env.TRAINING_PYTHON;
  if (!python) {
    process.stdout.write('transformers is left out: TRAINING_PYTHON names no Python with training/requirements.txt\n');
    return [];
  }
  const args = ['-m', 'musicgen.bench', '--model', DIRECTORY, '--seconds', String(SECONDS)];
  const what = ['--batch', ...CLIPS.map(String), '--setting', ...PYTORCH_SETTINGS, '--threads', String(THREADS)];
  const child = spawn(python, [...args, ...what], {
    cwd: join(ROOT, 'training'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  // A setting that cannot be had has no line.
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as PyTorchRun);
}
