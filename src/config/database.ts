import { type Target, targetOf, targets } from '../database/postgresql/target.ts';
import { hostUrls, isPostgresqlUrl, isSqliteUrl, redactUrl } from '../database/url.ts';
import { SettingError } from '../errors.ts';
import { type Environment, invalid, percentEncoding, recordingOf, text } from './variables.ts';

const postgresqlRule = `must be postgresql://user:password@host:5432/database, ${percentEncoding}`;

/** The servers that sessions may be read from. A standby may not know yet that a session has ended. */
const primaryTargets: readonly Target[] = ['read-write', 'primary'];

/**
 * Returns the URL of the read replica, or null if none is configured.
 *
 * @throws SettingError for a URL that is not of PostgreSQL.
 */
export function readReplicaUrl(environment: Environment): string | null {
  const value = text(environment, 'DATABASE_REPLICA_URL', '');
  if (value === '') return null;
  recordingOf(environment)?.notePublicPart('DATABASE_REPLICA_URL', redactUrl(value));
  if (!isPostgresqlUrl(value)) throw invalid('DATABASE_REPLICA_URL', redactUrl(value), postgresqlRule);
  requireParameters('DATABASE_REPLICA_URL', value, targets);
  return value;
}

/** Rejects parameters that the driver would ignore, or read in another way than they are meant. */
function requireParameters(name: string, value: string, allowed: readonly Target[]): void {
  const { searchParams } = new URL(hostUrls(value)[0]);
  const isList = ['host', 'port', 'hostaddr'].some((parameter) => searchParams.get(parameter)?.includes(','));
  if (isList || (hostUrls(value).length > 1 && searchParams.has('host'))) {
    throw new SettingError(
      name,
      `${name} has several hosts in a parameter. Write them before the database: ` +
        'postgresql://user:password@db1:5432,db2:5432/database.',
    );
  }
  const target = targetOf(value);
  if (target === undefined || (target !== null && !allowed.includes(target))) {
    throw new SettingError(name, `${name} has a target_session_attrs that is none of these: ${allowed.join(', ')}.`);
  }
}

/**
 * Rejects a URL with a schema other than `public`. Prisma's URLs often name one. The server would not look into it, and
 * would take the database for empty.
 */
function requirePublicSchema(name: string, value: string): void {
  const schema = new URL(hostUrls(value)[0]).searchParams.get('schema') ?? 'public';
  if (schema === 'public') return;
  throw new SettingError(
    name,
    `${name} names a schema, but it may name no other one than public, where this server keeps its tables.`,
  );
}

export function readDatabaseUrl(environment: Environment): string {
  const value = text(environment, 'DATABASE_URL', 'file:data/sessions.db');
  recordingOf(environment)?.notePublicPart('DATABASE_URL', redactUrl(value));
  if (isPostgresqlUrl(value)) {
    requirePublicSchema('DATABASE_URL', value);
    requireParameters('DATABASE_URL', value, primaryTargets);
    return value;
  }
  if (!isSqliteUrl(value) || value === 'file::memory:') {
    throw invalid(
      'DATABASE_URL',
      redactUrl(value),
      'must be file: and the path of an SQLite file, such as file:data/sessions.db, ' +
        `or ${postgresqlRule.replace('must be ', '')}`,
    );
  }
  return value;
}
