/** The forms in which other systems export the secret of an authenticator app. */
import { Secret, TOTP, URI } from 'otpauth';
import { isObject, parseObject } from '../json.ts';
import { totpParameters } from './authenticator-app.ts';

/** A secret in base32, or the rule that the value breaks. The rule repeats nothing of the value. */
export type TotpReading = { secret: string } | { rule: string };

/** RFC 4226 section 4 asks for 16 bytes. Many systems made secrets of 10, and their users have them. */
const minSecretBytes = 10;

/** A parameter as the value gives it. Undefined if it leaves it out. */
type Parameters = { algorithm?: unknown; digits?: unknown; period?: unknown };

const { algorithm, digits, period } = totpParameters;

const rules = {
  form: 'must be an otpauth: URI, an object with a secret in base32, or null',
  members: 'must have no members but secret, algorithm, digits and period',
  kind: 'must be time-based: an app that counts (HOTP) is not supported',
  parameters: `must have the algorithm ${algorithm}, ${digits} digits and a period of ${period} seconds: no others are supported`,
  secret: `must have a secret of at least ${minSecretBytes} bytes, in base32`,
};

/**
 * Reads the secret of an authenticator app:
 *
 * - `otpauth://totp/…`, the URI of a QR code, also as the `totp_url` of Ory Kratos.
 * - `{ secret, algorithm, digits, period }`, with the secret in base32.
 * - `{ type, secretData, credentialData }`, a credential of Keycloak.
 */
export function readTotp(value: unknown): TotpReading {
  if (typeof value === 'string') return readUri(value);
  if (!isObject(value)) return { rule: rules.form };
  if (typeof value.totp_url === 'string') return readUri(value.totp_url);
  if ('secretData' in value) return readKeycloak(value);
  const { secret, algorithm, digits, period, ...others } = value;
  if (Object.keys(others).length > 0) return { rule: rules.members };
  return typeof secret === 'string' ? accept(secret, { algorithm, digits, period }) : { rule: rules.form };
}

function readUri(text: string): TotpReading {
  try {
    const totp = URI.parse(text);
    return totp instanceof TOTP ? accept(totp.secret.base32, totp) : { rule: rules.kind };
  } catch {
    return { rule: rules.form };
  }
}

/** Reads a credential of the type `otp`, as Keycloak exports it in `credentials`. Its two parts are JSON in texts. */
function readKeycloak({ type, secretData, credentialData }: Record<string, unknown>): TotpReading {
  const { value } = (typeof secretData === 'string' && parseObject(secretData)) || {};
  const data = (typeof credentialData === 'string' && parseObject(credentialData)) || {};
  if (type !== 'otp' || typeof value !== 'string') return { rule: rules.form };
  if (data.subType !== 'totp') return { rule: rules.kind };
  // Without an encoding, the characters themselves are the secret.
  const { secretEncoding: encoding = null } = data;
  if (encoding === null) return accept(Secret.fromUTF8(value).base32, data);
  return String(encoding).toUpperCase() === 'BASE32' ? accept(value, data) : { rule: rules.secret };
}

function accept(text: string, given: Parameters): TotpReading {
  const name = String(given.algorithm ?? algorithm).toUpperCase();
  const isSupported =
    name.replace(/^HMAC/, '').replace('-', '') === algorithm &&
    (given.digits ?? digits) === digits &&
    (given.period ?? period) === period;
  if (!isSupported) return { rule: rules.parameters };
  const secret = text.replaceAll(/[\s-]/g, '').toUpperCase().replace(/=+$/, '');
  if (!/^[A-Z2-7]+$/.test(secret)) return { rule: rules.secret };
  const { bytes, base32 } = Secret.fromBase32(secret);
  return bytes.length >= minSecretBytes ? { secret: base32 } : { rule: rules.secret };
}
