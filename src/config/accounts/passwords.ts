import { type Environment, integer, invalid, text } from '../variables.ts';

/** Rules for passwords, and the cost of hashing them. */
export type PasswordPolicy = {
  /** The minimum length in code points, after normalisation. */
  minLength: number;
  /** argon2id: memory in KiB. */
  memoryKiB: number;
  /** argon2id: number of passes over the memory. */
  passes: number;
  /** argon2id: number of lanes. */
  lanes: number;
  /** The number of password hashes that may wait. Further requests are rejected, and may be repeated later. */
  queueLength: number;
  /** A k-anonymity range service that knows breached passwords. Null asks no service. */
  rangeUrl: URL | null;
  /** The host name by which users know this server. A password made of it is rejected. */
  serviceHost: string;
};

/** NIST SP 800-63B-4 section 3.1.1: never below 8, and at least 15 if the password is the only factor. */
const passwordMinLength = { min: 8, default: 15 };

/** OWASP's minimum for argon2id (Password Storage Cheat Sheet). */
const argon2 = { memoryKiB: 19_456, passes: 2, lanes: 1 };

/** Reads the rules for passwords. @throws SettingError */
export function readPasswordPolicy(environment: Environment, serviceHost: string): PasswordPolicy {
  return {
    minLength: integer(environment, 'PASSWORD_MIN_LENGTH', passwordMinLength.default, {
      min: passwordMinLength.min,
      max: 64,
    }),
    memoryKiB: integer(environment, 'ARGON2_MEMORY_KIB', argon2.memoryKiB, { min: argon2.memoryKiB, max: 4_194_304 }),
    passes: integer(environment, 'ARGON2_PASSES', argon2.passes, { min: argon2.passes, max: 100 }),
    lanes: integer(environment, 'ARGON2_LANES', argon2.lanes, { min: argon2.lanes, max: 64 }),
    queueLength: integer(environment, 'PASSWORD_QUEUE', 100, { min: 1, max: 10_000 }),
    rangeUrl: rangeUrl(environment),
    serviceHost,
  };
}

function rangeUrl(environment: Environment): URL | null {
  const value = text(environment, 'PASSWORD_RANGE_URL', '');
  if (value === '') return null;
  const url = URL.parse(value);
  const hasCredentials = url !== null && (url.username !== '' || url.password !== '');
  if (url === null || !/^https?:$/.test(url.protocol) || !url.pathname.endsWith('/') || hasCredentials) {
    throw invalid(
      'PASSWORD_RANGE_URL',
      // Anything else may be a credential.
      /^https?:\/\/[\w.-]+(?:\/[\w.-]*)*$/.test(value) ? value : '…',
      'must be an http or https URL without user that ends with /, such as https://…/: the server appends five hex ' +
        'digits to it',
    );
  }
  return url;
}
