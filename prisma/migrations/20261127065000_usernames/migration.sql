-- AlterTable
ALTER TABLE "User" ADD COLUMN "username" TEXT;
ALTER TABLE "User" ADD COLUMN "usernameKey" TEXT;

-- CreateTable
CREATE TABLE "FormerUsername" (
    "hashedKey" TEXT NOT NULL PRIMARY KEY,
    "userId" INTEGER,
    "expiresAt" DATETIME NOT NULL,
    CONSTRAINT "FormerUsername_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "FormerUsername_userId_idx" ON "FormerUsername"("userId");

-- CreateIndex
CREATE INDEX "FormerUsername_expiresAt_idx" ON "FormerUsername"("expiresAt");
