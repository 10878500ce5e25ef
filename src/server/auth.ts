import { OperationTypeNode } from 'graphql';
import type { ApiKey, ApiKeys } from '../platform/api-keys';
import { UserError } from '../platform/errors';
import { needsKey } from '../resolvers/access';
import { refusal } from './operation-limits';

/** Who sends a request: nobody in particular, a key, or somebody with a key that is none. */
export type Credentials = ApiKey | 'none' | 'refused';

/** Whether reading takes a key, too. */
export type ReadAccess = 'open' | 'key';

/** @param authorization the header, or the same text of a WebSocket's connection parameters */
export async function credentialsOf(keys: ApiKeys, authorization: string | undefined): Promise<Credentials> {
  if (authorization === undefined || authorization === '') return 'none';
  const [, key] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  return (key !== undefined && (await keys.authenticate(key))) || 'refused';
}

export function callerOf(credentials: Credentials): ApiKey | null {
  return typeof credentials === 'string' ? null : credentials;
}

/** @throws GraphQLError UNAUTHENTICATED with HTTP status 401 */
export function authorize(operation: OperationTypeNode, credentials: Credentials, readAccess: ReadAccess): void {
  if (credentials === 'refused') {
    throw refusal(
      new UserError(
        'UNAUTHENTICATED',
        'The API key is not known, or was revoked. Leave the Authorization header out to read without a key where that is allowed; "conceptcaps keys list" shows the keys that there are.',
      ),
      401,
    );
  }
  if (credentials !== 'none') return;
  if (operation === OperationTypeNode.MUTATION) throw refusal(needsKey('Mutations need'), 401);
  if (readAccess === 'key') throw refusal(needsKey('This server is not open to all: even reading needs'), 401);
}
