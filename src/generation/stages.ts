import { captionApi } from '../inference/caption-api';
import type { LearnedModels } from '../inference/learned-models';
import { learnedCaptions, learnedCompleter } from '../inference/learned-stages';
import { SoundFontEngine } from '../inference/soundfont/engine';
import type { AttributeCompleter, AudioEngine, CaptionWriter, EngineName } from '../inference/stages';
import type { CaptionApiConfig } from '../platform/config';

/** The stages that samples are made with: the one place where they are chosen. */
export interface Stages {
  readonly completer: AttributeCompleter;
  readonly captions: CaptionWriter;
  readonly engines: readonly AudioEngine[];
}

/** @param api the service that writes captions, or null for the built-in captioner */
export function createStages(models: LearnedModels, api: CaptionApiConfig | null): Stages {
  const builtIn = learnedCaptions(models);
  return {
    completer: learnedCompleter(models),
    captions: api === null ? builtIn : captionApi(api, api.fallsBack ? builtIn : null),
    engines: [new SoundFontEngine()],
  };
}

/**
 * Reads what the stages need, and so finds out before any work is begun what is missing.
 * @throws EngineError that names it
 */
export async function checkStages({ completer, captions, engines }: Stages): Promise<void> {
  for (const stage of [completer, captions, ...engines]) await stage.models();
}

export function engineOf({ engines }: Stages, name: EngineName): AudioEngine {
  const engine = engines.find((one) => one.engine === name);
  if (!engine) throw new Error(`no engine ${name} in this process`);
  return engine;
}
