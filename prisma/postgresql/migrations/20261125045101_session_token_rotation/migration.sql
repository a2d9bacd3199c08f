-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "replacedHashedToken" TEXT,
ADD COLUMN     "transport" TEXT;
