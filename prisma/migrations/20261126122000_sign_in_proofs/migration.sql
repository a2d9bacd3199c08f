-- AlterTable
ALTER TABLE "Session" ADD COLUMN "authenticationMethods" TEXT;
