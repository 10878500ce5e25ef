import { UserError } from '../platform/errors';

/** Ends the process with one line for what a person can put right, and the whole error for what they cannot. */
export function fail(error: unknown): never {
  if (error instanceof UserError) {
    for (const line of error.message.split('\n')) process.stderr.write(`conceptcaps: ${line}\n`);
  } else {
    process.stderr.write(`conceptcaps: this is a fault of the program, please report it.\n`);
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  }
  process.exit(1);
}
