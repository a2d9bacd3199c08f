/** Databases with the variants of the Blitz.js schema, from known facts: `test/fixtures/blitz` has two real ones. */
import fc from 'fast-check';
import { blitz } from './blitz.ts';

/** The format of a time in a row: that of Prisma, of SQLite, or of RFC 3339. */
type TimeForm = 'integer' | 'text' | 'rfc3339';

export type Member = {
  indexNames: 0 | 1 | 2;
  bookkeeping: '_Migration' | '_prisma_migrations' | null;
  timeType: Record<string, 'DATE' | 'DATETIME'>;
  isSessionNullable: boolean;
  isExpiryNullable: boolean;
  isPasswordNullable: boolean;
  hasRoleDefault: boolean;
  isForeignKeyNamed: boolean;
  tokens: 'CASCADE' | 'RESTRICT' | null;
  isStrange: boolean;
  users: { email: string; name: string | null; password: number; role: string; form: TimeForm; at: number }[];
  sessions: {
    random: string;
    kind: 'ots' | 'ajwt';
    user: number;
    data: string | null;
    hasExpiry: boolean;
    form: TimeForm;
    at: number;
  }[];
  deletedUsers: number;
  deletedSessions: number;
};

const time = fc.integer({ min: Date.parse('2020-06-27T16:14:28Z'), max: Date.parse('2099-12-31T23:59:59Z') });
const form = fc.constantFrom<TimeForm[]>('integer', 'integer', 'text', 'rfc3339');
const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\0', ''));
const timeColumns = ['User.createdAt', 'User.updatedAt', 'Session.createdAt', 'Session.updatedAt', 'Session.expiresAt'];

export const members: fc.Arbitrary<Member> = fc.record({
  indexNames: fc.constantFrom(0, 1, 2),
  bookkeeping: fc.constantFrom('_Migration', '_prisma_migrations', null),
  timeType: fc
    .array(fc.constantFrom('DATE' as const, 'DATETIME' as const), { minLength: 5, maxLength: 5 })
    .map((types) => Object.fromEntries(timeColumns.map((column, index) => [column, types[index] ?? 'DATE']))),
  isSessionNullable: fc.boolean(),
  isExpiryNullable: fc.boolean(),
  isPasswordNullable: fc.boolean(),
  hasRoleDefault: fc.boolean(),
  isForeignKeyNamed: fc.boolean(),
  tokens: fc.constantFrom('CASCADE', 'RESTRICT', null),
  isStrange: fc.boolean(),
  users: fc.uniqueArray(
    fc.record({
      email: fc.constantFrom('ada@example.com', 'Ada@Example.com', 'grace@example.com', 'root@localhost', 'J@x.org'),
      name: fc.option(text),
      password: fc.nat({ max: 3 }),
      role: fc.constantFrom('user', 'admin', 'USER', 'ADMIN', 'anything at all'),
      form,
      at: time,
    }),
    { maxLength: 5, selector: ({ email }) => email },
  ),
  sessions: fc.array(
    fc.record({
      random: fc.base64String({ minLength: 40, maxLength: 44 }),
      kind: fc.constantFrom('ots', 'ajwt'),
      user: fc.nat({ max: 4 }),
      data: fc.option(text),
      hasExpiry: fc.boolean(),
      form,
      at: time,
    }),
    { maxLength: 8 },
  ),
  deletedUsers: fc.nat({ max: 2 }),
  deletedSessions: fc.nat({ max: 2 }),
});

const passwords = [blitz.users[0]?.hashedPassword ?? '', blitz.users[4]?.hashedPassword ?? '', 'hunter2hunter2', ''];

/** Returns the statements that create an SQLite database with this variant of the schema, and its rows. */
export function sqliteStatements(member: Member): string[] {
  const { timeType, isStrange, isSessionNullable } = member;
  const required = isSessionNullable ? '' : 'NOT NULL';
  const of = (column: string) => timeType[column];
  const key = member.isForeignKeyNamed ? 'CONSTRAINT "Session_userId_fkey" ' : '';
  const onDelete = isSessionNullable ? 'SET NULL' : 'CASCADE';
  return [
    `CREATE TABLE "User" (
"createdAt" ${of('User.createdAt')} NOT NULL DEFAULT CURRENT_TIMESTAMP ,"email" TEXT NOT NULL  ,
"hashedPassword" TEXT ${member.isPasswordNullable ? '' : 'NOT NULL'}  ,"id" INTEGER NOT NULL  PRIMARY KEY AUTOINCREMENT,
"name" TEXT   ,"role" TEXT NOT NULL ${member.hasRoleDefault ? `DEFAULT 'user'` : ''} ,
${isStrange ? `"locale" TEXT COLLATE NOCASE DEFAULT 'en, (US)', -- where they are\n"score" REAL NOT NULL DEFAULT (1 + 0.5), ` : ''}
"updatedAt" ${of('User.updatedAt')} NOT NULL  ${isStrange ? `, CHECK ("score" > 0)` : ''})`,
    `CREATE TABLE "Session" (
"antiCSRFToken" TEXT ${required} ,"createdAt" ${of('Session.createdAt')} NOT NULL DEFAULT CURRENT_TIMESTAMP ,
"expiresAt" ${of('Session.expiresAt')} ${member.isExpiryNullable ? '' : 'NOT NULL'}  ,"handle" TEXT NOT NULL  ,
"hashedSessionToken" TEXT ${required} ,"id" INTEGER NOT NULL  PRIMARY KEY AUTOINCREMENT,"privateData" TEXT ${required} ,
"publicData" TEXT ${required} ,"updatedAt" ${of('Session.updatedAt')} NOT NULL  ,"userId" INTEGER ${required} ,
${isStrange ? `"raw" BLOB, ` : ''}
${key}FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE ${onDelete} ON UPDATE CASCADE)`,
    ...(member.tokens ? tokenTable(member.tokens) : []),
    ...bookkeepingTable(member.bookkeeping),
    ...rowsOf(member),
    ...indexesOf(member),
    ...(isStrange ? strange : []),
  ];
}

