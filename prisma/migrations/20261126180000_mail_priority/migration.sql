-- AlterTable
ALTER TABLE "Mail" ADD COLUMN "priority" INTEGER NOT NULL DEFAULT 1;

-- Mail that waits already.
UPDATE "Mail" SET "priority" = 0 WHERE "template" IN (
  'reset-password', 'confirm-email-change', 'email-change-requested', 'email-changed', 'password-changed',
  'account-deleted'
);

-- CreateIndex
CREATE INDEX "Mail_priority_sendAfter_idx" ON "Mail"("priority", "sendAfter");
