import { accountExamples } from './account.ts';
import { administrationExamples } from './administration.ts';
import type { Example } from './example.ts';
import { sessionExamples } from './sessions.ts';

/**
 * The tabs. Each succeeds after those before it, if a newcomer does what its comment says: the life of a session, a
 * second device, the end of other sessions, the account, the end of all sessions, administration. No line is longer than
 * the editor is wide in a window of 1280 pixels.
 */
export const examples: Example[] = [...sessionExamples, ...accountExamples, ...administrationExamples];
