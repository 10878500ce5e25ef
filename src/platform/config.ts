import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from './errors';

/**
 * The configuration: read once from the environment, validated, frozen. Nothing else reads `process.env`.
 * Unset means the embedded default: PostgreSQL, queue and audio under DATA_DIR.
 */
export interface Config {
  readonly host: string;
  /** 0 asks the operating system for a free port. */
  readonly port: number;
  /** Base URL under which clients reach this server, without a trailing slash; null: from HOST and PORT. */
  readonly publicUrl: string | null;
  /** Absolute path. */
  readonly dataDir: string;
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
  readonly s3: S3Config | null;
  readonly audioUrlTtlSeconds: number;
  readonly loadStarter: boolean;
  /** Whether anyone may read, or only who has an API key. */
  readonly readAccess: 'open' | 'key';
  /** Samples made at once. */
  readonly workerConcurrency: number;
  /** What writes captions instead of the built-in captioner. */
  readonly captionApi: CaptionApiConfig | null;
  readonly musicgen: MusicGenSettings;
  readonly logLevel: LogLevel;
  readonly hubEndpoint: string;
  readonly hubToken: string | null;
}

export interface CaptionApiConfig {
  /** Up to and with the version, without a trailing slash. */
  readonly base: string;
  readonly key: string | null;
  readonly model: string;
  readonly attempts: number;
  readonly timeoutSeconds: number;
  /** Whether the built-in captioner writes where the service has failed. */
  readonly fallsBack: boolean;
}

/** How MusicGen is run, where its model was pulled. */
export interface MusicGenSettings {
  /** As `conceptcaps models list` names it. */
  readonly model: string;
  /** Of the weights; auto: by the device. */
  readonly precision: 'auto' | 'fp32' | 'int8' | 'int4' | 'fp16';
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** Where there is to be CUDA and its libraries are missing: continue on the CPU, or stop. */
  readonly cudaFallback: 'cpu' | 'stop';
  /** On the CPU. */
  readonly threads: number;
  /** MB that it may take; null: computed from what is free. */
  readonly memoryMb: number | null;
  readonly clipTimeoutSeconds: number;
}

export interface S3Config {
  readonly endpoint: string;
  /** The endpoint that clients see, where it differs from the one the server uses. */
  readonly publicEndpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, { error: `must be a whole number from ${min} to ${max}` })
    .transform(Number)
    .refine((n) => n >= min && n <= max, { error: `must be a whole number from ${min} to ${max}` });

const oneOf = <const T extends readonly string[]>(...names: T) =>
  z.enum(names, { error: `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}` });

interface Variable {
  readonly description: string;
  /** The default as a person would write it; undefined: unset has a meaning of its own. */
  readonly fallback?: string;
  readonly secret?: boolean;
  readonly schema: z.ZodType<unknown, string>;
}

const define = <T extends Record<string, Variable>>(variables: T): T => variables;

