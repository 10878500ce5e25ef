import { readConfig } from '../src/platform/config';
import { runCommand } from './support/cli';

describe('configuration', () => {
  test('with nothing set everything is embedded', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      databaseUrl: null,
      redisUrl: null,
      s3: null,
      loadStarter: true,
      musicgen: { model: 'musicgen-small', precision: 'auto', device: 'auto', cudaFallback: 'cpu', memoryMb: null },
    });
  });

  test('an empty variable is an unset one', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '' })).toMatchObject({ port: 4000, databaseUrl: null });
  });

  test('MusicGen goes on without CUDA where that was tried, and not where it was asked for', () => {
    const fallback = (environment: Record<string, string>) => readConfig(environment).musicgen.cudaFallback;
    expect(fallback({ MUSICGEN_DEVICE: 'cuda' })).toBe('stop');
    expect(fallback({ MUSICGEN_DEVICE: 'cuda', MUSICGEN_CUDA_FALLBACK: 'cpu' })).toBe('cpu');
    expect(fallback({ MUSICGEN_CUDA_FALLBACK: 'stop' })).toBe('stop');
  });

  test.each([
    [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535 (it is "70000")'],
    [{ PORT: '4e3' }, 'PORT must be a whole number'],
    [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL must be a postgres:// URL'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL must be a redis://'],
    [{ PUBLIC_URL: 'example.org' }, 'PUBLIC_URL must be an http'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of'],
    [{ MUSICGEN_PRECISION: 'int3' }, 'MUSICGEN_PRECISION must be auto, fp32, int8, int4 or fp16 (it is "int3")'],
    [{ MUSICGEN_MEMORY_MB: '1' }, 'MUSICGEN_MEMORY_MB must be a whole number from 256'],
    [{ LOAD_STARTER: 'yes' }, 'LOAD_STARTER must be true or false'],
    [{ AUDIO_URL_TTL_SECONDS: '0' }, 'AUDIO_URL_TTL_SECONDS must be'],
    [{ S3_ENDPOINT: 'http://s3', S3_ACCESS_KEY: 'a' }, 'S3_SECRET_KEY must be set when S3_ENDPOINT is set'],
  ])('%j is refused by name', (environment, message) => {
    expect(() => readConfig(environment)).toThrow(message);
  });

  test('every wrong variable is named at once, and secrets are not repeated', () => {
    const read = () => readConfig({ PORT: 'x', HF_ENDPOINT: 'y', DATABASE_URL: 'mysql://u:hush@h/d' });
    expect(read).toThrow(/PORT.*\nHF_ENDPOINT|HF_ENDPOINT.*\nPORT|PORT[\s\S]*HF_ENDPOINT/);
    expect(read).not.toThrow(/hush/);
  });

  test('a wrong value stops the start with one line that names the variable', async () => {
    const { code, stdout, stderr } = await runCommand(['serve'], { PORT: 'abc' });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe('conceptcaps: PORT must be a whole number from 0 to 65535 (it is "abc")\n');
  });
});

describe('help', () => {
  test.each([[[]], [['serve']], [['import']], [['migrate']], [['doctor']]])('of %j', async (command) => {
    const { code, stdout } = await runCommand([...command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: conceptcaps');
  });

  test('an unknown command and a missing argument say what to do', async () => {
    const unknown = await runCommand(['sreve']);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("unknown command 'sreve'");
    expect(unknown.stderr).toContain('Did you mean serve?');
    const missing = await runCommand(['import']);
    expect(missing.stderr).toContain("missing required argument 'source'");
  });
});
