import { builder } from '../../builder.ts';

export const SessionEndReason = builder.enumType('SessionEndReason', {
  description: 'The reason why a session ended. More may be added.',
  values: {
    LOGOUT: { description: 'Its client ended it.' },
    REPLACED: { description: 'Its client signed in again, as this user or another one.' },
    REVOKED: { description: 'The user ended it from another session.' },
    REVOKED_BY_ADMIN: { description: 'An administrator or an operator ended it.' },
    DISOWNED: { description: 'The user ended it with the link in the mail about a new device.' },
    PASSWORD_CHANGED: { description: 'The user set a new password from another session, or with a mailed link.' },
    SECOND_FACTOR_REQUIRED: { description: 'It lacked the second factor that its user needs since then.' },
    CHANGE_UNDONE: { description: 'A mailed link undid a change of the address or the password.' },
    SESSION_LIMIT: {
      description: 'The user had too many sessions. A login on another device ended the least recently used one.',
    },
    SUSPENDED: { description: 'An administrator suspended the account.' },
    RESTORED: { description: 'The operator restored the database from a backup.' },
    ACCOUNT_DELETED: { description: 'The account was deleted.' },
    IDLE_TIMEOUT: { description: 'It was not used for too long.' },
    LIFETIME: { description: 'It reached the end of its absolute lifetime.' },
  } as const,
});
