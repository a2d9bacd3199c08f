-- CreateTable
CREATE TABLE "Revocation" (
    "id" BIGSERIAL NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL,
    "state" TEXT NOT NULL,
    "requestedById" BIGINT NOT NULL,
    "filter" TEXT NOT NULL,
    "isDryRun" BOOLEAN NOT NULL,
    "keptSessionId" BIGINT,
    "upToId" BIGINT NOT NULL,
    "cursor" BIGINT NOT NULL DEFAULT 0,
    "examined" INTEGER NOT NULL DEFAULT 0,
    "matched" INTEGER NOT NULL DEFAULT 0,
    "finishedAt" TIMESTAMP(3),
    "error" TEXT,

    CONSTRAINT "Revocation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Revocation_state_idx" ON "Revocation"("state");
