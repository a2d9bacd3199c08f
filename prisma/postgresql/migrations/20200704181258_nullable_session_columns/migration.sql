-- DropForeignKey
ALTER TABLE "Session" DROP CONSTRAINT "Session_userId_fkey";

-- AlterTable
ALTER TABLE "Session" ALTER COLUMN "userId" DROP NOT NULL,
ALTER COLUMN "hashedSessionToken" DROP NOT NULL,
ALTER COLUMN "antiCSRFToken" DROP NOT NULL,
ALTER COLUMN "publicData" DROP NOT NULL,
ALTER COLUMN "privateData" DROP NOT NULL;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;
