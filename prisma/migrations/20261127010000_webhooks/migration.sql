-- CreateTable
CREATE TABLE "Webhook" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "eventTypes" TEXT,
    "format" TEXT NOT NULL DEFAULT 'STANDARD',
    "encryptedSecret" TEXT NOT NULL,
    "previousEncryptedSecret" TEXT,
    "previousSecretUntil" DATETIME,
    "disabledAt" DATETIME,
    "disabledReason" TEXT,
    "failingSince" DATETIME,
    "lastEventId" INTEGER NOT NULL
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "queuedAt" DATETIME NOT NULL,
    "webhookId" INTEGER NOT NULL,
    "eventId" INTEGER NOT NULL,
    "eventType" TEXT NOT NULL,
    "messageId" TEXT NOT NULL,
    "userId" INTEGER,
    "payload" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'WAITING',
    "sendAfter" DATETIME NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "lastAttemptAt" DATETIME,
    "lastStatus" INTEGER,
    "lastError" TEXT,
    "finishedAt" DATETIME,
    CONSTRAINT "WebhookDelivery_webhookId_fkey" FOREIGN KEY ("webhookId") REFERENCES "Webhook" ("id") ON DELETE CASCADE ON UPDATE CASCADE
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
