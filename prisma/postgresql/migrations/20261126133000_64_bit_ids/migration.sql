-- The tables are written anew, which takes longer than a role may allow its statements.
SET LOCAL statement_timeout = 0;

-- Servers lock these tables in other orders. A lock that is waited for shortly, and given up, causes no deadlock.
DO $$
DECLARE
  usual TEXT := current_setting('lock_timeout');
BEGIN
  SET LOCAL lock_timeout = '300ms';
  FOR attempt IN 1..100 LOOP
    BEGIN
      LOCK TABLE "User", "Session", "UserToken", "Mail", "AuditEvent" IN ACCESS EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      IF attempt = 100 THEN RAISE; END IF;
      PERFORM pg_sleep(0.2 * random());
    END;
  END LOOP;
  PERFORM set_config('lock_timeout', usual, true);
END $$;

-- Without the foreign keys, which would be checked for each column.
ALTER TABLE "Session" DROP CONSTRAINT "Session_userId_fkey";
ALTER TABLE "UserToken" DROP CONSTRAINT "UserToken_userId_fkey";
ALTER TABLE "Mail" DROP CONSTRAINT "Mail_userId_fkey";

-- AlterTable
ALTER TABLE "User" ALTER COLUMN "id" TYPE BIGINT;
ALTER TABLE "Session" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
ALTER TABLE "UserToken" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
ALTER TABLE "Mail" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
ALTER TABLE "AuditEvent" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT,
  ALTER COLUMN "actorId" TYPE BIGINT;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "UserToken" ADD CONSTRAINT "UserToken_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Mail" ADD CONSTRAINT "Mail_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A sequence keeps its own type and its maximum. In adopted databases it may have another name, or no owner.
DO $$
DECLARE
  counter REGCLASS;
BEGIN
  FOR counter IN
    SELECT s.oid FROM pg_class s
      WHERE s.relkind = 'S' AND EXISTS (
        SELECT 1 FROM pg_attribute a
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          JOIN pg_depend p ON
            (p.classid = 'pg_class'::regclass AND p.objid = s.oid
              AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum)
            OR (p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
              AND p.refclassid = 'pg_class'::regclass AND p.refobjid = s.oid)
          WHERE a.attname = 'id' AND a.attrelid IN
            ('"User"'::regclass, '"Session"'::regclass, '"UserToken"'::regclass, '"Mail"'::regclass, '"AuditEvent"'::regclass)
      )
  LOOP
    EXECUTE format('ALTER SEQUENCE %s AS BIGINT', counter);
  END LOOP;
END $$;

-- A change of the type forgets what the planner knew of the column.
ANALYZE "User", "Session", "UserToken", "Mail", "AuditEvent";
