import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../errors';

/**
 * Requests that are tried again while that can help: no connection, a stall, 429, 5xx.
 */
export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** Tries without any progress before giving up. */
  readonly maxAttempts?: number;
  /** No byte for this long counts as broken off. */
  readonly stallTimeoutMs?: number;
  readonly onRetry?: (retry: Retry) => void;
  /** How to wait; replaced in tests. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface Retry {
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: string;
}

export const DEFAULT_STALL_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_ATTEMPTS = 6;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;

/** Something that trying again can cure. */
export class Transient extends Error {
  override readonly name = 'Transient';
  constructor(
    message: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
  }
}

/**
 * Runs `attempt` until it returns, waiting longer each time; `progress` tells whether the last try got any further,
 * which starts the count anew.
 * @throws UserError SOURCE_UNAVAILABLE when it does not help; whatever else `attempt` throws
 */
export async function withRetries<T>(
  subject: string,
  options: RetryOptions,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  const wait = options.wait ?? ((ms, signal) => delay(ms, undefined, { signal }));
  const maxAttempts = options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS;
  let reached = progress();
  for (let failures = 1; ; failures++) {
    options.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      if (progress() > reached) {
        reached = progress();
        failures = 1;
      }
      if (failures >= maxAttempts) {
        throw new UserError(
          'SOURCE_UNAVAILABLE',
          `${subject} could not be read: ${error.message}, ${failures} times in a row. What was fetched is kept; run the command again to go on.`,
          {},
          { cause: error },
        );
      }
      // Spread, so that clients that were turned away together do not come back together.
      const backoff = FIRST_DELAY_MS * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
      const delayMs = Math.min(Math.round(error.retryAfterMs ?? backoff), MAX_DELAY_MS);
      options.onRetry?.({ attempt: failures, delayMs, reason: error.message });
      await wait(delayMs, options.signal);
    }
  }
}

/** An answer that is final, good or bad; temporary ones are waited out. */
export function fetchWithRetry(
  url: string,
  headers: Record<string, string>,
  subject: string,
  options: RetryOptions,
): Promise<Response> {
  return withRetries(subject, options, () => fetchOnce(url, headers, options));
}

/** @throws Transient where asking again can help */
export async function fetchOnce(
  url: string,
  headers: Record<string, string>,
  options: RetryOptions,
): Promise<Response> {
  const timeout = AbortSignal.timeout(options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS);
  // The body is watched by its reader; the timeout here is for the headers.
  const headersArrived = new AbortController();
  const stalled = () => headersArrived.abort(new Transient('no answer in time'));
  timeout.addEventListener('abort', stalled, { once: true });
  let response: Response;
  try {
    // fetch drops the Authorization header when a redirect leads to another origin (Fetch standard, HTTP-redirect).
    response = await fetch(url, {
      headers,
      signal: options.signal ? AbortSignal.any([options.signal, headersArrived.signal]) : headersArrived.signal,
    });
  } catch (error) {
    if (options.signal?.aborted || error instanceof Transient) throw error;
    const cause = (error as Error).cause;
    throw new Transient(cause instanceof Error ? cause.message || cause.name : (error as Error).message);
  } finally {
    timeout.removeEventListener('abort', stalled);
  }
  if (response.status === 429 || response.status >= 500) {
    await response.body?.cancel();
    throw new Transient(`the hub answered ${response.status}`, retryAfter(response));
  }
  return response;
}

/** `Retry-After` in milliseconds: seconds, or a date. */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('retry-after');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