/** Every variable the program reads; `.env.example` is generated from this. */
export const VARIABLES = define({
  HOST: { description: 'Address to listen on.', fallback: '127.0.0.1', schema: z.string() },
  PORT: { description: 'Port to listen on; 0 takes a free one.', fallback: '4000', schema: integer(0, 65535) },
  PUBLIC_URL: {
    description: 'Base URL under which clients reach this server (behind a proxy). Unset: from HOST and PORT.',
    schema: httpUrl,
  },
  DATA_DIR: {
    description: 'Directory of the embedded database, the audio files and downloads.',
    fallback: './.conceptcaps',
    schema: z.string(),
  },
  DATABASE_URL: {
    description: 'PostgreSQL 15 or newer, postgres://user:password@host:port/database. Unset: embedded PostgreSQL.',
    secret: true,
    schema: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }),
  },
  REDIS_URL: {
    description: 'Redis for the job queue, redis://[:password@]host:port. Unset: the queue lives in PostgreSQL.',
    secret: true,
    schema: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }),
  },
  S3_ENDPOINT: {
    description: 'S3-compatible store for audio (MinIO, SeaweedFS, AWS ...). Unset: files under DATA_DIR.',
    schema: httpUrl,
  },
  S3_PUBLIC_ENDPOINT: { description: 'The S3 endpoint that clients see, where it differs.', schema: httpUrl },
  S3_REGION: { description: 'S3 region.', fallback: 'us-east-1', schema: z.string() },
  S3_BUCKET: { description: 'S3 bucket; made if it is missing.', fallback: 'conceptcaps', schema: z.string() },
  S3_ACCESS_KEY: { description: 'S3 access key; needed with S3_ENDPOINT.', schema: z.string() },
  S3_SECRET_KEY: { description: 'S3 secret key; needed with S3_ENDPOINT.', secret: true, schema: z.string() },
  AUDIO_URL_TTL_SECONDS: {
    description: 'How long an audio URL stays valid.',
    fallback: '3600',
    schema: integer(1, 7 * 24 * 3600),
  },
  LOAD_STARTER: {
    description: 'Whether an empty database gets the small starter set: true or false.',
    fallback: 'true',
    schema: z.enum(['true', 'false'], { error: 'must be true or false' }),
  },
  READ_ACCESS: {
    description: 'Who may read: "open" for all, or "key" for those with an API key. Changes always take a key.',
    fallback: 'open',
    schema: z.enum(['open', 'key'], { error: 'must be open or key' }),
  },
  WORKER_CONCURRENCY: {
    description:
      'Samples that the worker inside the server, or `conceptcaps worker`, makes at once. Unset: one a core. 0: the server makes none.',
    schema: integer(0, 256),
  },
  CAPTION_API_BASE: {
    description:
      'OpenAI-compatible service that writes the captions (vLLM, llama.cpp, Ollama ...), up to and with /v1. Unset: the built-in captioner.',
    schema: httpUrl,
  },
  CAPTION_API_KEY: { description: 'Key for that service, where it wants one.', secret: true, schema: z.string() },
  CAPTION_API_MODEL: { description: 'Model to ask it for; needed with CAPTION_API_BASE.', schema: z.string() },
  CAPTION_API_ATTEMPTS: {
    description: 'How often it is asked for a caption before it has failed.',
    fallback: '4',
    schema: integer(1, 20),
  },
  CAPTION_API_TIMEOUT_SECONDS: {
    description: 'How long it may take to answer.',
    fallback: '30',
    schema: integer(1, 600),
  },
  CAPTION_API_FALLBACK: {
    description: 'Where it has failed: "captioner" for the built-in one, or "none": the sample fails.',
    fallback: 'captioner',
    schema: z.enum(['captioner', 'none'], { error: 'must be captioner or none' }),
  },
  MUSICGEN_MODEL: {
    description: 'Model of the engine MUSICGEN, of those that `conceptcaps models pull` fetches.',
    fallback: 'musicgen-small',
    schema: z.string(),
  },
  MUSICGEN_PRECISION: {
    description:
      'How its weights are kept: fp32, int8, int4, fp16, or auto: int8 on the CPU, fp16 on CUDA. Another precision makes other samples.',
    fallback: 'auto',
    schema: oneOf('auto', 'fp32', 'int8', 'int4', 'fp16'),
  },
  MUSICGEN_DEVICE: {
    description: 'What it runs on: cpu, cuda, or auto: CUDA where there is a device for it.',
    fallback: 'auto',
    schema: oneOf('auto', 'cpu', 'cuda'),
  },
  MUSICGEN_CUDA_FALLBACK: {
    description:
      'Where the libraries of CUDA are missing: "cpu" to continue on the CPU, "stop" to stop with an error. Unset: cpu where MUSICGEN_DEVICE is auto, stop where it is cuda.',
    schema: oneOf('cpu', 'stop'),
  },
  MUSICGEN_THREADS: {
    description: 'Threads that it computes with on the CPU. Unset: one a core.',
    schema: integer(1, 1024),
  },
  MUSICGEN_MEMORY_MB: {
    description:
      'Memory that it may take, in MB: how many clips it makes side by side. Unset: computed from what is free.',
    schema: integer(256, 16_777_216),
  },
  MUSICGEN_CLIP_TIMEOUT_SECONDS: {
    description: 'How long a clip may take, from when it is begun until it is there.',
    fallback: '3600',
    schema: integer(1, 7 * 24 * 3600),
  },
  LOG_LEVEL: {
    description: `How much to log: ${LOG_LEVELS.join(', ')}.`,
    fallback: 'info',
    schema: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }),
  },
  HF_ENDPOINT: {
    description: 'Hugging Face hub to import from.',
    fallback: 'https://huggingface.co',
    schema: httpUrl,
  },
  HF_TOKEN: { description: 'Token for private or gated data sets on the hub.', secret: true, schema: z.string() },
});

export type VariableName = keyof typeof VARIABLES;
type Environment = Partial<Record<string, string>>;

