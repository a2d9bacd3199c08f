-- CreateTable
CREATE TABLE "Revocation" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "createdAt" DATETIME NOT NULL,
    "state" TEXT NOT NULL,
    "requestedById" INTEGER NOT NULL,
    "filter" TEXT NOT NULL,
    "isDryRun" BOOLEAN NOT NULL,
    "keptSessionId" INTEGER,
    "upToId" INTEGER NOT NULL,
    "cursor" INTEGER NOT NULL DEFAULT 0,
    "examined" INTEGER NOT NULL DEFAULT 0,
    "matched" INTEGER NOT NULL DEFAULT 0,
    "finishedAt" DATETIME,
    "error" TEXT
);

-- CreateIndex
CREATE INDEX "Revocation_state_idx" ON "Revocation"("state");
