import { Command } from 'commander';
import { Readable } from 'node:stream';
import { readConfig } from '../platform/config';
import { createLogger } from '../platform/logging';
import { writeOutput } from './output';

interface ExportArguments {
  readonly filter?: string;
  readonly output?: string;
}

export function exportCommand(): Command {
  return new Command('export')
    .description('Write samples as JSON lines: attributes, caption, and the concepts that they carry and mention.')
    .option('--filter <json>', 'only what this sample filter matches, as in the GraphQL API')
    .option('-o, --output <file>', 'where to write it (default: standard output)')
    .addHelpText(
      'after',
      `
The order is that of import. Audio is named by its SHA-256; "conceptcaps set --format webdataset" writes it.
Models are trained on what this writes: see training/README.md.

Examples:
  npx conceptcaps export > rows.jsonl
  npx conceptcaps export --filter '{"splits":["train"],"origins":["IMPORTED"]}' -o train.jsonl`,
    )
    .action(runExport);
}

async function runExport({ filter, output }: ExportArguments): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel);
  const { openConceptSets, parseSampleFilter } = await import('../server/concept-sets.js');
  const { exportRows } = await import('../dataset/row-export.js');
  const parsed = filter === undefined ? null : parseSampleFilter(filter, '--filter');
  const opened = await openConceptSets(config, log);
  try {
    await writeOutput(Readable.from(exportRows(opened.samples, opened.catalog, parsed)), output);
  } finally {
    await opened.close();
  }
}
