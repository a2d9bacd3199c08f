import { blitz } from './blitz.ts';
import { blankDatabase } from './postgresql-databases.ts';
import { onServer } from './postgresql-server.ts';

/** The differences between PostgreSQL databases with variants of the Blitz.js schema. */
export type PostgresqlMember = {
  indexNames: 0 | 1 | 2;
  timeType: string;
  roleType: 'TEXT' | 'enum' | 'VARCHAR(20)';
  isSessionNullable: boolean;
  isExpiryNullable: boolean;
  hasHistory: boolean;
  isStrange: boolean;
};

const generations = [
  ['User.email', 'Session.handle'],
  ['User.email_unique', 'Session.handle_unique'],
  ['User_email_key', 'Session_handle_key'],
] as const;

/** Returns the URL of such a database, with the users of the fixture and three sessions. */
export async function blitzDatabase(member: PostgresqlMember): Promise<string> {
  const url = await blankDatabase();
  await onServer(url, statementsOf(member).join(';\n'));
  return url;
}

function statementsOf({ timeType: time, ...member }: PostgresqlMember): string[] {
  const required = member.isSessionNullable ? '' : 'NOT NULL';
  const [email, handle] = generations[member.indexNames];
  const role =
    member.roleType === 'enum' ? `"Role" NOT NULL DEFAULT 'user'` : `${member.roleType} NOT NULL DEFAULT 'user'`;
  const users = blitz.users.map(
    ({ id, email: address, hashedPassword }) =>
      `(${id}, '2020-07-04 18:12:58.123+00', '${address}', '${hashedPassword}', '${id === 2 ? 'admin' : 'user'}', '2020-07-04 18:12:58+00')`,
  );
  return [
    `CREATE TYPE "Role" AS ENUM ('user', 'admin')`,
    `CREATE TABLE "User" ("id" SERIAL NOT NULL, "createdAt" ${time} NOT NULL DEFAULT CURRENT_TIMESTAMP,
       "updatedAt" ${time} NOT NULL, "name" TEXT, "email" TEXT NOT NULL, "hashedPassword" TEXT, "role" ${role},
       CONSTRAINT "User_pkey" PRIMARY KEY ("id"))`,
    `CREATE TABLE "Session" ("id" SERIAL NOT NULL, "createdAt" ${time} NOT NULL DEFAULT CURRENT_TIMESTAMP,
       "updatedAt" ${time} NOT NULL, "expiresAt" ${time} ${member.isExpiryNullable ? '' : 'NOT NULL'}, "handle" TEXT NOT NULL,
       "userId" INTEGER ${required}, "hashedSessionToken" TEXT ${required}, "antiCSRFToken" TEXT ${required},
       "publicData" TEXT ${required}, "privateData" TEXT ${required}, PRIMARY KEY ("id"))`,
    `CREATE UNIQUE INDEX "${email}" ON "User"("email")`,
    `CREATE UNIQUE INDEX "${handle}" ON "Session"("handle")`,
    `ALTER TABLE "Session" ADD FOREIGN KEY ("userId") REFERENCES "User"("id")
       ON DELETE ${member.isSessionNullable ? 'SET NULL' : 'CASCADE'} ON UPDATE CASCADE`,
    `CREATE TABLE "Token" ("id" SERIAL PRIMARY KEY, "hashedToken" TEXT NOT NULL, "expiresAt" TIMESTAMP(3) NOT NULL,
       "userId" INTEGER NOT NULL REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE)`,
    `INSERT INTO "User" ("id", "createdAt", "email", "hashedPassword", "role", "updatedAt") VALUES ${users.join(', ')}`,
    `SELECT setval('"User_id_seq"', 9)`,
    `INSERT INTO "Session" ("updatedAt", "expiresAt", "handle", "userId", "hashedSessionToken", "antiCSRFToken", "publicData", "privateData")
       SELECT '2020-07-04 18:12:58.9996+00', '2099-06-15 13:37:42.123+00', 'h+/=' || i || ':ots', i, 't' || i, 'c', '{"userId":1}', 'not json'
       FROM generate_series(1, 3) i`,
    `INSERT INTO "Token" ("hashedToken", "expiresAt", "userId") VALUES ('t', '2020-07-04 18:12:58', 1)`,
    ...(member.isExpiryNullable ? [`UPDATE "Session" SET "expiresAt" = NULL WHERE "id" = 2`] : []),
    ...(member.hasHistory ? history : []),
    ...(member.isStrange ? strange : []),
  ];
}

const history = [
  `CREATE TABLE "_prisma_migrations" ("id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL,
     "finished_at" TIMESTAMPTZ, "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
     "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`,
  `INSERT INTO "_prisma_migrations" VALUES ('1', 'c', now(), '20201214220426_initial', NULL, NULL, now(), 1)`,
];

/** The objects that an application may have added. The triggers would show that they fired. */
const strange = [
  `ALTER TABLE "User" ADD COLUMN "locale" TEXT DEFAULT 'en', ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT '{a,b}'`,
  `ALTER TABLE "Session" ADD COLUMN "raw" BYTEA DEFAULT '\\x00ff'`,
  `CREATE TABLE "Log" ("what" TEXT)`,
  `CREATE FUNCTION tell() RETURNS trigger AS $$ BEGIN INSERT INTO "Log" VALUES (TG_TABLE_NAME); RETURN NEW; END $$ LANGUAGE plpgsql`,
  `CREATE TRIGGER "told" AFTER UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION tell()`,
  `CREATE TRIGGER "always" AFTER UPDATE ON "Session" FOR EACH ROW EXECUTE FUNCTION tell()`,
  `CREATE TRIGGER "never" AFTER UPDATE ON "Session" FOR EACH ROW EXECUTE FUNCTION tell()`,
  `ALTER TABLE "Session" ENABLE ALWAYS TRIGGER "always"`,
  `ALTER TABLE "Session" DISABLE TRIGGER "never"`,
  `CREATE INDEX "User_by_locale" ON "User"("locale" DESC) WHERE "locale" IS NOT NULL`,
  `CREATE VIEW "Emails" AS SELECT "email" FROM "User"`,
];
