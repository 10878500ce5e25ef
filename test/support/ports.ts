import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that any system gives to connections that go out (Linux's begin at 32768). */
const [LEAST, MOST] = [10_000, 32_000];

/**
 * A port of 127.0.0.1 that nobody listens on. Nor does a connection that goes out take it meanwhile, such as one to this
 * very port while its server is down, which would connect to itself; but another server may: the caller tries again then.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LEAST, MOST);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
