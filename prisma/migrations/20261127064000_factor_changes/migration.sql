-- AlterTable
ALTER TABLE "AccountChange" ADD COLUMN "factors" TEXT;
