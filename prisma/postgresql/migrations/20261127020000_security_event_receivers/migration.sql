-- CreateTable
CREATE TABLE "EventReceiver" (
    "clientId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL,
    "acknowledgedId" BIGINT NOT NULL,
    "acknowledgedAt" TIMESTAMP(3) NOT NULL,
    "acknowledgedAbove" TEXT,

    CONSTRAINT "EventReceiver_pkey" PRIMARY KEY ("clientId")
);

-- AddForeignKey
ALTER TABLE "EventReceiver" ADD CONSTRAINT "EventReceiver_clientId_fkey" FOREIGN KEY ("clientId") REFERENCES "ServiceClient"("clientId") ON DELETE CASCADE ON UPDATE CASCADE;
