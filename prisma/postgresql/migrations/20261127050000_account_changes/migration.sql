-- CreateTable
CREATE TABLE "AccountChange" (
    "id" BIGSERIAL NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMP(3) NOT NULL,
    "type" TEXT NOT NULL,
    "userId" BIGINT NOT NULL,
    "email" TEXT NOT NULL,
    "addressKey" TEXT NOT NULL,
    "emailVerifiedAt" TIMESTAMP(3),
    "hashedPassword" TEXT,
    "undoneAt" TIMESTAMP(3),

    CONSTRAINT "AccountChange_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "AccountChange_userId_idx" ON "AccountChange"("userId");

-- CreateIndex
CREATE INDEX "AccountChange_addressKey_idx" ON "AccountChange"("addressKey");

-- CreateIndex
CREATE INDEX "AccountChange_expiresAt_idx" ON "AccountChange"("expiresAt");

-- AddForeignKey
ALTER TABLE "AccountChange" ADD CONSTRAINT "AccountChange_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE;
