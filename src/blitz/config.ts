import { withSecretFiles } from '../config/secret-files.ts';
import { type Environment, invalid, list, read } from '../config/variables.ts';

/** The policy for sessions that a Blitz.js application started and that stay valid here. */
export type BlitzPolicy = {
  /** The prefixes of the names of its cookies. */
  cookiePrefixes: readonly string[];
  /** `SESSION_SECRET_KEY` of the application, for the data of visitors. If null, that data is not used. */
  secret: string | null;
};

/** The names of its settings. */
export const blitzSettingNames: readonly string[] = ['BLITZ_COOKIES', 'BLITZ_SECRET'];

/**
 * Reads the policy for sessions of Blitz.js. Null if no cookies of Blitz.js are accepted.
 *
 * @throws SettingError that names the variable, its value and the rule for it.
 */
export function readBlitzPolicy(given: Environment): BlitzPolicy | null {
  const environment = withSecretFiles(given, ['BLITZ_SECRET']);
  const cookiePrefixes = list(environment, 'BLITZ_COOKIES');
  const secret = read(environment, 'BLITZ_SECRET') ?? null;
  if (cookiePrefixes.length === 0) return null;
  for (const prefix of cookiePrefixes) {
    if (!/^[\w.-]{1,100}$/.test(prefix)) throw invalid('BLITZ_COOKIES', prefix, 'must be a prefix of cookie names');
  }
  return { cookiePrefixes, secret };
}
