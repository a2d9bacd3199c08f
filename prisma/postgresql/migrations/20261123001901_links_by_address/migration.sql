-- CreateIndex
CREATE INDEX "UserToken_sentTo_idx" ON "UserToken"("sentTo");
