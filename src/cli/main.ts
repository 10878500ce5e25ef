import { Command } from 'commander';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../platform/errors';
import { doctorCommand } from './doctor';
import { fail } from './failure';
import { exportCommand } from './export';
import { generateCommand } from './generate';
import { importCommand } from './import';
import { keysCommand } from './keys';
import { migrateCommand } from './migrate';
import { modelsCommand } from './models';
import { serveCommand } from './serve';
import { setCommand } from './set';
import { workerCommand } from './worker';

/**
 * `conceptcaps`: one file a command. What lives in cli/: arguments, output, exit codes. What must not: rules.
 */
export function main(argv: readonly string[]): void {
  try {
    loadSettings();
  } catch (error) {
    fail(error);
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- package.json lies outside rootDir
  const { version } = require(join(__dirname, '..', '..', 'package.json')) as { version: string };
  const program = new Command('conceptcaps')
    .description('Concept example sets for TCAV that hold up: a GraphQL service over attribute-caption-audio triplets.')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(importCommand())
    .addCommand(setCommand())
    .addCommand(exportCommand())
    .addCommand(generateCommand())
    .addCommand(workerCommand())
    .addCommand(keysCommand())
    .addCommand(modelsCommand())
    .addCommand(migrateCommand())
    .addCommand(doctorCommand())
    .showHelpAfterError('(conceptcaps --help lists the commands)')
    .addHelpText(
      'after',
      `
Settings come from the environment or a file .env in the current folder; .env.example lists them.
With none set, everything runs embedded under ./.conceptcaps.

Examples:
  npm start                                       the server, on http://localhost:4000/graphql
  npx conceptcaps import ./ConceptCaps            a folder with CONFIG/SPLIT-00000-of-00001.parquet files
  npx conceptcaps import hf:OWNER/DATASET         straight from the Hugging Face hub
  npx conceptcaps set piano --seed 7 > piano.jsonl
                                                  positives and negatives of a concept, as a manifest`,
    );
  program.parseAsync(argv).catch(fail);
}

/** Settings of the shell win over those of the file. A directory of that name is somebody else's, a Python one for one. */
function loadSettings(): void {
  try {
    const found = statSync('.env', { throwIfNoEntry: false });
    if (found && !found.isDirectory()) process.loadEnvFile('.env');
  } catch (error) {
    const { message } = error as Error;
    throw new UserError('INVALID_CONFIG', `cannot read the file .env: ${message}`, {}, { cause: error });
  }
}