function tokenTable(onDelete: string): string[] {
  return [
    `CREATE TABLE "Token" ("id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "hashedToken" TEXT NOT NULL, "type" TEXT NOT NULL,
       "expiresAt" DATETIME NOT NULL, "sentTo" TEXT NOT NULL, "userId" INTEGER NOT NULL,
       FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE ${onDelete} ON UPDATE CASCADE)`,
    `CREATE UNIQUE INDEX "Token.hashedToken_type_unique" ON "Token"("hashedToken", "type")`,
    `INSERT INTO "Token" VALUES (7, 'h', 'RESET_PASSWORD', '2020-07-04 18:12:58', 'Ada@Example.com', 1)`,
  ];
}

function bookkeepingTable(name: Member['bookkeeping']): string[] {
  if (name === '_Migration') {
    return [
      `CREATE TABLE "_Migration" ("revision" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "started_at" DATE NOT NULL)`,
      `INSERT INTO "_Migration" VALUES (1, '20200627161428', 1593274468000)`,
    ];
  }
  if (name === null) return [];
  return [
    `CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME,
       "migration_name" TEXT NOT NULL, "logs" TEXT, "rolled_back_at" DATETIME,
       "started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0)`,
    `INSERT INTO "_prisma_migrations" VALUES
       ('1', 'c', 1607984666000, '20201214220426_initial', NULL, NULL, 1607984666000, 1),
       ('2', 'c', NULL, '20210101000000_given_up', 'it broke', 1607984666001, 1607984666000, 0)`,
  ];
}

const generations = [
  ['User.email', 'Session.handle'],
  ['User.email_unique', 'Session.handle_unique'],
  ['User_email_key', 'Session_handle_key'],
] as const;

function indexesOf({ indexNames }: Member): string[] {
  const [email, handle] = generations[indexNames];
  return [
    `CREATE UNIQUE INDEX "${email}" ON "User"("email")`,
    `CREATE UNIQUE INDEX "${handle}" ON "Session"("handle")`,
  ];
}

/** The objects that an application may have added. The triggers would show that they fired. */
const strange = [
  `CREATE TABLE "Post" ("id" TEXT PRIMARY KEY, "userId" INTEGER REFERENCES "User"("id") ON DELETE CASCADE, "body" BLOB) WITHOUT ROWID`,
  `INSERT INTO "Post" VALUES ('p1', 1, x'00ff'), ('p2', NULL, 'a''b'), ('p3', 77, 1.5)`,
  `CREATE TABLE "Log" ("what" TEXT)`,
  `CREATE INDEX "User_by_locale" ON "User"("locale" DESC) WHERE "locale" IS NOT NULL`,
  `CREATE INDEX "Session_lower" ON "Session"(lower("handle"))`,
  `CREATE VIEW "Signed in" AS SELECT u."email", s."handle" FROM "User" u JOIN "Session" s ON s."userId" = u."id"`,
  `CREATE TRIGGER "told" AFTER UPDATE ON "User" BEGIN INSERT INTO "Log" VALUES (new."email"); END`,
  `CREATE TRIGGER "told of the session" AFTER UPDATE OF "expiresAt" ON "Session" WHEN new."id" > 0
     BEGIN INSERT INTO "Log" VALUES ('it''s ' || new."handle"); END`,
  `CREATE TRIGGER "through" INSTEAD OF DELETE ON "Signed in" BEGIN DELETE FROM "Session" WHERE "handle" = old."handle"; END`,
];

function rowsOf(member: Member): string[] {
  const users = member.users.map(({ email, name, password, role, form: as, at }) => {
    const stored = password === 3 && member.isPasswordNullable ? 'NULL' : literal(passwords[password] ?? '');
    const values = [written(at, as), literal(email), stored, name === null ? 'NULL' : literal(name), literal(role)];
    return `INSERT INTO "User" ("createdAt", "email", "hashedPassword", "name", "role", "updatedAt")
      VALUES (${values.join(', ')}, ${written(at + 7, as)})`;
  });
  const sessions = member.sessions.map(({ random, kind, user, data, hasExpiry, form: as, at }, index) => {
    const hasNoUser = member.isSessionNullable && (kind === 'ajwt' || user >= member.users.length);
    const secret = hasNoUser ? 'NULL' : literal(`hash of ${index}`);
    const given = data === null && member.isSessionNullable ? 'NULL' : literal(data ?? '{}');
    const expiresAt = member.isExpiryNullable && !hasExpiry ? 'NULL' : written(at + 86_400_000, as);
    const values = [secret, written(at, as), expiresAt, literal(`${random}${index}:${kind}`), secret, given, given];
    return `INSERT INTO "Session" ("antiCSRFToken", "createdAt", "expiresAt", "handle", "hashedSessionToken",
        "privateData", "publicData", "updatedAt", "userId")
      VALUES (${values.join(', ')}, ${written(at + 1, as)}, ${hasNoUser ? 'NULL' : user + 1})`;
  });
  return [
    ...users,
    ...sessions,
    `DELETE FROM "Session" WHERE "id" > ${member.sessions.length - member.deletedSessions}`,
    `DELETE FROM "User" WHERE "id" > ${member.users.length - member.deletedUsers}`,
  ];
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function written(at: number, as: TimeForm): string {
  const iso = new Date(at).toISOString();
  if (as === 'integer') return String(at);
  return literal(as === 'text' ? iso.slice(0, 19).replace('T', ' ') : iso.replace('Z', '+00:00'));
}
