-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "lifetimeEndsAt" TIMESTAMP(3);
