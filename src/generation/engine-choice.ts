import type { AudioEngine, EngineFacts, EngineName } from '../inference/stages';
import { UserError } from '../platform/errors';
import type { Stages } from './stages';

/** What live workers serve of an engine. */
export interface EngineCapacity {
  readonly workers: number;
  /** Samples that they make at once. */
  readonly slots: number;
  /** Their versions of it, ascending; most often one. */
  readonly versions: readonly string[];
}

export const NO_CAPACITY: EngineCapacity = { workers: 0, slots: 0, versions: [] };

/** An engine as far as a request can be planned for it, whether it runs here or with workers alone. */
export interface ChosenEngine {
  readonly facts: EngineFacts;
  /** The engine itself; null where it only runs elsewhere. */
  readonly own: AudioEngine | null;
  /**
   * What may make the samples: a worker may have another model than this server. The first stands in the recipes of
   * items until one of them is made.
   */
  readonly versions: readonly [string, ...string[]];
}

/**
 * The engine of a request, where it runs here or a live worker serves it.
 * @throws UserError MODEL_UNAVAILABLE with the way out where neither is so
 */
export function chooseEngine(
  stages: Pick<Stages, 'engines' | 'missing'>,
  name: EngineName,
  capacity: ReadonlyMap<EngineName, EngineCapacity>,
): ChosenEngine {
  const { engines, missing } = stages;
  const own = engines.find(({ engine }) => engine === name) ?? null;
  const absent = missing.find(({ engine }) => engine === name);
  const facts = own ?? absent;
  const [first, ...others] = versionsOf(stages, name, capacity);
  if (facts && first !== undefined) return { facts, own, versions: [first, ...others] };
  throw new UserError(
    'MODEL_UNAVAILABLE',
    `input.engine: ${name} cannot be had: ${absent?.reason ?? 'it does not run here.'} A worker elsewhere that serves it would do as well; there is none now.`,
    { field: 'input.engine' },
  );
}

/** What may make samples with an engine: its version here, then those of live workers. Empty where nothing may. */
export function versionsOf(
  { engines }: Pick<Stages, 'engines'>,
  name: EngineName,
  capacity: ReadonlyMap<EngineName, EngineCapacity>,
): string[] {
  const own = engines.filter(({ engine }) => engine === name).map(({ version }) => version);
  return [...new Set([...own, ...(capacity.get(name) ?? NO_CAPACITY).versions])];
}
