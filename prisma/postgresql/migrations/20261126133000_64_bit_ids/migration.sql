-- Gives the ids 64 bits. Servers of the version before cannot read such ids, and may run beside this one: so a function
-- does it, and this migration calls it only where there is nobody to log in. Otherwise src/database/postgresql/ids.ts
-- calls it once no server runs, or an operator does by `widen-ids`.
CREATE FUNCTION "widen_ids"() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  usual TEXT := current_setting('lock_timeout');
  counter REGCLASS;
BEGIN
  -- Servers lock these tables in other orders. A lock that is given up soon, and tried again, causes no deadlock.
  PERFORM set_config('lock_timeout', '300ms', true);
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

  -- With the foreign keys, each of them would be checked twice.
  ALTER TABLE "Session" DROP CONSTRAINT "Session_userId_fkey";
  ALTER TABLE "UserToken" DROP CONSTRAINT "UserToken_userId_fkey";
  ALTER TABLE "Mail" DROP CONSTRAINT "Mail_userId_fkey";
  ALTER TABLE "User" ALTER COLUMN "id" TYPE BIGINT;
  ALTER TABLE "Session" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
  ALTER TABLE "UserToken" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
  ALTER TABLE "Mail" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT;
  ALTER TABLE "AuditEvent" ALTER COLUMN "id" TYPE BIGINT, ALTER COLUMN "userId" TYPE BIGINT,
    ALTER COLUMN "actorId" TYPE BIGINT;
  ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;
  ALTER TABLE "UserToken" ADD CONSTRAINT "UserToken_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;
  ALTER TABLE "Mail" ADD CONSTRAINT "Mail_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;

  -- A sequence keeps its own type, and with it its end. In adopted databases it may have any name, and no owner.
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
          WHERE a.attname = 'id' AND a.attrelid IN ('"User"'::regclass, '"Session"'::regclass,
            '"UserToken"'::regclass, '"Mail"'::regclass, '"AuditEvent"'::regclass)
      )
  LOOP
    EXECUTE format('ALTER SEQUENCE %s AS BIGINT', counter);
  END LOOP;

  -- With the type of a column, the planner forgets what it knew of its values.
  ANALYZE "User", "Session", "UserToken", "Mail", "AuditEvent";
END $$;

DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM "User") AND NOT EXISTS (SELECT 1 FROM "Session")
    AND NOT EXISTS (SELECT 1 FROM "AuditEvent") THEN
    PERFORM "widen_ids"();
  END IF;
END $$;
