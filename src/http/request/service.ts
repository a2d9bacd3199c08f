import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { RequestError } from '../../errors.ts';
import type { Service } from '../../scope.ts';
import { authenticateService } from '../../service-clients/authenticate.ts';
import { equalSecrets, hashToken } from '../../tokens/token.ts';
import type { Arrival } from './scope.ts';

const rejected =
  'This service key is not valid: it is unknown, its client is disabled, or it was retired after a rotation. ' +
  'Send a valid secret of a service client as x-service-key, or leave the header out.';

/** The service of the keys in `SERVICE_KEYS`, which have no names. */
const ofConfiguredKey: Service = { name: 'SERVICE_KEYS', clientId: null, scopes: new Set(['session-data'] as const) };

/**
 * Returns the service of the key in the `x-service-key` header.
 *
 * @throws RequestError if the key is not valid: a service that is taken for a stranger would give wrong answers.
 */
export async function findService(
  database: Database,
  { headers, now }: Arrival,
  { hashedServiceKeys }: Config,
): Promise<Service> {
  const key = headers.get('x-service-key') ?? '';
  const service = isConfiguredKey(key, hashedServiceKeys) ? ofConfiguredKey : null;
  const found = service ?? (await authenticateService(database, key, now));
  if (found === null) throw new RequestError('SERVICE_KEY_INVALID', rejected);
  return found;
}

function isConfiguredKey(key: string, hashedKeys: readonly string[]): boolean {
  const hashed = hashToken(key);
  // All keys are compared, so that the time does not tell which one matches.
  return hashedKeys.filter((expected) => equalSecrets(hashed, expected)).length > 0;
}
