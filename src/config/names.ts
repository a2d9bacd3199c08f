import { SettingError } from '../errors.ts';
import type { Environment } from './variables.ts';

/** The names of all settings, except those of `readFromEnvironment`. */
export const settingNames: readonly string[] = [
  'ACCESS_TOKEN_AUDIENCES',
  'ACCESS_TOKEN_LIFETIME',
  'ADMIN_ROLES',
  'ALLOWED_HEADERS',
  'ALLOWED_HOSTS',
  'ALLOWED_ORIGINS',
  'ANONYMOUS_SESSIONS_PER_ADDRESS',
  'APP_URL',
  'ARGON2_LANES',
  'ARGON2_MEMORY_KIB',
  'ARGON2_PASSES',
  'ASSURANCE',
  'AUDIT_RETENTION',
  'CAPTCHA_AFTER',
  'CAPTCHA_COST',
  'COOKIE_DOMAIN',
  'DATABASE_POOL_SIZE',
  'DATABASE_REPLICA_URL',
  'DATABASE_URL',
  'DEVICE_RETENTION',
  'DRAIN_TIME',
  'EMAIL_SIGN_IN',
  'EMAIL_SIGN_UP',
  'ENCRYPTION_KEYS',
  'FACTOR_RESET_DELAY',
  'FEDERATION',
  'GRAPHIQL',
  'HOST',
  'INTROSPECTION',
  'LOGIN_ATTEMPTS',
  'LOGIN_ATTEMPTS_PER_ADDRESS',
  'LOGIN_RETURN_ORIGINS',
  'LOGIN_URL',
  'LOG_FORMAT',
  'LOG_LEVEL',
  'MAIL_FOLDER',
  'MAIL_FROM',
  'MAIL_TEMPLATES',
  'METRICS_HOST',
  'METRICS_PORT',
  'NEW_DEVICE_MAIL',
  'OTEL_EXPORTER_OTLP_COMPRESSION',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TIMEOUT',
  'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_SDK_DISABLED',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'PASSKEY_ORIGINS',
  'PASSKEY_RP_ID',
  'PASSWORD_MIN_LENGTH',
  'PASSWORD_QUEUE',
  'PASSWORD_RANGE_URL',
  'PORT',
  'PRIVATE_SIGN_UP',
  'PROXY_HEADER',
  'PUBLIC_URL',
  'REAUTHENTICATE_AFTER',
  'RELATED_ORIGINS',
  'REQUIRE_SECOND_FACTOR',
  'RESERVED_USERNAMES',
  'SERVICE_KEYS',
  'SESSIONS_PER_USER',
  'SESSION_IDLE_TIMEOUT',
  'SESSION_LIFETIME',
  'SESSION_RETENTION',
  'SIGN_UPS_PER_ADDRESS',
  'SMTP_URL',
  'STREAMS_PER_NODE',
  'TRUSTED_DOCUMENTS',
  'TRUSTED_DOCUMENTS_MODE',
  'TRUSTED_PROXIES',
  'UNREMEMBERED_SESSION_LIFETIME',
  'UNUSED_SESSION_TIMEOUT',
  'USERNAMES',
  'WEBHOOK_PRIVATE_NETWORKS',
  'NODE_ENV',
];

/** The settings that may come from a file, which the variable with the suffix `_FILE` names. */
export const secretNames: readonly string[] = [
  'DATABASE_URL',
  'DATABASE_REPLICA_URL',
  'SMTP_URL',
  'ENCRYPTION_KEYS',
  'SERVICE_KEYS',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
];

/**
 * Rejects variables whose names are misspelled names of settings: `ALOWED_ORIGINS`. Their settings would silently have
 * the defaults.
 *
 * Other variables belong to other programs. So a name counts as misspelled only if it differs from that of a setting in
 * one word, by typing errors, or in case and underscores. Another word is no typing error (`API_URL` is not `APP_URL`),
 * nor is the singular (`ADMIN_ROLE`). If the setting itself is set, even to nothing, no other name is taken for it.
 *
 * @param furtherNames - the settings of `readFromEnvironment`
 * @throws SettingError that names the variable and the setting, but not the value.
 */
export function requireNoMisspelling(environment: Environment, furtherNames: readonly string[]): void {
  const [first] = findMisspellings(environment, furtherNames);
  if (first) throw first;
}

/** Returns the errors of `requireNoMisspelling` for all misspelled names. */
export function findMisspellings(environment: Environment, furtherNames: readonly string[]): SettingError[] {
  const found: SettingError[] = [];
  const names = [...settingNames, ...furtherNames].flatMap((name) => [name, `${name}_FILE`]);
  const known = new Set(names);
  for (const variable of Object.keys(environment)) {
    if (known.has(variable)) continue;
    const meant = names.find((name) => !(name in environment) && isMisspelling(variable, name));
    if (meant === undefined) continue;
    const setting = meant.replace(/_FILE$/, '');
    const message =
      `${variable} is not a setting. Did you mean ${meant}? If the variable belongs to another program, set ${setting} ` +
      'too, to its default or to nothing.';
    found.push(new SettingError(variable, message));
  }
  return found;
}

/** Returns whether a name is a misspelled form of another one. */
export function isMisspelling(name: string, meant: string): boolean {
  const [words, meantWords] = [wordsOf(name), wordsOf(meant)];
  // Names of one word are too short to tell: PORT and SORT, HOST and GHOST.
  if (meantWords.length === 1) return false;
  if (words.join('') === meantWords.join('')) return true;
  if (words.length !== meantWords.length) return false;
  const pairs = words.map((word, index) => [word, meantWords[index] ?? ''] as const);
  const different = pairs.filter(([word, meantWord]) => word !== meantWord);
  return different.length === 1 && different.every(([word, meantWord]) => isTypingError(word, meantWord));
}

function wordsOf(name: string): string[] {
  return name.toUpperCase().split(/[_-]+/);
}

/** Words that are a typing error away from a word of a setting, but are themselves common in names of variables. */
const otherWords: ReadonlySet<string> = new Set([
  'EMAIL',
  'RULES',
  'TRAIN',
  'BRAIN',
  'LOGON',
  'SIGH',
  'SING',
  'FORM',
  'HOTEL',
]);

/** The length from which a word may have two typing errors. */
const longWord = 8;

function isTypingError(word: string, meant: string): boolean {
  if (otherWords.has(word) || singular(word) === singular(meant)) return false;
  // In a short word, one other letter makes another word: URL and URI, APP and API.
  if (meant.length < 4) return isTransposed(word, meant);
  return distance(word, meant) <= (meant.length >= longWord ? 2 : 1);
}

function singular(word: string): string {
  return word.replace(/IES$/, 'Y').replace(/S$/, '');
}

function isTransposed(word: string, meant: string): boolean {
  return (
    word.length === meant.length && distance(word, meant) === 1 && [...word].sort().join() === [...meant].sort().join()
  );
}

/**
 * Returns the number of letters to insert, delete, replace or exchange with their neighbour (optimal string alignment)
 * from one word to another.
 */
function distance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column += 1) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      const isExchange = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const exchange = isExchange ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY;
      const others = [at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + cost];
      current.push(Math.min(exchange, ...others));
    }
  }
  return at(from.length, to.length);
}
