-- CreateTable
CREATE TABLE "AccountChange" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" DATETIME NOT NULL,
    "type" TEXT NOT NULL,
    "userId" INTEGER NOT NULL,
    "email" TEXT NOT NULL,
    "addressKey" TEXT NOT NULL,
    "emailVerifiedAt" DATETIME,
    "hashedPassword" TEXT,
    "undoneAt" DATETIME,
    CONSTRAINT "AccountChange_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "AccountChange_userId_idx" ON "AccountChange"("userId");

-- CreateIndex
CREATE INDEX "AccountChange_addressKey_idx" ON "AccountChange"("addressKey");

-- CreateIndex
CREATE INDEX "AccountChange_expiresAt_idx" ON "AccountChange"("expiresAt");
