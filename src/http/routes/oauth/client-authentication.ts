/** Client authentication at OAuth endpoints (RFC 6749 section 2.3). */
import type { Database } from '../../../database/database.ts';
import type { Service, ServiceScope } from '../../../scope.ts';
import { authenticateService } from '../../../service-clients/authenticate.ts';
import { handleOf } from '../../../tokens/token.ts';
import { Refusal } from '../../messages.ts';
import type { HeaderReader } from '../../request/headers.ts';
import { sharePerTick } from '../../share-per-tick.ts';
import type { Form } from './form.ts';

const challenge = { 'www-authenticate': 'Basic realm="graphql-sessions", charset="UTF-8"' };

const missing = 'Send the client id and the client secret, as HTTP Basic or in the body.';
const twice = 'Send the client secret once: as HTTP Basic or in the body.';
const rejected = 'The client id or the client secret is wrong, or the client is disabled.';

type Credentials = { clientId: string; secret: string };

type Asking = { headers: HeaderReader; form: Form; scope: ServiceScope };

/**
 * Returns a function that returns the service that sent a request, by HTTP Basic (`client_secret_basic`) or by parameters
 * of the body (`client_secret_post`). Requests with the same Basic credentials that arrive together share one check.
 *
 * It throws a Refusal without credentials, for both kinds at once, for an unknown or disabled client, a wrong secret, and
 * a missing scope.
 */
export function clientAuthentication(database: Database, now: () => Date): (asking: Asking) => Promise<Service> {
  async function authenticate({ clientId, secret }: Credentials): Promise<Service | null> {
    // The secret names its client too. Another text costs no read.
    return handleOf(secret) === clientId ? authenticateService(database, secret, now()) : null;
  }
  const authenticateBasic = sharePerTick(async (authorization) => authenticate(readBasic(authorization)));
  return async ({ headers, form, scope }) => {
    const authorization = headers.get('authorization');
    const isBasic = authorization !== null && /^basic /i.test(authorization);
    if (isBasic && form.has('client_secret')) throw new Refusal(400, twice);
    const service = await (isBasic ? authenticateBasic(authorization) : authenticate(readPost(form)));
    if (service === null) throw new Refusal(401, rejected, challenge);
    if (service.scopes.has(scope)) return service;
    throw new Refusal(403, `The service client has no scope ${scope}. An administrator or operator can give it one.`, {
      'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  };
}

/** @throws Refusal without credentials. */
function readPost(form: Form): Credentials {
  const [clientId, secret] = [form.get('client_id'), form.get('client_secret')];
  if (clientId !== undefined && secret !== undefined) return { clientId, secret };
  throw new Refusal(401, missing, challenge);
}

/** Reads HTTP Basic (RFC 7617), with both parts in form encoding (RFC 6749 section 2.3.1). Empty texts if malformed. */
function readBasic(authorization: string): Credentials {
  const [, encoded = ''] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization) ?? [];
  const [, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  return { clientId: decodeForm(id), secret: decodeForm(secret) };
}

/** Decodes a value of a form. Returns an empty text for one that is not valid, which is no credential. */
function decodeForm(text: string): string {
  // Our own ids and secrets are the same in every encoding.
  if (/^[\w.-]*$/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
