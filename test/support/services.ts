/**
 * Real servers for the tests: an S3 server (MinIO) and Redis, and an emulator of other processors. What lives here:
 * getting them once before the run, and what a test file needs to use one. No test doubles.
 *
 * jest has to know while it collects tests whether a service is there, so `prepareTestServices` runs in its globalSetup
 * and hands what it found to the test processes by an environment variable.
 */
import { findOrUnpackProgram, type InstalledProgram } from './debian';
import { findOrBuildMinio, type S3ServerBinary, startS3Server, type TestS3Server } from './minio';
import { findOrFetchRedis, type RedisSource, startRedisServer, type TestRedis } from './redis';
import { isUnavailable, messageOf, run, type RunOptions, say, type Unavailable } from './tools';

export type { TestRedis, TestS3Server };

export type ServiceName = 'minio' | 'redis' | 'emulator';

interface Services {
  readonly minio: S3ServerBinary | Unavailable;
  readonly redis: RedisSource | Unavailable;
  readonly emulator: InstalledProgram | Unavailable;
}

const VARIABLE = 'CONCEPTCAPS_TEST_SERVICES';

/**
 * Finds, fetches or builds the servers. Minutes on the first run of a machine, well under a second afterwards. Never
 * throws: what could not be had is said on stderr and decided where it is used.
 */
export async function prepareTestServices(): Promise<void> {
  const [minio, redis, emulator] = await Promise.all([
    orUnavailable(findOrBuildMinio),
    orUnavailable(findOrFetchRedis),
    orUnavailable(() => findOrUnpackProgram('qemu-x86_64', 'qemu-user')),
  ]);
  const services: Services = { minio, redis, emulator };
  for (const [name, service] of Object.entries(services) as [ServiceName, object][]) {
    if (isUnavailable(service)) say(`${name} is not available, ${consequence()}: ${service.unavailable}`);
  }
  process.env[VARIABLE] = JSON.stringify(services);
}

async function orUnavailable<T extends object>(find: () => Promise<T | Unavailable>): Promise<T | Unavailable> {
  return find().catch((error: unknown) => ({ unavailable: messageOf(error) }));
}

/** In CI a missing server is a failure: green must mean that everything was tried. */
function isMandatory(): boolean {
  const ci = process.env.CI ?? '';
  return ci !== '' && ci !== 'false';
}

function consequence(): string {
  return isMandatory() ? 'so the tests that need it fail' : 'so the tests that need it are skipped';
}

function findService<Name extends ServiceName>(name: Name): Services[Name] {
  const prepared = process.env[VARIABLE];
  if (prepared == null) return { unavailable: 'prepareTestServices() has not run; jest calls it in globalSetup' };
  return (JSON.parse(prepared) as Services)[name];
}

function getService<Name extends ServiceName>(name: Name): Exclude<Services[Name], Unavailable> {
  const service = findService(name);
  if (isUnavailable(service)) throw new Error(`${name} is not available: ${service.unavailable}`);
  return service as Exclude<Services[Name], Unavailable>;
}

/**
 * A `describe` for tests that need a real server. Without it the tests are skipped and their title says why; in CI
 * (`CI` is set) one failing test says why instead.
 */
export function describeWithService(title: string, service: ServiceName, tests: () => void): void {
  const found = findService(service);
  if (!isUnavailable(found)) {
    describe(title, tests);
  } else if (isMandatory()) {
    describe(title, () => {
      it(`needs ${service}`, () => {
        throw new Error(`${service} is not available: ${found.unavailable}`);
      });
    });
  } else {
    describe.skip(`${title} [skipped, no ${service}: ${found.unavailable}]`, tests);
  }
}

/** Starts an S3 server of the caller's own: MinIO, or versitygw where `kind` says so. Empty; ends with the test process. */
export function startMinio(): Promise<TestS3Server> {
  return startS3Server(getService('minio'));
}

/** Starts a Redis of the caller's own, or gives the one that `REDIS_TEST_URL` names. Ends with the test process. */
export function startRedis(): Promise<TestRedis> {
  return startRedisServer(getService('redis'));
}

/** Runs Node on a processor of that name, as QEMU calls it, and gives what it wrote. */
export async function runNodeOn(cpu: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { binary, libraryPath } = getService('emulator');
  const command = [
    '-cpu',
    cpu,
    '-E',
    `LD_LIBRARY_PATH=${process.env.LD_LIBRARY_PATH ?? ''}`,
    process.execPath,
    ...args,
  ];
  return run(binary, command, { ...options, env: { ...process.env, LD_LIBRARY_PATH: libraryPath } });
}
