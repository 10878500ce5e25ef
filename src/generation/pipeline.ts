import { sha256Of } from '../audio/audio-store';
import { readWavFacts, type AudioFacts } from '../audio/wav';
import type { StageRecord } from '../dataset/provenance';
import { prepareSample, type PreparedSample } from '../dataset/sample-writer';
import { EngineError, type AudioEngine, type AudioOptions, type Stage, type WrittenCaption } from '../inference/stages';
import { namesOf, recipeIdOf, type Recipe } from './recipe';
import type { Stages } from './stages';

/**
 * The stages one after the other: a partial combination is completed, said in a caption, and the engine makes the
 * audio. Stores nothing.
 */
export interface MadeSample {
  readonly sample: PreparedSample;
  readonly wav: Uint8Array;
  readonly audio: AudioFacts & { readonly sha256: string };
}

export type PipelineStage = 'ATTRIBUTES' | 'CAPTION' | 'AUDIO';

export interface PipelineOptions {
  readonly signal: AbortSignal;
  /** The stage that goes on, and how much of it is done, 0 to 1. */
  readonly onProgress: (stage: PipelineStage, share: number) => void;
  /** Left out: nobody listens while it is made. */
  readonly onPreview?: AudioOptions['onPreview'];
}

/** @throws EngineError where the engine failed, or made something else than was asked for */
export async function makeSample(
  recipe: Recipe & { readonly request: string },
  stages: Stages,
  engine: AudioEngine,
  { signal, onProgress, onPreview }: PipelineOptions,
): Promise<MadeSample> {
  const { completer, captions } = stages;
  const { asked, seed, durationSeconds, texture } = recipe;
  const records: StageRecord[] = [];

  onProgress('ATTRIBUTES', 0);
  let attributes = asked;
  if (recipe.completes) {
    const started = performance.now();
    const completion = await completer.complete({ ...recipe, given: asked });
    attributes = completion.attributes;
    const output = namesOf(attributes).join(', ');
    records.push(await record('ATTRIBUTES', completer, completion.parameters, output, started));
  }
  signal.throwIfAborted();

  onProgress('CAPTION', 0);
  const captioning = performance.now();
  const { caption, by, parameters }: WrittenCaption =
    recipe.caption === null
      ? await captions.write({ attributes, seed, signal })
      : { caption: recipe.caption, by: GIVEN_CAPTION, parameters: {} };
  records.push(await record('CAPTION', by, parameters, caption, captioning));
  signal.throwIfAborted();

  onProgress('AUDIO', 0);
  const rendering = performance.now();
  const options: AudioOptions = { signal, onProgress: (share) => onProgress('AUDIO', share), onPreview };
  const { wav, parameters: made } = await engine.render(
    { attributes, texture, caption, seed, durationSeconds },
    options,
  );
  const facts = checkedFacts(wav, durationSeconds);
  const audio = { ...facts, sha256: sha256Of(wav) };
  records.push(await record('AUDIO', engine, { seed, durationSeconds, ...made }, audio.sha256, rendering));

  const recipeId = recipeIdOf(recipe, stages, engine);
  const sample = prepareSample({
    sourceId: recipeId,
    caption,
    attributes,
    audio: { ...audio, sizeBytes: wav.length },
    row: null,
    provenance: {
      recipe: recipeId,
      request: recipe.request,
      askedAttributes: namesOf(asked),
      askedCaption: recipe.caption,
      engine: engine.engine,
      engineVersion: engine.version,
      seed,
      durationSeconds,
      texture,
      stages: records,
    },
  });
  return { sample, wav, audio };
}

/** Stands in the provenance where the caption is the user's own. */
const GIVEN_CAPTION: Stage = {
  name: 'given',
  version: '1',
  isPlaceholder: false,
  models: () => Promise.resolve([]),
};

async function record(
  stage: PipelineStage,
  by: Stage,
  parameters: StageRecord['parameters'],
  output: string,
  started: number,
): Promise<StageRecord> {
  const milliseconds = Math.round((performance.now() - started) * 10) / 10;
  const { name, version, isPlaceholder } = by;
  return { stage, name, version, isPlaceholder, models: await by.models(), parameters, output, milliseconds };
}

const LENGTH_TOLERANCE_SECONDS = 0.05;

function checkedFacts(wav: Uint8Array, durationSeconds: number): AudioFacts {
  const facts = readWavFacts(wav);
  if (Math.abs(facts.durationSeconds - durationSeconds) > LENGTH_TOLERANCE_SECONDS) {
    throw new EngineError(`the engine made ${facts.durationSeconds} s of audio instead of ${durationSeconds} s`);
  }
  return facts;
}
