import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './support/cli';
import { seed } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

/** `conceptcaps export` as a process. */
let server: TestServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conceptcaps-export-'));
  server = await startTestServer();
  await seed(server, {
    'default/train': [
      { id: 'a', attributes: ['piano', 'slow tempo'], caption: 'A lonely piano, no drums.' },
      { id: 'b', attributes: ['male vocal'], caption: 'Somebody sings.' },
    ],
    'default/test': [{ id: 'c', attributes: ['violin'], caption: 'Ein „Konzert“ für Violine' }],
  });
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const exported = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCommand(['export', ...args], server.environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

test('writes every sample with what it carries and mentions, in the order of import', async () => {
  const rows = await exported();
  expect(rows.map(({ sourceId, split }) => [sourceId, split]).sort()).toEqual([
    ['a', 'train'],
    ['b', 'train'],
    ['c', 'test'],
  ]);
  expect(rows.find(({ sourceId }) => sourceId === 'a')).toEqual({
    id: expect.stringMatching(/^s_/),
    sourceId: 'a',
    source: expect.any(String),
    split: 'train',
    caption: 'A lonely piano, no drums.',
    attributes: ['slow tempo', 'piano'],
    carries: ['piano', 'slow'],
    mentions: ['piano', 'no percussion'],
    audioSha256: null,
    license: 'CC-BY-4.0',
  });
  expect(rows.find(({ sourceId }) => sourceId === 'c')).toMatchObject({ caption: 'Ein „Konzert“ für Violine' });
});

test('writes what a filter matches, to a file that is whole or not there', async () => {
  const file = join(folder, 'rows.jsonl');
  await exported('--filter', '{"splits":["test"]}', '--output', file);
  expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(1);
  const { code, stderr } = await runCommand(['export', '--filter', '{"split":"test"}'], server.environment);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/--filter.*"split".*Did you mean "splits"/s),
  });
});
