-- CreateTable
CREATE TABLE "ServiceClient" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "name" TEXT NOT NULL,
    "clientId" TEXT NOT NULL,
    "hashedSecret" TEXT NOT NULL,
    "previousHashedSecret" TEXT,
    "scopes" TEXT NOT NULL,
    "lastUsedAt" DATETIME,
    "disabledAt" DATETIME
);

-- CreateIndex
CREATE UNIQUE INDEX "ServiceClient_name_key" ON "ServiceClient"("name");

-- CreateIndex
CREATE UNIQUE INDEX "ServiceClient_clientId_key" ON "ServiceClient"("clientId");
