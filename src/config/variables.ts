/** Readers of environment variables. Each has a default, and rejects a value with its name and the value. */
import { SettingError } from '../errors.ts';
import { type Recording, recordingKey, type SettingValue } from './inspect/recording.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the recording of the settings that are read from an environment, if somebody asked for one. */
export function recordingOf(environment: Environment & { [recordingKey]?: Recording }): Recording | undefined {
  return environment[recordingKey];
}

/** Returns the value of a setting, and notes it as the one that the server uses. */
export function noted<T extends SettingValue>(environment: Environment, name: string, value: T): T {
  recordingOf(environment)?.note(name, value);
  return value;
}

/**
 * Returns the error for an invalid value, addressed to the operator. It does not repeat a value that looks like a URL
 * with credentials.
 *
 * @param because - the other setting, if the value is invalid only beside its value
 */
export function invalid(name: string, value: string, rule: string, because: string | null = null): SettingError {
  const hasCredentials = value.includes('@') && /[:/]/.test(value);
  return new SettingError(name, `${name} is "${hasCredentials ? '…' : value}", but it ${rule}.`, because);
}

/** The rule for the credentials in a URL. */
export const percentEncoding = 'with special characters of the user and the password percent-encoded, such as # as %23';

/** Returns the trimmed value. An empty variable counts as not set. */
export function read(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim() || undefined;
  noted(environment, name, value ?? null);
  return value;
}

export function text(environment: Environment, name: string, fallback: string): string {
  return noted(environment, name, read(environment, name) ?? fallback);
}

export function list(environment: Environment, name: string, fallback = ''): string[] {
  const items = text(environment, name, fallback)
    .split(',')
    .map((item) => item.trim());
  return noted(
    environment,
    name,
    items.filter((item) => item !== ''),
  );
}

export function atLeastOne(name: string, [first, ...rest]: string[]): [string, ...string[]] {
  if (first === undefined) throw invalid(name, ',', 'must name at least one');
  return [first, ...rest];
}

export function integer(environment: Environment, name: string, fallback: number, range: { min: number; max: number }) {
  const value = read(environment, name);
  if (value === undefined) return noted(environment, name, fallback);
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= range.min && number <= range.max)) {
    throw invalid(name, value, `must be a whole number from ${range.min} to ${range.max}`);
  }
  return noted(environment, name, number);
}

export function flag(environment: Environment, name: string, fallback: boolean): boolean {
  const value = read(environment, name);
  if (value === undefined) return noted(environment, name, fallback);
  if (value !== 'true' && value !== 'false') throw invalid(name, value, 'must be true or false');
  return noted(environment, name, value === 'true');
}

export function choice<const T extends string>(
  environment: Environment,
  name: string,
  [first, ...rest]: [T, ...T[]],
): T {
  const value = text(environment, name, first).toLowerCase();
  const chosen = [first, ...rest].find((option) => option === value);
  if (chosen === undefined) throw invalid(name, value, `must be one of ${[first, ...rest].join(', ')}`);
  return noted(environment, name, chosen);
}

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const maxDurationMs = 3_650 * unitsMs.d;

export function duration(environment: Environment, name: string, fallback: string, minMs = 1): number {
  const value = text(environment, name, fallback);
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(value) ?? [];
  const milliseconds = Number(amount) * unitsMs[unit as keyof typeof unitsMs];
  if (!(milliseconds >= minMs && milliseconds <= maxDurationMs)) {
    throw invalid(name, value, 'must be a number and a unit (s, m, h or d), such as 45m or 30d, of at most 3650d');
  }
  noted(environment, name, formatDuration(milliseconds));
  return milliseconds;
}

/** Returns a duration in the largest unit that divides it, such as `2d` for 48 hours. */
function formatDuration(milliseconds: number): string {
  const [unit, size] =
    Object.entries(unitsMs).findLast(([, ms]) => milliseconds !== 0 && milliseconds % ms === 0) ??
    (['s', unitsMs.s] as const);
  return `${milliseconds / size}${unit}`;
}

/** Reads a web origin: scheme, host and port. */
export function origin(environment: Environment, name: string, fallback: string): URL {
  const url = toOrigin(name, text(environment, name, fallback));
  noted(environment, name, url.origin);
  return url;
}

/** Reads a list of web origins. */
export function origins(environment: Environment, name: string): string[] {
  return noted(
    environment,
    name,
    list(environment, name).map((item) => toOrigin(name, item).origin),
  );
}

/** Reads a web origin from the value of a setting. @throws SettingError */
export function toOrigin(name: string, value: string): URL {
  const url = URL.parse(value);
  const isOrigin = url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  if (!isOrigin) throw invalid(name, value, 'must be scheme, host and port only, such as https://accounts.example.com');
  return url;
}
