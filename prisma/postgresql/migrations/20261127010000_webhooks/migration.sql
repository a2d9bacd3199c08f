-- CreateTable
CREATE TABLE "Webhook" (
    "id" BIGSERIAL NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "eventTypes" TEXT,
    "format" TEXT NOT NULL DEFAULT 'STANDARD',
    "encryptedSecret" TEXT NOT NULL,
    "previousEncryptedSecret" TEXT,
    "previousSecretUntil" TIMESTAMP(3),
    "disabledAt" TIMESTAMP(3),
    "disabledReason" TEXT,
    "failingSince" TIMESTAMP(3),
    "lastEventId" BIGINT NOT NULL,

    CONSTRAINT "Webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" BIGSERIAL NOT NULL,
    "queuedAt" TIMESTAMP(3) NOT NULL,
    "webhookId" BIGINT NOT NULL,
    "eventId" BIGINT NOT NULL,
    "eventType" TEXT NOT NULL,
    "messageId" TEXT NOT NULL,
    "userId" BIGINT,
    "payload" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'WAITING',
    "sendAfter" TIMESTAMP(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "lastAttemptAt" TIMESTAMP(3),
    "lastStatus" INTEGER,
    "lastError" TEXT,
    "finishedAt" TIMESTAMP(3),

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_id_idx" ON "WebhookDelivery"("webhookId", "id");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_state_sendAfter_idx" ON "WebhookDelivery"("webhookId", "state", "sendAfter");

-- CreateIndex
CREATE INDEX "WebhookDelivery_webhookId_state_userId_id_idx" ON "WebhookDelivery"("webhookId", "state", "userId", "id");

-- CreateIndex
CREATE INDEX "WebhookDelivery_state_finishedAt_idx" ON "WebhookDelivery"("state", "finishedAt");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_webhookId_eventId_key" ON "WebhookDelivery"("webhookId", "eventId");

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook"("id") ON DELETE CASCADE ON UPDATE CASCADE;
