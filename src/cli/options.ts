import { InvalidArgumentError } from 'commander';
import { ENGINE_NAMES, type EngineName } from '../inference/stages';

/** Reads an option that is a whole number. */
export function within(min: number, max: number) {
  return (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Reads an option that names an engine, in whatever case. */
export function engineName(text: string): EngineName {
  const engine = ENGINE_NAMES.find((known) => known === text.trim().toUpperCase());
  if (engine) return engine;
  throw new InvalidArgumentError(
    `There is no engine "${text.trim()}"; there are ${ENGINE_NAMES.join(', ').toLowerCase()}.`,
  );
}
