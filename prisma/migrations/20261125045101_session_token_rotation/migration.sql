-- AlterTable
ALTER TABLE "Session" ADD COLUMN "replacedHashedToken" TEXT;
ALTER TABLE "Session" ADD COLUMN "transport" TEXT;
