/**
 * GraphQL Yoga with handwritten resolvers: a page of users with their sessions and each session's user, in one join.
 */
import { createServer } from 'node:http';
import BetterSqlite3 from 'better-sqlite3';
import { DateTimeResolver } from 'graphql-scalars';
import { createSchema, createYoga } from 'graphql-yoga';
import pg from 'pg';

// biome-ignore lint/style/noProcessEnv: how this server is started
const { DATABASE_URL = '', PORT } = process.env;

type Row = { id: number; email: string; name: string; role: string } & {
  sid: number | null;
  handle: string;
  expiresAt: number | Date;
};
type User = Pick<Row, 'id' | 'email' | 'name' | 'role'> & { sessions: object[] };

const page = (now: string) =>
  `SELECT u."id", u."email", u."name", u."role", s."id" AS sid, s."handle", s."expiresAt"
   FROM (SELECT * FROM "User" ORDER BY "id" DESC LIMIT 100) u LEFT JOIN "Session" s
     ON s."userId" = u."id" AND s."hashedSessionToken" IS NOT NULL AND s."expiresAt" > ${now}
   ORDER BY u."id" DESC, s."id" DESC`;

function open(): () => Row[] | Promise<Row[]> {
  if (DATABASE_URL.startsWith('file:')) {
    const database = new BetterSqlite3(DATABASE_URL.slice('file:'.length), { readonly: true });
    const statement = database.prepare<[number], Row>(page('CAST(? AS INTEGER)'));
    return () => statement.all(Date.now());
  }
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
  return async () => (await pool.query<Row>({ name: 'page', text: page('$1'), values: [new Date()] })).rows;
}

const list = open();

async function users(): Promise<User[]> {
  const byId = new Map<number, User>();
  for (const { id, email, name, role, sid, handle, expiresAt } of await list()) {
    const user = byId.get(id) ?? { id, email, name, role, sessions: [] };
    byId.set(id, user);
    if (sid !== null) user.sessions.push({ id: sid, handle, expiresAt: new Date(expiresAt), user });
  }
  return [...byId.values()];
}

const schema = createSchema({
  typeDefs: `
    scalar DateTime
    type User { id: ID!, email: String!, name: String, role: String!, sessions: [Session!]! }
    type Session { id: ID!, handle: String!, expiresAt: DateTime!, user: User }
    type Query { users: [User!]! }
  `,
  resolvers: { DateTime: DateTimeResolver, Query: { users } },
});

createServer(createYoga({ schema })).listen(Number(PORT), '127.0.0.1');
