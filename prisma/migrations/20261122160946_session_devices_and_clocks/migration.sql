-- AlterTable
ALTER TABLE "Session" ADD COLUMN "authenticatedAt" DATETIME;
ALTER TABLE "Session" ADD COLUMN "ipAddress" TEXT;
ALTER TABLE "Session" ADD COLUMN "lastSeenAt" DATETIME;
ALTER TABLE "Session" ADD COLUMN "userAgent" TEXT;
