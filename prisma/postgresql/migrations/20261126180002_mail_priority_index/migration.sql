-- CreateIndex
CREATE INDEX "Mail_priority_sendAfter_idx" ON "Mail"("priority", "sendAfter");
