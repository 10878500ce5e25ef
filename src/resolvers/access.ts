import type { ApiKey, ApiKeys } from '../platform/api-keys';
import { UserError } from '../platform/errors';
import type { RequestContext } from './context';

/** What every mutation asks first. */
export class Access {
  constructor(private readonly keys: ApiKeys) {}

  /**
   * The key that the request came with, with the request counted against it.
   * @throws UserError UNAUTHENTICATED, RATE_LIMITED
   */
  async charged({ caller }: RequestContext): Promise<ApiKey> {
    if (!caller) throw needsKey('Mutations need');
    await this.keys.charge(caller);
    return caller;
  }
}

export function needsKey(what: string): UserError {
  return new UserError(
    'UNAUTHENTICATED',
    `${what} an API key: send the header "Authorization: Bearer KEY". The server prints a local key at its start; "conceptcaps keys create NAME" makes others.`,
  );
}
