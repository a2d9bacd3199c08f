import { isPostgresqlUrl, isSqliteUrl, redactUrl } from '../database/url.ts';
import { SettingError } from '../errors.ts';
import { type Environment, invalid, percentEncoding, recordingOf, text } from './variables.ts';

const postgresqlRule = `must be postgresql://user:password@host:5432/database, ${percentEncoding}`;

/**
 * Returns the URL of the read replica, or null if none is configured.
 *
 * @throws SettingError for a URL that is not of PostgreSQL.
 */
export function readReplicaUrl(environment: Environment): string | null {
  const value = text(environment, 'DATABASE_REPLICA_URL', '');
  if (value === '') return null;
  recordingOf(environment)?.notePublicPart('DATABASE_REPLICA_URL', redactUrl(value));
  if (isPostgresqlUrl(value)) return value;
  throw invalid('DATABASE_REPLICA_URL', redactUrl(value), postgresqlRule);
}

/**
 * Rejects a URL with a schema other than `public`. Prisma's URLs often name one. The server would not look into it, and
 * would take the database for empty.
 */
function requirePublicSchema(name: string, value: string): void {
  const schema = new URL(value).searchParams.get('schema') ?? 'public';
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
