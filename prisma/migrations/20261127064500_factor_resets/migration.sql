-- CreateTable
CREATE TABLE "FactorReset" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "createdAt" DATETIME NOT NULL,
    "dueAt" DATETIME NOT NULL,
    "userId" INTEGER NOT NULL,
    "requestedById" INTEGER,
    "reason" TEXT NOT NULL,
    CONSTRAINT "FactorReset_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE UNIQUE INDEX "FactorReset_userId_key" ON "FactorReset"("userId");

-- CreateIndex
CREATE INDEX "FactorReset_dueAt_idx" ON "FactorReset"("dueAt");
