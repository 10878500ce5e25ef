import { InvalidArgumentError } from 'commander';

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
