import { readFileSync } from 'node:fs';
import { SettingError } from '../errors.ts';
import { type Environment, noted, read, recordingOf } from './variables.ts';

/** The settings that may come from a file, which the variable with the suffix `_FILE` names. */
export const secretNames = [
  'DATABASE_URL',
  'DATABASE_REPLICA_URL',
  'SMTP_URL',
  'ENCRYPTION_KEYS',
  'SERVICE_KEYS',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
];

/**
 * Returns the environment with secrets from files: the variable `NAME_FILE` names a file with the value of `NAME`, as
 * orchestrators mount secrets. A newline at the end of the file is removed.
 *
 * @throws SettingError if both variables are set, or if the file cannot be read or is empty. It never repeats a secret.
 */
export function withSecretFiles(environment: Environment, names: readonly string[]): Environment {
  const values = names.flatMap((name) => {
    const value = secretOf(environment, name);
    return value === null ? [] : [[name, value] as const];
  });
  return values.length === 0 ? environment : { ...environment, ...Object.fromEntries(values) };
}

/** Returns the content of the file of a secret. Null if none is configured. */
function secretOf(environment: Environment, name: string): string | null {
  const file = environment[`${name}_FILE`]?.trim() || undefined;
  recordingOf(environment)?.noteSecret(name, file ?? null);
  const direct = read(environment, name);
  if (file === undefined) return null;
  if (direct !== undefined) {
    throw new SettingError(name, `${name} and ${name}_FILE are both set. Set one of them.`);
  }
  const value = contentOf(file, name).replace(/\r?\n$/, '');
  if (value.trim() === '') throw new SettingError(name, `${name}_FILE is "${file}", but this file is empty.`);
  return noted(environment, name, value);
}

function contentOf(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SettingError(name, `${name}_FILE is "${file}", but this file cannot be read: ${code ?? message}.`);
  }
}
