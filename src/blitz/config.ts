import { type Environment, invalid, list, read } from '../config/variables.ts';

/** How sessions that a Blitz.js application started go on. */
export type BlitzPolicy = {
  /** What the names of its cookies begin with. */
  cookiePrefixes: readonly string[];
  /** `SESSION_SECRET_KEY` of the application, for the data of visitors. Null leaves that behind. */
  secret: string | null;
};

/**
 * Reads how sessions of Blitz.js go on. Null where none of its cookies are accepted.
 *
 * @throws OperatorError that names the variable, its value and what it should be.
 */
export function readBlitzPolicy(environment: Environment): BlitzPolicy | null {
  const cookiePrefixes = list(environment, 'BLITZ_COOKIES');
  if (cookiePrefixes.length === 0) return null;
  for (const prefix of cookiePrefixes) {
    if (!/^[\w.-]{1,100}$/.test(prefix))
      throw invalid('BLITZ_COOKIES', prefix, 'must be the first part of names of cookies');
  }
  return { cookiePrefixes, secret: read(environment, 'BLITZ_SECRET') ?? null };
}
