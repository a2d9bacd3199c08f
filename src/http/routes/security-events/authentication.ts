import type { Database } from '../../../database/database.ts';
import type { Service } from '../../../scope.ts';
import { handleOf } from '../../../tokens/token.ts';
import { Refusal } from '../../messages.ts';
import type { HeaderReader } from '../../request/headers.ts';
import { clientAuthentication } from '../oauth/client-authentication.ts';

const missing = 'Send the client id and the client secret as HTTP Basic, or the client secret as a bearer token.';

const noForm: ReadonlyMap<string, string> = new Map();

/** A service client that receives security events. */
export type AuthenticatedReceiver = { service: Service; clientId: string };

/**
 * Returns a function that returns the service client that sent a request: by HTTP Basic, or by its secret as a bearer
 * token, because receivers of other makers can often send nothing else. Needs no body.
 *
 * It throws a Refusal as `clientAuthentication` does.
 */
export function receiverAuthentication(
  database: Database,
  now: () => Date,
): (headers: HeaderReader) => Promise<AuthenticatedReceiver> {
  const authenticate = clientAuthentication(database, now);
  return async (headers) => {
    const authorization = headers.get('authorization') ?? '';
    const [, secret] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
    if (secret === undefined && !/^basic /i.test(authorization)) {
      throw new Refusal(401, missing, {
        'www-authenticate': 'Basic realm="graphql-sessions", charset="UTF-8", Bearer',
      });
    }
    const form = secret === undefined ? noForm : formOf(secret);
    const service = await authenticate({ headers, form, scope: 'events' });
    // Keys of SERVICE_KEYS, which have no id, are not accepted here.
    if (service.clientId === null) throw new Refusal(401, missing);
    return { service, clientId: service.clientId };
  };
}

/** Returns the parameters of `client_secret_post` for a secret, which names its client. */
function formOf(secret: string): ReadonlyMap<string, string> {
  return new Map([
    ['client_id', handleOf(secret) ?? ''],
    ['client_secret', secret],
  ]);
}
