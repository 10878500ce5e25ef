import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestServer } from './support/server';

test('the first query of the README, as pasted, gets the answer printed below it', async () => {
  const readme = readFileSync(join(__dirname, '..', 'README.md'), 'utf8');
  const [, body, answer] =
    /curl -s localhost:4000\/graphql [^']*'content-type: application\/json' -d '([^']*)'\n\n```json\n([^`]*)```/.exec(
      readme,
    )!;
  const server = await startTestServer({ LOAD_STARTER: 'true' });
  try {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body!,
    });
    expect(await response.json()).toEqual(JSON.parse(answer!));
  } finally {
    await server.close();
  }
});
