import { Command } from 'commander';
import { readConfig } from '../platform/config';
import { createLogger } from '../platform/logging';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Check that everything the server needs is there and answers.')
    .action(doctor);
}

/** Prints a line a part; the exit code is 1 where one fails. */
async function doctor(): Promise<void> {
  const { openJobQueue } = await import('../generation/queue.js');
  const { SampleRepository } = await import('../dataset/sample-repository.js');
  const { openFoundation } = await import('../server/foundation.js');
  const say = (part: string, state: string) => process.stdout.write(`${part.padEnd(12)} ${state}\n`);
  const config = readConfig(process.env);
  say('node', process.version);
  say('inference', await inferenceState());
  say('models', await modelState(config.dataDir));
  const log = createLogger('warn');
  const foundation = await openFoundation({
    config,
    log,
    role: 'client',
    publicUrl: () => '',
  });
  try {
    const { rows } = await foundation.db.query<{ server_version: string }>('SHOW server_version');
    const place = config.databaseUrl === null ? `embedded in ${config.dataDir}` : 'at DATABASE_URL';
    say('database', `PostgreSQL ${rows[0]!.server_version}, ${place}`);
    const { version } = await new SampleRepository(foundation.db).dataState();
    say('data', `version ${version}`);
    say('audio', config.s3 ? `S3 at ${config.s3.endpoint}, bucket ${config.s3.bucket}` : 'on disk');
    const queue = await openJobQueue({ redisUrl: config.redisUrl, databaseUrl: foundation.db.url, log });
    say('queue', queue.backend);
    await queue.close();
  } finally {
    await foundation.close();
  }
}

/** Reads every byte of the models that are here. */
async function modelState(dataDir: string): Promise<string> {
  const { ModelStore } = await import('../inference/model-store.js');
  const store = new ModelStore(dataDir);
  const here = (await store.list()).filter(({ state }) => state !== 'NOT_PULLED');
  const states = here.map(async ({ name }) => {
    const damaged = (await store.verify(name)).filter(({ problem }) => problem !== null);
    return damaged.length === 0 ? name : `${name} is damaged (${damaged.map(({ file }) => file.path).join(', ')})`;
  });
  return (await Promise.all(states)).join(', ');
}

/** Loads the native runtime: a broken or missing binary shows here and not in the first job. */
async function inferenceState(): Promise<string> {
  try {
    const { loadOnnxRuntime } = await import('../inference/onnx.js');
    const runtime = await loadOnnxRuntime();
    const backends = runtime.listSupportedBackends().map(({ name }) => name);
    return `onnxruntime-node, ${backends.join(', ')}`;
  } catch (error) {
    return `onnxruntime-node does not load: ${(error as Error).message}`;
  }
}
