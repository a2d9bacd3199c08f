-- AlterTable
ALTER TABLE "User" ADD COLUMN     "username" TEXT,
ADD COLUMN     "usernameKey" TEXT;

-- CreateTable
CREATE TABLE "FormerUsername" (
    "hashedKey" TEXT NOT NULL,
    "userId" BIGINT,
    "expiresAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "FormerUsername_pkey" PRIMARY KEY ("hashedKey")
);

-- CreateIndex
CREATE INDEX "FormerUsername_userId_idx" ON "FormerUsername"("userId");

-- CreateIndex
CREATE INDEX "FormerUsername_expiresAt_idx" ON "FormerUsername"("expiresAt");

-- AddForeignKey
ALTER TABLE "FormerUsername" ADD CONSTRAINT "FormerUsername_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;
