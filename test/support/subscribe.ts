import { createClient as createEventClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export type Transport = 'websocket' | 'events';

/** What a subscription gives. */
export interface Subscription<T> {
  /** In the order in which they came. */
  readonly updates: readonly T[];
  /** Resolves when the server has ended it; rejects with what it says is wrong. */
  readonly done: Promise<readonly T[]>;
  cancel(): Promise<void>;
}

/** Subscribes with the clients that users would take. */
export function subscribe<T>(
  url: string,
  transport: Transport,
  query: string,
  options: { readonly apiKey?: string; readonly variables?: Record<string, unknown> } = {},
): Subscription<T> {
  const updates: T[] = [];
  const authorization = options.apiKey && `Bearer ${options.apiKey}`;
  const client =
    transport === 'websocket'
      ? createSocketClient({
          url: `${url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          connectionParams: authorization ? { Authorization: authorization } : undefined,
        })
      : createEventClient({
          url: `${url}/graphql/stream`,
          retryAttempts: 0,
          headers: authorization ? { authorization } : undefined,
        });
  const done = new Promise<readonly T[]>((resolve, reject) => {
    client.subscribe<T>(
      { query, variables: options.variables },
      {
        next: ({ data, errors }) => (errors ? reject(asError(errors)) : updates.push(data as T)),
        error: (error) => reject(asError(error)),
        complete: () => resolve(updates),
      },
    );
  });
  done.catch(() => undefined);
  return {
    updates,
    done,
    async cancel() {
      await client.dispose();
    },
  };
}

function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { code, reason } = error as { code?: number; reason?: string };
  return new Error(code === undefined ? JSON.stringify(error) : `closed with ${code}: ${reason}`);
}
