-- AlterTable
ALTER TABLE "Session" ADD COLUMN "lifetimeEndsAt" DATETIME;
