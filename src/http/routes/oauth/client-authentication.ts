/** Client authentication at OAuth endpoints (RFC 6749 section 2.3). */
import type { Database } from '../../../database/database.ts';
import type { Service, ServiceScope } from '../../../scope.ts';
import { authenticateService } from '../../../service-clients/authenticate.ts';
import { handleOf } from '../../../tokens/token.ts';
import { Refusal } from '../../messages.ts';
import type { HeaderReader } from '../../request/headers.ts';
import type { Form } from './form.ts';

const challenge = { 'www-authenticate': 'Basic realm="graphql-sessions", charset="UTF-8"' };

type Credentials = { clientId: string; secret: string };

/**
 * Returns the service that sent a request, by HTTP Basic (`client_secret_basic`) or by parameters of the body
 * (`client_secret_post`).
 *
 * @throws Refusal without credentials, for both kinds at once, for an unknown or disabled client, a wrong secret, and a
 *   missing scope.
 */
export async function requireService(
  database: Database,
  { headers, form, now }: { headers: HeaderReader; form: Form; now: Date },
  scope: ServiceScope,
): Promise<Service> {
  const credentials = readCredentials(headers, form);
  const service = await authenticateClient(database, credentials, now);
  if (service.scopes.has(scope)) return service;
  throw new Refusal(403, `The service client has no scope ${scope}. An administrator or operator can give it one.`, {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
  });
}

/**
 * Returns the service with these credentials.
 *
 * @throws Refusal for an unknown or disabled client and for a wrong secret, in the same way.
 */
async function authenticateClient(database: Database, credentials: Credentials, now: Date): Promise<Service> {
  const { clientId, secret } = credentials;
  // The secret names its client too.
  const service = handleOf(secret) === clientId ? await authenticateService(database, secret, now) : null;
  if (service === null) throw new Refusal(401, 'The client id or the client secret is wrong, or disabled.', challenge);
  return service;
}

function readCredentials(headers: HeaderReader, form: Form): Credentials {
  const basic = readBasic(headers.get('authorization'));
  const [clientId, secret] = [form.get('client_id'), form.get('client_secret')];
  if (basic !== null && secret !== undefined) {
    throw new Refusal(400, 'Send the client secret once: as HTTP Basic or in the body.');
  }
  if (basic !== null) return basic;
  if (clientId !== undefined && secret !== undefined) return { clientId, secret };
  throw new Refusal(401, 'Send the client id and the client secret, as HTTP Basic or in the body.', challenge);
}

/** Reads HTTP Basic (RFC 7617), with both parts in form encoding (RFC 6749 section 2.3.1). Null for another scheme. */
function readBasic(authorization: string | null): Credentials | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return null;
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  return { clientId: decodeForm(id ?? ''), secret: decodeForm(secret ?? '') };
}

/** Decodes a value of a form. Returns an empty text for one that is not valid, which is no credential. */
function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
