import { Client } from 'pg';
import { signPath } from '../src/audio/url-signature';
import { seed, silentWav } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

describe('audio URLs of the disk store', () => {
  const wav = silentWav({ seconds: 3 });
  let server: TestServer;
  let url: URL;
  beforeAll(async () => {
    server = await startTestServer({ AUDIO_URL_TTL_SECONDS: '600' });
    await seed(server, { 'audio/train': [{ id: 'a', attributes: ['piano'], caption: 'A piano.', audio: wav }] });
    const { samples } = await server.query('{ samples { edges { node { audio { url expiresAt } } } } }');
    const { audio } = samples.edges[0].node;
    url = new URL(audio.url);
    expect(Date.parse(audio.expiresAt)).toBeGreaterThan(Date.now() + 590_000);
  });
  afterAll(() => server?.close());

  test('the whole file, as audio, cacheable', async () => {
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('audio/wav');
    expect(answer.headers.get('accept-ranges')).toBe('bytes');
    const [, seconds] = /^private, max-age=(\d+), immutable$/.exec(answer.headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(500);
    expect(Number(seconds)).toBeLessThanOrEqual(600);
    expect(answer.headers.get('etag')).toBe(etag());
    expect(answer.headers.get('content-length')).toBe(String(wav.length));
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(wav);
  });

  const etag = () => `"${/[0-9a-f]{64}/.exec(url.pathname)![0]}"`;

  test('conditions are judged by the tag', async () => {
    const status = async (headers: Record<string, string>) =>
      (await fetch(url, { headers: { 'cache-control': 'max-age=0', ...headers } })).status;
    expect(await status({ range: 'bytes=0-9', 'if-range': etag() })).toBe(206);
    expect(await status({ range: 'bytes=0-9', 'if-range': '"other"' })).toBe(200);
    expect(await status({ 'if-none-match': `"other", ${etag()}` })).toBe(304);
    expect(await status({ 'if-none-match': '"other"' })).toBe(200);
    expect(await status({ 'if-match': etag() })).toBe(200);
    const failed = await fetch(url, { headers: { 'if-match': '"other"' } });
    expect(failed.status).toBe(412);
    expect(failed.headers.get('cache-control')).toBeNull();
  });

  test.each([
    ['bytes=0-99', 206, 0, 100],
    ['bytes=1000-', 206, 1000, wav.length],
    ['bytes=-44', 206, wav.length - 44, wav.length],
  ])('range %s', async (range, status, from, to) => {
    const answer = await fetch(url, { headers: { range } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${wav.length}`);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(wav.slice(from, to));
  });

  test('a range beyond the end is 416, HEAD has no body', async () => {
    expect((await fetch(url, { headers: { range: 'bytes=99999999-' } })).status).toBe(416);
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(wav.length));
  });

  const changed = (change: (copy: URL) => void): URL => {
    const copy = new URL(url);
    change(copy);
    return copy;
  };

  test.each<[string, (copy: URL) => void]>([
    ['without a signature', (copy) => copy.searchParams.delete('signature')],
    ['with another signature', (copy) => copy.searchParams.set('signature', 'A'.repeat(43))],
    [
      'made to last longer',
      (copy) => copy.searchParams.set('expires', String(Number(copy.searchParams.get('expires')) + 1)),
    ],
    ['for another file', (copy) => (copy.pathname = `/audio/${'0'.repeat(64)}.wav`)],
    ['with the signature twice', (copy) => copy.searchParams.append('signature', 'x')],
    ['for a path outside', (copy) => (copy.pathname = '/audio/..%2f..%2fpostgres.password')],
  ])('%s it is 403', async (_, change) => {
    const answer = await fetch(changed(change));
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({
      error: expect.stringContaining('not signed by this server'),
      code: 'FORGED_URL',
    });
  });

  test('an expired one is 403 and says so', async () => {
    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ key: Buffer }>('SELECT key FROM signing_key');
    await client.end();
    const expires = Math.floor(Date.now() / 1000) - 1;
    const answer = await fetch(
      changed((copy) => {
        copy.searchParams.set('expires', String(expires));
        copy.searchParams.set('signature', signPath(rows[0]!.key, copy.pathname, expires));
      }),
    );
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ error: expect.stringContaining('has expired'), code: 'EXPIRED_URL' });
  });
});
