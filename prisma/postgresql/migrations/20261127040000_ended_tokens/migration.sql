-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "endedHashedToken" TEXT;
