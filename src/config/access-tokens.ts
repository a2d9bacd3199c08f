import { SettingError } from '../errors.ts';
import { duration, type Environment, invalid, list, text } from './variables.ts';

/** Access tokens: signed tokens for servers that cannot ask this one about each request. */
export type AccessTokenPolicy = {
  /** The audiences (`aud`) for which users may get tokens. Empty turns access tokens off. */
  audiences: ReadonlySet<string>;
  /** The lifetime of a token. So long may a revoked session still be accepted by its audience. */
  lifetimeMs: number;
};

/** From a minute, so that clients need not ask all the time, to `maxTokenLifetimeMs` of the signing keys. */
const lifetimeMs = { min: 60_000, max: 300_000 };

/**
 * Reads `ACCESS_TOKEN_AUDIENCES` and `ACCESS_TOKEN_LIFETIME`.
 *
 * @throws SettingError for an invalid value, and for audiences without encryption keys.
 */
export function readAccessTokenPolicy(environment: Environment, hasEncryptionKeys: boolean): AccessTokenPolicy {
  const audiences = new Set(list(environment, 'ACCESS_TOKEN_AUDIENCES').map(audience));
  if (audiences.size > 0 && !hasEncryptionKeys) {
    throw new SettingError(
      'ACCESS_TOKEN_AUDIENCES',
      'ACCESS_TOKEN_AUDIENCES is set, but ENCRYPTION_KEYS is not: the keys that sign tokens are stored encrypted. ' +
        '`create-encryption-key` makes one.',
      'ENCRYPTION_KEYS',
    );
  }
  return { audiences, lifetimeMs: lifetime(environment) };
}

function audience(value: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(value)) return value;
  throw invalid(
    'ACCESS_TOKEN_AUDIENCES',
    value,
    'must be a URI or a name, of up to 200 ASCII characters without spaces',
  );
}

function lifetime(environment: Environment): number {
  const ms = duration(environment, 'ACCESS_TOKEN_LIFETIME', '60s');
  if (ms >= lifetimeMs.min && ms <= lifetimeMs.max) return ms;
  throw invalid('ACCESS_TOKEN_LIFETIME', text(environment, 'ACCESS_TOKEN_LIFETIME', ''), 'must be from 60s to 300s');
}
