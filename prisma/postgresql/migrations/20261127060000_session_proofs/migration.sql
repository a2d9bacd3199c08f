-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "proofs" TEXT;
