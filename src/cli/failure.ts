import { UserError } from '../platform/errors';
import { printable } from './printable';

/** Ends the process with one line for what a person can put right, and the whole error for what they cannot. */
export function fail(error: unknown): never {
  if (error instanceof UserError) {
    for (const line of error.message.split('\n')) process.stderr.write(`conceptcaps: ${printable(line)}\n`);
  } else {
    process.stderr.write(`conceptcaps: this is a fault of the program, please report it.\n`);
    const whole = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of whole.split('\n')) process.stderr.write(`${printable(line)}\n`);
  }
  process.exit(1);
}
