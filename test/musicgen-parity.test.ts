import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithService, runNodeOn } from './support/services';

/**
 * Tiny models with random weights, of MusicGen's real architecture and in its published layout, give here what PyTorch made
 * of them (training/musicgen/parity.py): every graph that the service builds is in it.
 */
describe.each(['mono', 'stereo'])('MusicGen, %s', (channels) => {
  interface Findings {
    readonly tokensDiffer: readonly string[];
    readonly encoder: number;
    readonly logits: number;
    readonly greedyFrames: number;
    readonly greedyDiffer: number;
    readonly audio: number;
    readonly tiles: number;
    readonly samples: readonly number[];
    readonly expectedSamples: readonly number[];
    readonly cuts: readonly {
      readonly topK: number;
      readonly topP: number;
      readonly masks: readonly boolean[];
      readonly fits: readonly number[];
    }[];
    readonly again: boolean;
    readonly beside: boolean;
    readonly prefix: boolean;
    readonly otherSeed: boolean;
    readonly precisions: Readonly<Record<string, { readonly error: number; readonly beside: boolean }>>;
  }
  let found: Findings;
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'conceptcaps-musicgen-'));
    cpSync(join(__dirname, 'fixtures', 'musicgen', channels), directory, { recursive: true });
    const script = join(__dirname, 'support', 'musicgen-parity.mjs');
    found = JSON.parse(execFileSync(process.execPath, [script, directory], { encoding: 'utf8' })) as Findings;
  }, 600_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('captions become the same tokens, emoji and long ones as well', () => expect(found.tokensDiffer).toEqual([]));

  test('the text encoder and the decoder are within 1e-4', () => {
    expect(found.encoder).toBeLessThan(1e-4);
    expect(found.logits).toBeLessThan(1e-4);
  });

  test('guided greedy tokens are identical for more than 200 steps', () => {
    expect(found.greedyFrames).toBeGreaterThan(200);
    expect(found.greedyDiffer).toBe(0);
  });

  test('the waveform is within 1e-4, and as long', () => {
    expect(found.audio).toBeLessThan(1e-4);
    expect(found.samples).toEqual(found.expectedSamples);
  });

  test('the waveform is the same done tile by tile', () => expect(found.tiles).toBeLessThan(1e-6));

  test('top-k and top-p leave exactly the same tokens, in the same order', () => {
    for (const { masks } of found.cuts) expect(masks).toEqual(masks.map(() => true));
  });

  test('tokens are drawn as often as their probabilities say', () => {
    // Standard deviations of chi-square. With a temperature of 1.0 instead of 1.2 they were 6 to 34.
    for (const { fits } of found.cuts) for (const fit of fits) expect(Math.abs(fit)).toBeLessThan(4);
  });

  test('a clip depends on its seed and on nothing else: not on the batch, nor on how long it will be', () => {
    expect(found).toMatchObject({ again: true, beside: true, prefix: true, otherSeed: false });
  });

  test('fewer bits stay near, and depend on the batch as little', () => {
    const { int8, int4, fp16 } = found.precisions;
    expect(fp16!.error).toBeLessThan(0.01);
    expect(int8!.error).toBeLessThan(0.05);
    expect(int4!.error).toBeLessThan(0.3);
    for (const { beside } of [int8!, int4!, fp16!]) expect(beside).toBe(true);
  });

  // Elsewhere there is nothing to overflow.
  if (process.arch !== 'x64') return;
  describeWithService('on a processor with AVX2 and without VNNI', 'emulator', () => {
    test('eight bits are as near, although sums of bytes overflow there', async () => {
      const script = join(__dirname, 'support', 'musicgen-parity.mjs');
      const written = await runNodeOn('Haswell', [script, directory, 'int8'], { timeoutMs: 590_000 });
      // Whole numbers are added, so that only what is around them is rounded differently.
      expect((JSON.parse(written) as { error: number }).error).toBeCloseTo(found.precisions.int8!.error, 4);
    }, 600_000);
  });
});
