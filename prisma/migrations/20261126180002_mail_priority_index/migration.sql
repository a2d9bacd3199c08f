-- CreateIndex. Databases of development versions have it.
CREATE INDEX IF NOT EXISTS "Mail_priority_sendAfter_idx" ON "Mail"("priority", "sendAfter");
