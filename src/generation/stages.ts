import { captionApi } from '../inference/caption-api';
import type { LearnedModels } from '../inference/learned-models';
import { learnedCaptions, learnedCompleter } from '../inference/learned-stages';
import { ModelStore } from '../inference/model-store';
import { MusicGenEngine } from '../inference/musicgen/engine';
import { MUSICGEN_FACTS } from '../inference/musicgen/facts';
import { SoundFontEngine } from '../inference/soundfont/engine';
import type { AttributeCompleter, AudioEngine, CaptionWriter, EngineFacts, EngineName } from '../inference/stages';
import type { Config } from '../platform/config';
import { UserError } from '../platform/errors';

/** The stages that samples are made with: the one place where they are chosen. */
export interface Stages {
  readonly completer: AttributeCompleter;
  readonly captions: CaptionWriter;
  /** Those that can run in this process. */
  readonly engines: readonly AudioEngine[];
  /** The others: workers elsewhere may serve them. */
  readonly missing: readonly MissingEngine[];
}

export interface MissingEngine extends EngineFacts {
  /** Why it cannot run here, and what to do about it. */
  readonly reason: string;
}

/** @throws UserError INVALID_CONFIG where no such model can be run */
export async function createStages(
  models: LearnedModels,
  { captionApi: api, musicgen: settings, dataDir }: Pick<Config, 'captionApi' | 'musicgen' | 'dataDir'>,
): Promise<Stages> {
  const builtIn = learnedCaptions(models);
  const { model } = settings;
  const presence = await new ModelStore(dataDir).presence(model).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw new UserError('INVALID_CONFIG', `MUSICGEN_MODEL is wrong: ${error.message}`, error.details, { cause: error });
  });
  return {
    completer: learnedCompleter(models),
    // The service that writes captions, or the built-in captioner.
    captions: api === null ? builtIn : captionApi(api, api.fallsBack ? builtIn : null),
    engines: [new SoundFontEngine(), ...(presence.isHere ? [new MusicGenEngine({ ...settings, ...presence })] : [])],
    missing: presence.isHere ? [] : [{ ...MUSICGEN_FACTS, reason: presence.reason }],
  };
}

/**
 * Reads what the stages need, and so finds out before any work is begun what is missing.
 * @param served of the engines only these
 * @throws EngineError that names it; UserError MODEL_UNAVAILABLE where an engine cannot run here
 */
export async function checkStages(stages: Stages, served: readonly EngineName[]): Promise<void> {
  const engines = served.map((name) => engineOf(stages, name));
  for (const stage of [stages.completer, stages.captions, ...engines]) await stage.models();
}

/** @throws UserError MODEL_UNAVAILABLE where it cannot run here */
export function engineOf({ engines, missing }: Stages, name: EngineName): AudioEngine {
  const engine = engines.find((one) => one.engine === name);
  if (engine) return engine;
  const reason = missing.find((one) => one.engine === name)?.reason;
  throw new UserError('MODEL_UNAVAILABLE', `the engine ${name} cannot run here: ${reason ?? 'there is none'}`);
}
