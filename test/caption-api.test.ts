import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findAttribute } from '../src/concepts/taxonomy';
import { captionApi } from '../src/inference/caption-api';
import type { CaptionApiConfig } from '../src/platform/config';
import { until } from './support/seed';
import { LISTED_ATTRIBUTES } from './support/stand-in-stages';

/** Captions from a local server that answers as an OpenAI-compatible API does, faults and all. */
type Answer = (response: ServerResponse) => void;
interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly seed: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
}

let api: Server;
let answers: Answer[];
let asked: Asked[];
beforeEach(async () => {
  answers = [];
  asked = [];
  api = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  api.closeAllConnections();
  await new Promise((resolve) => api.close(resolve));
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  asked.push({
    path: request.url!,
    authorization: request.headers.authorization,
    body: JSON.parse(text) as Asked['body'],
  });
  answers.shift()!(response);
}

const says =
  (content: string, finish = 'stop'): Answer =>
  (response) =>
    response.end(
      JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }] }),
    );
const fails =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers);
    response.end('{"error":{"message":"no"}}');
  };

const GOOD = 'A slow-tempo piece for solo piano, sparse and hushed.';
const attributes = ['slow tempo', 'piano'].map((name) => findAttribute(name)!.index).sort((a, b) => a - b);
const configOf = (changes: Partial<CaptionApiConfig> = {}): CaptionApiConfig => ({
  base: `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`,
  key: 'sk-secret',
  model: 'llama-3.1-8b',
  attempts: 3,
  timeoutSeconds: 60,
  fallsBack: false,
  ...changes,
});
const write = (changes: Partial<CaptionApiConfig> = {}, signal = new AbortController().signal) =>
  captionApi(configOf(changes), changes.fallsBack ? LISTED_ATTRIBUTES : null).write({ attributes, seed: 7, signal });

test('asks as the API wants to be asked, and takes a faithful caption', async () => {
  answers.push(says(`  "${GOOD}"\n`));
  const { caption, by, parameters } = await write();
  expect(caption).toBe(GOOD);
  expect(by).toMatchObject({ name: 'caption-api', version: '1 (llama-3.1-8b)', isPlaceholder: false });
  expect(parameters).toEqual({ model: 'llama-3.1-8b', seed: 7, temperature: 0.7, attempts: 1 });
  expect(asked).toMatchObject([
    { path: '/v1/chat/completions', authorization: 'Bearer sk-secret', body: { model: 'llama-3.1-8b', seed: 7 } },
  ]);
  expect(asked[0]!.body.messages.at(-1)!.content).toContain('slow tempo, piano');
});

test('asks again with the fault named where a caption misses or leaks', async () => {
  answers.push(says('A slow-tempo piece.'), says('A slow-tempo piece for piano and guitar.'), says(GOOD));
  const { caption, parameters } = await write();
  expect({ caption, attempts: parameters.attempts }).toEqual({ caption: GOOD, attempts: 3 });
  const faults = asked.map(({ body }) => body.messages.at(-1)!.content);
  expect(faults[1]).toMatch(/it does not say "piano"/);
  expect(faults[2]).toMatch(/it says "guitar", which was not asked for/);
  // The same seed again would give the same caption again.
  expect(asked.map(({ body }) => body.seed)).toEqual([7, 8, 9]);
});

test.each<[string, Answer[]]>([
  ['429 with a pause', [fails(429, { 'retry-after': '0' })]],
  ['a failure of the service', [fails(503), fails(500)]],
  ['an answer that is no JSON', [(response) => response.end('<html>')]],
  ['an answer of another shape', [(response) => response.end('{"choices":[]}')]],
  ['an answer without text', [says('   ')]],
  ['an answer that was cut off', [says(GOOD, 'length')]],
  ['a connection that breaks', [(response) => response.socket!.destroy()]],
])('tries again after %s', async (_what, faults) => {
  answers.push(...faults, says(GOOD));
  expect((await write()).caption).toBe(GOOD);
  expect(asked).toHaveLength(faults.length + 1);
});

test.each<[string, Partial<CaptionApiConfig>, Answer[], RegExp]>([
  [
    'after as many attempts as allowed',
    { attempts: 2 },
    [says('A guitar.'), says('A guitar.')],
    /does not say "piano"/,
  ],
  ['at once where the key is refused', {}, [fails(401)], /status 401/],
  ['at once where there is no such model', {}, [fails(404)], /status 404/],
  ['where the service wants to be left alone for long', {}, [fails(429, { 'retry-after': '3600' })], /left alone/],
  ['where there is no answer in time', { attempts: 1, timeoutSeconds: 2 }, [() => undefined], /did not answer within/],
  ['where the answer has no end', { attempts: 1 }, [(response) => response.end('x'.repeat(2_000_000))], /too long/],
])('fails %s, and says why without the key', async (_what, changes, given, reason) => {
  answers.push(...given);
  const error: Error = await write(changes).then(
    () => Promise.reject(new Error('it did not fail')),
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ name: 'EngineError', message: expect.stringMatching(reason) });
  expect(error.message).not.toContain('sk-secret');
  expect(asked).toHaveLength(given.length);
});

test('falls back where that is wanted, and says so', async () => {
  answers.push(fails(401));
  expect(await write({ fallsBack: true })).toEqual({
    caption: expect.stringContaining('piano'),
    by: LISTED_ATTRIBUTES,
    parameters: { insteadOf: 'caption-api', because: expect.stringMatching(/status 401/) },
  });
});

test('stops at once when it is canceled', async () => {
  answers.push(() => undefined);
  const abort = new AbortController();
  const written = write({ fallsBack: true, timeoutSeconds: 60 }, abort.signal);
  const failure = expect(written).rejects.toThrow('canceled');
  await until(() => asked.length === 1);
  abort.abort(new Error('canceled'));
  await failure;
});
