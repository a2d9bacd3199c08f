-- CreateTable
CREATE TABLE "EventReceiver" (
    "clientId" TEXT NOT NULL PRIMARY KEY,
    "createdAt" DATETIME NOT NULL,
    "acknowledgedId" INTEGER NOT NULL,
    "acknowledgedAt" DATETIME NOT NULL,
    "acknowledgedAbove" TEXT,
    CONSTRAINT "EventReceiver_clientId_fkey" FOREIGN KEY ("clientId") REFERENCES "ServiceClient" ("clientId") ON DELETE CASCADE ON UPDATE CASCADE
);
