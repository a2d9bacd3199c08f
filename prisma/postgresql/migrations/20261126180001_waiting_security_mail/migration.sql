-- Mail that waits already.
UPDATE "Mail" SET "priority" = 0 WHERE "template" IN (
  'reset-password', 'confirm-email-change', 'email-change-requested', 'email-changed', 'password-changed',
  'account-deleted'
);
