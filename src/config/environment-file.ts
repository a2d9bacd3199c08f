import { OperatorError } from '../errors.ts';

/**
 * Adds the variables of the file `.env` in the working directory, if it exists, to the environment. Returns the names
 * of those that were not set before.
 *
 * @throws OperatorError if the file exists but cannot be read.
 */
export function loadEnvironmentFile(): ReadonlySet<string> {
  const before = new Set(Object.keys(process.env));
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set();
    throw new OperatorError(`The file .env cannot be read: ${(error as Error).message}.`);
  }
  return new Set(Object.keys(process.env).filter((name) => !before.has(name)));
}
