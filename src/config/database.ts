import { withoutPassword } from '../database/url.ts';
import { type Environment, invalid, text } from './variables.ts';

function isPostgresql(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== '' && url.pathname.length > 1;
}

/**
 * Returns the URL of the read replica, or null if none is configured.
 *
 * @throws OperatorError for a URL that is not of PostgreSQL.
 */
export function readReplicaUrl(environment: Environment): string | null {
  const value = text(environment, 'DATABASE_REPLICA_URL', '');
  if (value === '' || isPostgresql(value)) return value || null;
  throw invalid(
    'DATABASE_REPLICA_URL',
    withoutPassword(value),
    'must be postgresql://user:password@host:5432/database',
  );
}

/**
 * Rejects a URL with a schema other than `public`. Prisma's URLs often name one. The server would not look into it, and
 * would take the database for empty.
 */
function requirePublicSchema(name: string, value: string): void {
  const schema = new URL(value).searchParams.get('schema') ?? 'public';
  if (schema === 'public') return;
  throw invalid(
    name,
    withoutPassword(value),
    'may not name a schema other than public, where this server keeps its tables',
  );
}

export function readDatabaseUrl(environment: Environment): string {
  const value = text(environment, 'DATABASE_URL', 'file:data/sessions.db');
  if (isPostgresql(value)) {
    requirePublicSchema('DATABASE_URL', value);
    return value;
  }
  if (!/^file:(?!\/\/)[^?#]+$/.test(value) || value === 'file::memory:') {
    throw invalid(
      'DATABASE_URL',
      withoutPassword(value),
      'must be file: and the path of an SQLite file, such as file:data/sessions.db, ' +
        'or postgresql://user:password@host:5432/database',
    );
  }
  return value;
}
