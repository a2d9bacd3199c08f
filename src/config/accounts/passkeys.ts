import { isIP } from 'node:net';
import { type Environment, invalid, list, noted, origins, read, toOrigin } from '../variables.ts';

/** The names under which passkeys are made and accepted. */
export type PasskeyPolicy = {
  /** The domain to which passkeys belong: the relying party identifier (WebAuthn Level 3 section 4). */
  rpId: string;
  /** The origins of pages and apps that may use passkeys: at or below the domain, apps, and `relatedOrigins`. */
  origins: ReadonlySet<string>;
  /** Origins of other domains, which browsers allow if `/.well-known/webauthn` names them. */
  relatedOrigins: readonly string[];
};

/** The origins of other settings: of this server, of the application, and of pages that may call this server. */
export type KnownOrigins = { publicUrl: URL; appUrl: URL; allowedOrigins: ReadonlySet<string> };

/**
 * Reads the domain and the origins of passkeys. By default, the domain is the host of `PUBLIC_URL`, and the origins are
 * those of other settings that are at or below it.
 *
 * A public suffix, such as `co.uk`, is not detected: browsers have the list of them, and refuse it.
 *
 * @throws SettingError for a domain at or above none of the origins, and for an origin that is not at or below it.
 */
export function readPasskeyPolicy(environment: Environment, known: KnownOrigins): PasskeyPolicy {
  const { publicUrl, appUrl, allowedOrigins } = known;
  const rpId = readRpId(environment, publicUrl.hostname);
  const listed = list(environment, 'PASSKEY_ORIGINS').map((item) => toPasskeyOrigin(item, rpId));
  const others = [publicUrl.origin, appUrl.origin, ...allowedOrigins].filter((origin) => isWithin(origin, rpId));
  const own = listed.length > 0 ? listed : [...new Set(others)];
  if (own.length === 0) {
    throw invalid(
      'PASSKEY_RP_ID',
      rpId,
      'must be the host of PUBLIC_URL, of APP_URL or of PASSKEY_ORIGINS, or above it',
    );
  }
  noted(environment, 'PASSKEY_ORIGINS', own);
  const relatedOrigins = origins(environment, 'RELATED_ORIGINS');
  return { rpId, origins: new Set([...own, ...relatedOrigins]), relatedOrigins };
}

function readRpId(environment: Environment, fallback: string): string {
  const value = read(environment, 'PASSKEY_RP_ID');
  if (value === undefined) return noted(environment, 'PASSKEY_RP_ID', fallback);
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(value) && isIP(value) === 0;
  if (!isName) throw invalid('PASSKEY_RP_ID', value, 'must be a domain name in lower case, such as example.com');
  return value;
}

/** The origin of an Android app: the SHA-256 of the certificate that signs it. */
const androidOrigin = /^android:apk-key-hash:[\w-]{43}$/;

/** Returns an origin of `PASSKEY_ORIGINS` in the form in which clients report it. @throws SettingError */
function toPasskeyOrigin(item: string, rpId: string): string {
  if (androidOrigin.test(item)) return item;
  const { origin } = toOrigin('PASSKEY_ORIGINS', item);
  if (isWithin(origin, rpId)) return origin;
  throw invalid(
    'PASSKEY_ORIGINS',
    item,
    `must be at or below ${rpId}, the domain of passkeys. Name origins of other domains in RELATED_ORIGINS`,
    'PASSKEY_RP_ID',
  );
}

/** Returns whether the host of an origin is the domain, or below it. A single label, such as `com`, has none below it. */
function isWithin(origin: string, rpId: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === rpId || (rpId.includes('.') && hostname.endsWith(`.${rpId}`));
}