/**
 * The configuration that `environment` describes.
 * @throws UserError INVALID_CONFIG with one line for every wrong variable, naming it. Secret values are not repeated.
 */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];

  function read<T>(name: VariableName): T | null {
    const variable: Variable = VARIABLES[name];
    // An empty variable is what `NAME=` in a .env file gives: it means unset.
    const value = environment[name] === '' ? undefined : environment[name];
    const text = value ?? variable.fallback;
    if (text === undefined) return null;
    const parsed = variable.schema.safeParse(text);
    if (parsed.success) return parsed.data as T;
    const shown = variable.secret ? '' : ` (it is "${text}")`;
    problems.push(`${name} ${parsed.error.issues[0]?.message ?? 'is wrong'}${shown}`);
    return null;
  }

  const s3Endpoint = read<string>('S3_ENDPOINT');
  const accessKey = read<string>('S3_ACCESS_KEY');
  const secretKey = read<string>('S3_SECRET_KEY');
  if (s3Endpoint !== null) {
    if (accessKey === null) problems.push('S3_ACCESS_KEY must be set when S3_ENDPOINT is set');
    if (secretKey === null) problems.push('S3_SECRET_KEY must be set when S3_ENDPOINT is set');
  }

  const captionBase = read<string>('CAPTION_API_BASE');
  const captionModel = read<string>('CAPTION_API_MODEL');
  if (captionBase !== null && captionModel === null) {
    problems.push('CAPTION_API_MODEL must be set when CAPTION_API_BASE is set');
  }

  const device = read<MusicGenSettings['device']>('MUSICGEN_DEVICE') ?? 'auto';
  const config: Config = {
    host: read<string>('HOST') ?? '',
    port: read<number>('PORT') ?? 0,
    publicUrl: read<string>('PUBLIC_URL')?.replace(/\/+$/, '') ?? null,
    dataDir: resolve(read<string>('DATA_DIR') ?? ''),
    databaseUrl: read<string>('DATABASE_URL'),
    redisUrl: read<string>('REDIS_URL'),
    s3:
      s3Endpoint === null
        ? null
        : Object.freeze({
            endpoint: s3Endpoint,
            publicEndpoint: read<string>('S3_PUBLIC_ENDPOINT') ?? s3Endpoint,
            region: read<string>('S3_REGION') ?? '',
            bucket: read<string>('S3_BUCKET') ?? '',
            accessKey: accessKey ?? '',
            secretKey: secretKey ?? '',
          }),
    audioUrlTtlSeconds: read<number>('AUDIO_URL_TTL_SECONDS') ?? 0,
    loadStarter: read<string>('LOAD_STARTER') === 'true',
    readAccess: read<'open' | 'key'>('READ_ACCESS') ?? 'open',
    workerConcurrency: read<number>('WORKER_CONCURRENCY') ?? availableParallelism(),
    captionApi:
      captionBase === null
        ? null
        : Object.freeze({
            base: captionBase.replace(/\/+$/, ''),
            key: read<string>('CAPTION_API_KEY'),
            model: captionModel ?? '',
            attempts: read<number>('CAPTION_API_ATTEMPTS') ?? 0,
            timeoutSeconds: read<number>('CAPTION_API_TIMEOUT_SECONDS') ?? 0,
            fallsBack: read<string>('CAPTION_API_FALLBACK') === 'captioner',
          }),
    musicgen: Object.freeze({
      model: read<string>('MUSICGEN_MODEL') ?? '',
      precision: read<MusicGenSettings['precision']>('MUSICGEN_PRECISION') ?? 'auto',
      device,
      cudaFallback: read<'cpu' | 'stop'>('MUSICGEN_CUDA_FALLBACK') ?? (device === 'cuda' ? 'stop' : 'cpu'),
      threads: read<number>('MUSICGEN_THREADS') ?? availableParallelism(),
      memoryMb: read<number>('MUSICGEN_MEMORY_MB'),
      clipTimeoutSeconds: read<number>('MUSICGEN_CLIP_TIMEOUT_SECONDS') ?? 0,
    }),
    logLevel: read<LogLevel>('LOG_LEVEL') ?? 'info',
    hubEndpoint: read<string>('HF_ENDPOINT')?.replace(/\/+$/, '') ?? '',
    hubToken: read<string>('HF_TOKEN'),
  };
  if (problems.length > 0) throw new UserError('INVALID_CONFIG', problems.join('\n'));
  return Object.freeze(config);
}
