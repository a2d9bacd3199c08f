-- CreateTable
CREATE TABLE "FactorReset" (
    "id" BIGSERIAL NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL,
    "dueAt" TIMESTAMP(3) NOT NULL,
    "userId" BIGINT NOT NULL,
    "requestedById" BIGINT,
    "reason" TEXT NOT NULL,

    CONSTRAINT "FactorReset_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "FactorReset_userId_key" ON "FactorReset"("userId");

-- CreateIndex
CREATE INDEX "FactorReset_dueAt_idx" ON "FactorReset"("dueAt");

-- AddForeignKey
ALTER TABLE "FactorReset" ADD CONSTRAINT "FactorReset_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;
